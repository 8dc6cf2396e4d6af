/**
 * The mirror of one origin: extension → state. Owns the one door through which snapshot and change come
 * in, and the rule that a frame which is not the next one ends the link: there is no other way to recover.
 */
import type { Entry, Message } from './message.ts';
import type { DeviceState } from './state.ts';

/** States one origin may have at a time; an origin that sends more is cut off, not stored. */
export const MAX_STATES = 100_000;

/** What a frame did. `changed` lists each extension whose state is other than before, in frame order. */
export type Accepted =
  | { readonly result: 'applied'; readonly changed: readonly Changed[]; readonly vouches: boolean }
  /** In order, and there is nothing to do yet. */
  | { readonly result: 'held' }
  | { readonly result: 'broken'; readonly why: string };

export interface Changed {
  readonly extension: string;
  /** `undefined`: the origin no longer has it. */
  readonly state: DeviceState | undefined;
}

export class Replica {
  #states = new Map<string, DeviceState>();
  /** The snapshot being received on this link; it replaces everything when its last part is in. */
  #incoming: Map<string, DeviceState> | undefined;
  #synced = false;
  #known = false;
  #lastSeq = 0;
  #left = false;

  get(extension: string): DeviceState | undefined {
    return this.#states.get(extension);
  }

  /** A whole snapshot came over the present link. */
  get synced(): boolean {
    return this.#synced;
  }

  /** A whole snapshot came at any time in this run: an extension that is not here, the origin did not have. */
  get known(): boolean {
    return this.#known;
  }

  get size(): number {
    return this.#states.size;
  }

  /** A new link: numbering starts again and nothing is believed before its snapshot is whole. */
  begin(): void {
    this.#incoming = undefined;
    this.#synced = false;
    this.#lastSeq = 0;
    this.#left = false;
  }

  accept(seq: number, message: Message): Accepted {
    if (seq !== this.#lastSeq + 1) {
      return { result: 'broken', why: `frame ${seq} came after frame ${this.#lastSeq}` };
    }
    if (this.#left) return { result: 'broken', why: 'it said bye, and then went on' };
    this.#lastSeq = seq;
    switch (message.type) {
      case 'snapshot':
        return this.#snapshot(message.entries, message.last);
      case 'change':
        if (!this.#synced) return { result: 'broken', why: 'a change came before the snapshot was whole' };
        return this.#change(message.entries);
      case 'alive':
        return this.#synced ? { result: 'applied', changed: [], vouches: true } : { result: 'held' };
      case 'bye':
        this.#left = true;
        return { result: 'held' };
    }
  }

  #snapshot(entries: readonly Entry[], last: boolean): Accepted {
    this.#incoming ??= new Map();
    for (const { extension, state } of entries) if (state !== null) this.#incoming.set(extension, state);
    if (this.#incoming.size > MAX_STATES) return this.#tooMany();
    if (!last) return { result: 'held' };
    const before = this.#states;
    this.#states = this.#incoming;
    this.#incoming = undefined;
    this.#synced = true;
    this.#known = true;
    const changed: Changed[] = [];
    for (const [extension, state] of this.#states) {
      if (before.get(extension) !== state) changed.push({ extension, state });
    }
    for (const extension of before.keys()) {
      if (!this.#states.has(extension)) changed.push({ extension, state: undefined });
    }
    return { result: 'applied', changed, vouches: true };
  }

  #change(entries: readonly Entry[]): Accepted {
    const changed: Changed[] = [];
    for (const { extension, state } of entries) {
      if ((this.#states.get(extension) ?? null) === state) continue;
      if (state === null) this.#states.delete(extension);
      else this.#states.set(extension, state);
      changed.push({ extension, state: state ?? undefined });
    }
    if (this.#states.size > MAX_STATES) return this.#tooMany();
    return { result: 'applied', changed, vouches: false };
  }

  #tooMany(): Accepted {
    return { result: 'broken', why: `it exports more than ${MAX_STATES} extensions` };
  }
}
