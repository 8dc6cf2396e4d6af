/**
 * What one end of a link still has to say (docs/protocol.md, §4 and §9): the numbers, the parts of a snapshot, and for
 * a slow peer only the latest state of each extension. Written from that page, not from src/mesh.
 */
import type { Entry, Message } from '../../../src/core/message.ts';
import type { NetPlan } from './history.ts';
import type { Flow, View } from './wire.ts';

const ALIVE = '';

export interface OutboxHandlers {
  /** More waits than may: the link must go. */
  full(): void;
  coalesced(): void;
}

export class Outbox {
  readonly #flow: Flow;
  readonly #plan: NetPlan;
  readonly #handlers: OutboxHandlers;
  #seq = 0;
  /** Parts of a snapshot that are to come, and the snapshot after that one. */
  #parts: Entry[][] = [];
  #following: readonly Entry[] | undefined;
  /** The latest state of each extension; under ALIVE an `alive` that has its place between them. */
  readonly #pending = new Map<string, Entry | undefined>();
  /** Everything published so far. */
  #view: View | undefined;
  #ended = false;
  /** Given a snapshot: what is published goes here too. */
  served = false;

  constructor(flow: Flow, plan: NetPlan, handlers: OutboxHandlers) {
    this.#flow = flow;
    this.#plan = plan;
    this.#handlers = handlers;
  }

  get congested(): boolean {
    return this.#flow.isSlow && this.#flow.waiting >= this.#plan.bufferFrames;
  }

  snapshot(entries: readonly Entry[], view: View): void {
    if (this.#ended) return;
    this.served = true;
    this.#view = view;
    this.#pending.clear();
    if (this.#parts.length === 0) this.#parts = this.#split(entries);
    else this.#following = entries;
    this.pump();
  }

  changes(entries: readonly Entry[], view: View): void {
    if (this.#ended || !this.served) return;
    this.#view = view;
    const frames = this.#split(entries);
    for (const [at, frame] of frames.entries()) {
      if (this.#clear) this.#send({ type: 'change', entries: frame }, at === frames.length - 1);
      else for (const entry of frame) this.#keep(entry);
    }
    if (this.#pending.size <= this.#plan.queueStates) return;
    this.end();
    this.#handlers.full();
  }

  alive(): void {
    if (this.#ended || !this.served) return;
    if (this.#clear) this.#send({ type: 'alive' });
    else if (!this.#pending.has(ALIVE)) this.#pending.set(ALIVE, undefined);
  }

  /** What waits is left out. */
  bye(final: boolean): void {
    if (this.#ended) return;
    this.end();
    this.#send({ type: 'bye', final }, false);
  }

  end(): void {
    this.#ended = true;
    this.#parts = [];
    this.#following = undefined;
    this.#pending.clear();
  }

  /** There may be room again. */
  pump(): void {
    while (!this.congested) {
      const next = this.#nextPart() ?? this.#nextPending();
      if (next === undefined) return;
      this.#send(next);
    }
  }

  #nextPart(): Message | undefined {
    const entries = this.#parts.shift();
    if (entries === undefined) return undefined;
    const last = this.#parts.length === 0;
    if (last && this.#following !== undefined) {
      this.#parts = this.#split(this.#following);
      this.#following = undefined;
    }
    return { type: 'snapshot', entries, last };
  }

  #nextPending(): Message | undefined {
    const entries: Entry[] = [];
    for (const [key, entry] of this.#pending) {
      if (entries.length === this.#plan.frameStates || (entry === undefined && entries.length > 0)) break;
      this.#pending.delete(key);
      if (entry === undefined) return { type: 'alive' };
      entries.push(entry);
    }
    return entries.length > 0 ? { type: 'change', entries } : undefined;
  }

  get #clear(): boolean {
    return this.#parts.length === 0 && this.#pending.size === 0 && !this.congested;
  }

  #keep(entry: Entry): void {
    if (this.#pending.has(entry.extension)) this.#handlers.coalesced();
    this.#pending.set(entry.extension, entry);
  }

  #split(entries: readonly Entry[]): Entry[][] {
    const frames: Entry[][] = [];
    for (let i = 0; i === 0 || i < entries.length; i += this.#plan.frameStates) {
      frames.push(entries.slice(i, i + this.#plan.frameStates));
    }
    return frames;
  }

  #send(message: Message, isAll = true): void {
    this.#seq += 1;
    const nothingWaits = this.#parts.length === 0 && ![...this.#pending.values()].some(Boolean);
    const view = isAll && nothingWaits ? this.#view : undefined;
    this.#flow.send({ kind: 'frame', seq: this.#seq, message, view });
  }
}
