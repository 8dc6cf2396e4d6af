// All peers of the broker under test, in a process of their own. Owns what can be asked of them.
import type { DeviceState } from '../../../src/core/state.ts';
import { pause, until } from '../../until.ts';
import { machineMs } from '../transports/figures.ts';
import { answerTo } from './answer.ts';
import { addressOf, HUB, tagOf } from './names.ts';
import { BenchPeer, type Heard } from './peer.ts';
import { cutAll, wireBytes } from './wire.ts';

const LINKED_WITHIN_MS = 60_000;
const HEARD_WITHIN_MS = 30_000;

const heard: Heard = { changes: 0, frames: 0, characters: 0 };
let peers: BenchPeer[] = [];
let extensions = 0;
let next = 0;

export interface PeersOptions {
  /** An identity for each. */
  readonly pems: readonly string[];
  /** Of each. */
  readonly extensions: number;
  readonly hub: { readonly url: string; readonly fingerprint: string };
}

const commands = {
  /** First of all. Nothing is dialled yet. */
  make(options: PeersOptions): void {
    extensions = options.extensions;
    const hub = { tag: HUB, ...options.hub };
    peers = options.pems.map((pem, n) => {
      return new BenchPeer({ tag: tagOf(n), pem, address: addressOf(n), hub, extensions }, heard);
    });
  },

  async link(): Promise<void> {
    for (const peer of peers) await peer.start();
    await linked();
  },

  /** Peer after peer changes a state, so many a second; `Infinity`: all at once. */
  async change(count: number, perSecond: number): Promise<void> {
    const begun = performance.now();
    for (let done = 0; done < count; done += 1) {
      const ahead = begun + (1_000 * done) / perSecond - performance.now();
      if (ahead > 0) await pause(ahead);
      const turn = Math.floor(next / peers.length);
      peers[next % peers.length]?.change(turn % extensions);
      next += 1;
    }
  },

  /** So far. */
  heard: (): Heard & { readonly wireBytes: number } => ({ ...heard, wireBytes: wireBytes() }),

  /** Until all together have heard so many changes. */
  untilHeard: async (changes: number): Promise<void> => {
    await until(
      () => `heard ${heard.changes} of ${changes}`,
      () => heard.changes >= changes,
      HEARD_WITHIN_MS,
    );
  },

  /**
   * All links are lost at one moment, and every peer dials again when it means to. Meanwhile the first extension of each
   * becomes `state`, or all of its extensions change, or none. When that was, by `machineMs`.
   */
  cut(meanwhile: DeviceState | 'all' | 'none'): number {
    const at = machineMs();
    cutAll();
    for (const peer of peers) {
      if (meanwhile === 'all') peer.changeAll();
      else if (meanwhile !== 'none') peer.change(0, meanwhile);
    }
    return at;
  },

  /** When each has a link again and knows the broker's `extension` to be `state`, by `machineMs`. */
  async knows(extension: string, state: DeviceState): Promise<number> {
    const right = (peer: BenchPeer) => peer.linked && peer.replica.get(extension) === state;
    await until('all peers know', () => peers.every(right), LINKED_WITHIN_MS);
    return machineMs();
  },
};

export type PeersCommands = typeof commands;

async function linked(): Promise<void> {
  const up = () => peers.filter((peer) => peer.linked).length;
  await until(
    () => `${up()} of ${peers.length} peers are linked`,
    () => up() === peers.length,
    LINKED_WITHIN_MS,
  );
}

answerTo(commands, true);
