/**
 * What a broker is told: its options, and what they mean for the core and the mesh. Owns the shapes and that
 * translation only.
 */
import type { AmiOptions } from './ami/contract.ts';
import type { ExportRule } from './core/exports.ts';
import type { FederationOptions } from './core/federation.ts';
import type { ImportRule, PlainRule } from './core/imports.ts';
import type { GoneState } from './core/origin.ts';
import type { BeliefTiming } from './core/peer.ts';
import type { PacingOptions } from './core/write.ts';
import type { HttpOptions, Reloaded } from './http/contract.ts';
import type { PeerAddress } from './mesh/contract.ts';
import type { TcpOptions } from './mesh/tcp.ts';

export interface BrokerOptions {
  readonly tag: string;
  /** Of this program. */
  readonly version: string;
  /**
   * [A-Za-z0-9_-]{1,64}: of this run, and of the one before it, which is over: what that one held beside our Asterisk is
   * ours at once. Absent: any, and none.
   */
  readonly epoch?: string;
  readonly formerEpoch?: string;
  readonly ami: AmiOptions;
  readonly exports: readonly ExportRule[];
  /** What is taken from whom, and which lamps have no tag; absent: everything, and none. */
  readonly imports?: readonly ImportRule[];
  readonly plainLamps?: readonly PlainRule[];
  readonly peers: readonly (PeerAddress & { readonly goneState: GoneState })[];
  /** Tags that were peers once; their lamps may still be lit in Asterisk's database. */
  readonly formerTags: readonly string[];
  /** For former tags. */
  readonly goneState: GoneState;
  readonly timing: BeliefTiming & { readonly aliveEveryMs: number };
  readonly pacing: PacingOptions;
  readonly redial: { readonly minMs: number; readonly maxMs: number };
  readonly tcp: TcpOptions;
  /** Absent: nothing is served. */
  readonly http?: HttpOptions;
}

/** What only the process around a broker can do. */
export interface Around {
  /** Reads the config again and calls `reconfigure`; never rejects. */
  reload(): Promise<Reloaded>;
  /** Calls `close(true)` and ends. */
  leave(): void;
}

export function federationOptions(options: BrokerOptions): FederationOptions {
  const { tag, exports, timing, pacing, goneState, imports = [], plainLamps = [] } = options;
  const peers = options.peers.map((peer) => ({
    tag: peer.tag,
    goneState: peer.goneState,
    imports: imports.filter(({ from }) => from === undefined || from === peer.tag),
    plain: plainLamps.filter(({ from }) => from === peer.tag),
  }));
  const present = new Set(peers.map((peer) => peer.tag));
  const former = options.formerTags.filter((name) => !present.has(name) && name !== tag);
  const origins = [...peers, ...former.map((name) => ({ tag: name, goneState, former: true }))];
  return { tag, exports, origins, timing, pacing };
}

export function meshPeers({ peers }: BrokerOptions): PeerAddress[] {
  return peers.map(({ goneState: _, ...address }) => address);
}
