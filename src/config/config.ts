/**
 * What a valid config is, once read: plain values, files already read, times in milliseconds. Owns the shape
 * only. It holds secrets (`identity.pem`, `ami.secret`, `ami.tls.key`): never log it.
 */
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import type { GoneStateName, LogLevel } from './schema.ts';

export interface Config {
  /** The file it was read from. */
  readonly file: string;
  readonly tag: string;
  /** Text of the identity file; absent only with `insecure` and no identity_file. */
  readonly identity?: { readonly file: string; readonly pem: string };
  readonly stateDir: string;
  /** PEM text of the CAs for peers without a fingerprint. */
  readonly ca?: string;
  readonly insecure: boolean;
  readonly ami: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly secret: string;
    readonly tls?: {
      readonly ca?: string;
      readonly servername?: string;
      readonly cert?: string;
      readonly key?: string;
    };
  };
  /** Absent: we only dial. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Metrics, health and status. Absent: not served. */
  readonly http?: { readonly host: string; readonly port: number };
  readonly export: readonly ExportRule[];
  /** What is taken from the peers; one that no line speaks of is taken whole. */
  readonly imports: readonly ImportRule[];
  /** Lamps without a tag, beside EXT*tag. */
  readonly plainLamps: readonly PlainRule[];
  readonly peers: readonly PeerConfig[];
  readonly lamps: {
    readonly goneState: GoneStateName;
    /** `Infinity`: unlimited. */
    readonly writesPerSecond: number;
    readonly burst: number;
    readonly window: number;
  };
  readonly timing: {
    readonly aliveMs: number;
    readonly suspectAfterMs: number;
    readonly goneAfterMs: number;
    readonly firstSyncMs: number;
    readonly relistMs: number;
    readonly redialMinMs: number;
    readonly redialMaxMs: number;
  };
  readonly logLevel: LogLevel;
}

export interface PeerConfig {
  readonly tag: string;
  /** Absent: the peer dials us. */
  readonly url?: string;
  /** Absent: WebSocket. */
  readonly transport?: 'zeromq';
  /** Absent: CA mode, or `insecure`, or only ZeroMQ proves it. */
  readonly fingerprint?: string;
  /** Who it is over ZeroMQ: there whenever `transport` is. */
  readonly curveKey?: string;
  /** Prove it as well: of the identity that it is about to take. */
  readonly next?: { readonly fingerprint?: string; readonly curveKey?: string };
  readonly goneState: GoneStateName;
  /** `file:line:column`, for messages. */
  readonly where: string;
}

/**
 * What the config must know of keys, which is another room's business (mesh/identity.ts); whoever loads a
 * config hands it in.
 */
export interface Keys {
  /** Reads an identity file; throws an Error whose message says what is wrong, and nothing of the key. */
  identify(pem: string): {
    readonly fingerprint: string;
    readonly names: readonly string[];
    /** Absent: the file has no key for ZeroMQ. */
    readonly curve?: { readonly publicKey: string };
  };
  isFingerprint(text: string): boolean;
  /** Whether it is a public key for ZeroMQ that can be used. */
  isCurveKey(text: string): boolean;
}
