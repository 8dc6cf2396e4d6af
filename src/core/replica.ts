/**
 * The mirror of one origin: what each of its extensions is. Owns the one door through which snapshot and change come
 * in, and the rule that a frame which is not the next one ends the link: there is no other way to recover.
 */
import { type Entry, entryKey, type Kind, type Message, type StateOf } from './message.ts';

/** States one origin may have at a time, of all kinds; an origin that sends more is cut off, not stored. */
export const MAX_STATES = 100_000;

/** What a frame did. `changed` lists each entry whose state is other than before, in frame order. */
export type Accepted =
  | { readonly result: 'applied'; readonly changed: readonly Entry[]; readonly vouches: boolean }
  /**
   * A snapshot is whole and has replaced everything. `changes` finds out what that changed as it is gone through, and
   * says `undefined` where it is nothing, so that whoever does can pause in between.
   */
  | { readonly result: 'replaced'; readonly changes: Generator<Entry | undefined> }
  /** In order, and there is nothing to do yet. */
  | { readonly result: 'held' }
  | { readonly result: 'broken'; readonly why: string };

export class Replica {
  /** By {@link entryKey}; no state of them is `null`. */
  #states = new Map<string, Entry>();
  /** The snapshot being received on this link; it replaces everything when its last part is in. */
  #incoming: Map<string, Entry> | undefined;
  #size = 0;
  #synced = false;
  #known = false;
  #lastSeq = 0;
  #left = false;

  get(extension: string): StateOf['device'] | undefined;
  get<K extends Kind>(extension: string, kind: K): StateOf[K] | undefined;
  get(extension: string, kind: Kind = 'device'): Entry['state'] | undefined {
    return this.#states.get(entryKey(kind, extension))?.state ?? undefined;
  }

  entries(): Iterable<Entry> {
    return this.#states.values();
  }

  /** A whole snapshot came over the present link. */
  get synced(): boolean {
    return this.#synced;
  }

  /** A whole snapshot came at any time in this run: an extension that is not here, the origin did not have. */
  get known(): boolean {
    return this.#known;
  }

  /** Extensions that have a device state. */
  get size(): number {
    return this.#size;
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
    for (const entry of entries) if (entry.state !== null) this.#incoming.set(keyOf(entry), entry);
    if (this.#incoming.size > MAX_STATES) return this.#tooMany();
    if (!last) return { result: 'held' };
    const before = this.#states;
    this.#states = this.#incoming;
    this.#incoming = undefined;
    this.#size = 0;
    for (const { kind } of this.#states.values()) if (kind === 'device') this.#size += 1;
    this.#synced = true;
    this.#known = true;
    return { result: 'replaced', changes: changesBetween(before, this.#states) };
  }

  #change(entries: readonly Entry[]): Accepted {
    const changed: Entry[] = [];
    for (const entry of entries) {
      const key = keyOf(entry);
      const before = this.#states.get(key)?.state ?? null;
      if (before === entry.state) continue;
      if (entry.kind === 'device' && (before === null || entry.state === null)) {
        this.#size += before === null ? 1 : -1;
      }
      if (entry.state === null) this.#states.delete(key);
      else this.#states.set(key, entry);
      changed.push(entry);
    }
    if (this.#states.size > MAX_STATES) return this.#tooMany();
    return { result: 'applied', changed, vouches: false };
  }

  #tooMany(): Accepted {
    return { result: 'broken', why: `it exports more than ${MAX_STATES} states` };
  }
}

/**
 * `now` may change meanwhile: what is said is as it is then. What comes into it meanwhile is at its end, and is told by
 * who brings it.
 */
function* changesBetween(
  before: ReadonlyMap<string, Entry>,
  now: ReadonlyMap<string, Entry>,
): Generator<Entry | undefined> {
  let left = now.size;
  for (const [key, entry] of now) {
    if (left === 0) break;
    left -= 1;
    yield before.get(key)?.state === entry.state ? undefined : entry;
  }
  for (const [key, entry] of before) yield now.has(key) ? undefined : { ...entry, state: null };
}

function keyOf({ kind, extension }: Entry): string {
  return entryKey(kind, extension);
}
