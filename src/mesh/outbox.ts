/**
 * What one link still has to say, and when. Owns the numbering of the frames we send, the order snapshot →
 * changes → alive, and the rule for a slow peer: frames go straight out while the channel takes them, after that
 * only the latest state of each extension is kept until it drains. Knows no frames that arrive, no timers.
 */
import { type Entry, entryKey } from '../core/message.ts';
import { type Batch, frameOf } from './batches.ts';
import { type Channel, HIGH_WATER_BYTES, LINK_QUEUE_BYTES, MAX_FRAME_STATES } from './contract.ts';
import { type Body, encodeBody, type Said, withSeq } from './frames.ts';

/** What one kept state costs, beside its name: the map's cell, the entry, its frame. An estimate. */
export const ENTRY_BYTES = 64;

/** A state that waits. */
interface Kept {
  readonly entry: Entry;
  /** When the first state of this extension that waits was published: what it has been late by, at most. */
  readonly at: number;
}

const ALIVE = encodeBody({ type: 'alive' });

export interface OutboxHandlers {
  /** More is queued than LINK_QUEUE_BYTES: the link must go. Called at most once. */
  full(bytes: number): void;
  /** A kept state was overtaken by a later one of the same extension. */
  coalesced(): void;
}

export class Outbox {
  readonly #channel: Channel;
  readonly #handlers: OutboxHandlers;
  #seq = 0;
  /** The snapshot being sent, part by part; the peer joins parts until `last`, so it is always finished. */
  #current: { entries: readonly Entry[]; next: number } | undefined;
  /** The snapshot after that one; a newer one takes its place. */
  #following: readonly Entry[] | undefined;
  /**
   * Latest state of each extension, in the order they first came, so the oldest first; `undefined` under ALIVE_KEY
   * is an `alive` that waits for what was said before it.
   */
  readonly #pending = new Map<string, Kept | undefined>();
  #pendingBytes = 0;
  #ended = false;

  constructor(channel: Channel, handlers: OutboxHandlers) {
    this.#channel = channel;
    this.#handlers = handlers;
  }

  /** Numbered frames sent so far. */
  get sent(): number {
    return this.#seq;
  }

  /** Bytes that wait: those the channel holds, and the states kept here (an estimate). */
  get bytes(): number {
    return this.#channel.buffered + this.#pendingBytes;
  }

  /** The channel holds so much that nothing more is given to it. */
  get congested(): boolean {
    return this.#channel.buffered >= HIGH_WATER_BYTES;
  }

  /** Replaces all that is queued, but for a snapshot of which parts are out already. */
  snapshot(entries: readonly Entry[]): void {
    if (this.#ended) return;
    this.#pending.clear();
    this.#pendingBytes = 0;
    if (this.#current === undefined) this.#current = { entries, next: 0 };
    else {
      // The peer may see less now: what is still to go out of the one under way is only what is in this one too.
      const may = new Set(entries.map(keyOf));
      const out = this.#current.next * MAX_FRAME_STATES;
      const { entries: old } = this.#current;
      const rest = old.slice(out).filter((entry) => may.has(keyOf(entry)));
      this.#current.entries = [...old.slice(0, out), ...rest];
      this.#following = entries;
    }
    this.pump();
  }

  batch(batch: Batch): void {
    if (this.#ended) return;
    for (let frame = 0; frame < batch.frames; frame++) {
      if (this.#clear()) this.#send(batch.body(frame));
      else for (const entry of frameOf(batch.entries, frame)) this.#keep(entry, batch.at);
    }
    if (this.bytes > LINK_QUEUE_BYTES && !this.#ended) {
      const bytes = this.bytes;
      this.end();
      this.#handlers.full(bytes);
    }
  }

  alive(): void {
    if (this.#ended) return;
    if (this.#clear()) this.#send(ALIVE);
    else if (!this.#pending.has(ALIVE_KEY)) this.#pending.set(ALIVE_KEY, undefined);
  }

  /** Says bye at once, before anything that waits: what waits is forgotten, nothing numbered follows. */
  bye(final: boolean): void {
    if (this.#ended) return;
    this.end();
    this.#send(encodeBody({ type: 'bye', final }));
  }

  /** Forgets what waits and sends nothing more. */
  end(): void {
    this.#ended = true;
    this.#current = undefined;
    this.#following = undefined;
    this.#pending.clear();
    this.#pendingBytes = 0;
  }

  /** Gives the channel what it can take now; to be called when it drained. */
  pump(): void {
    while (!this.congested) {
      const message = this.#nextPart() ?? this.#nextPending();
      if (message === undefined) return;
      this.#send(encodeBody(message));
    }
  }

  #nextPart(): Said | undefined {
    const current = this.#current;
    if (current === undefined) return undefined;
    const entries = frameOf(current.entries, current.next);
    current.next += 1;
    const last = current.next * MAX_FRAME_STATES >= current.entries.length;
    if (last) {
      this.#current = this.#following && { entries: this.#following, next: 0 };
      this.#following = undefined;
    }
    return { type: 'snapshot', entries, last };
  }

  #nextPending(): Said | undefined {
    const entries: Entry[] = [];
    let oldest: number | undefined;
    for (const [key, kept] of this.#pending) {
      if (entries.length === MAX_FRAME_STATES) break;
      if (kept === undefined) {
        if (entries.length > 0) break;
        this.#pending.delete(key);
        return { type: 'alive' };
      }
      oldest ??= kept.at;
      entries.push(kept.entry);
      this.#pending.delete(key);
      this.#pendingBytes -= cost(kept.entry);
    }
    return oldest === undefined ? undefined : { type: 'change', entries, at: oldest };
  }

  /** Nothing waits: the next frame may go straight out. */
  #clear(): boolean {
    return this.#current === undefined && this.#pending.size === 0 && !this.congested;
  }

  #keep(entry: Entry, at: number): void {
    const key = keyOf(entry);
    const before = this.#pending.get(key);
    if (before !== undefined) {
      this.#handlers.coalesced();
      this.#pendingBytes -= cost(before.entry);
    }
    this.#pendingBytes += cost(entry);
    this.#pending.set(key, { entry, at: before?.at ?? at });
  }

  #send(body: Body): void {
    this.#seq += 1;
    this.#channel.send(withSeq(this.#seq, body));
  }
}

/** No extension is empty, so no entry has this key. */
const ALIVE_KEY = '';

function keyOf({ kind, extension }: Entry): string {
  return entryKey(kind, extension);
}

function cost(entry: Entry): number {
  const texts = entry.kind === 'presence' ? Buffer.byteLength(entry.state ?? '') : 0;
  return entry.extension.length + texts + ENTRY_BYTES;
}
