/**
 * What is published, by view, gathered until what is being done now is done, or in a storm for some milliseconds. Owns
 * the order (as published, with repetitions) and the promise that a frame is encoded at most once for all links of a
 * view.
 */
import type { Entry } from '../core/message.ts';
import { MAX_FRAME_STATES } from './contract.ts';
import { type Body, encodeBody } from './frames.ts';

/** States of one view that are gathered; past it they are sent at once. */
export const MAX_BATCH_STATES = 2_000;

/**
 * The least time between two batches, milliseconds: a frame costs both ends far more than a state more in it does. What
 * comes after a quiet time goes out as soon as the packets that were read with it are done.
 */
export const BATCH_EVERY_MS = 2;

/** Changes of one view, for any number of links. */
export class Batch {
  readonly entries: readonly Entry[];
  /** When the first of them was published, by the clock that the peers are told. */
  readonly at: number;
  readonly #bodies: Body[] = [];
  readonly #encoded: () => void;

  /** `encoded` is called for each frame that is really encoded. */
  constructor(entries: readonly Entry[], at: number, encoded: () => void) {
    this.entries = entries;
    this.at = at;
    this.#encoded = encoded;
  }

  get frames(): number {
    return Math.ceil(this.entries.length / MAX_FRAME_STATES);
  }

  body(frame: number): Body {
    const known = this.#bodies[frame];
    if (known !== undefined) return known;
    const body = encodeBody({ type: 'change', entries: frameOf(this.entries, frame), at: this.at });
    this.#bodies[frame] = body;
    this.#encoded();
    return body;
  }
}

/** The entries of one frame, counted from 0. */
export function frameOf(entries: readonly Entry[], frame: number): readonly Entry[] {
  return entries.slice(frame * MAX_FRAME_STATES, (frame + 1) * MAX_FRAME_STATES);
}

export class Batches {
  readonly #deliver: (view: string, batch: Batch) => void;
  readonly #clock: () => number;
  readonly #gathered = new Map<string, { readonly entries: Entry[]; readonly at: number }>();
  /** The flush that is to come, at once or some time later. */
  #now = false;
  #later: NodeJS.Timeout | undefined;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #framesEncoded = 0;

  /** `clock`: the one that the peers are told. */
  constructor(clock: () => number, deliver: (view: string, batch: Batch) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  /** How many frames were encoded so far. */
  get framesEncoded(): number {
    return this.#framesEncoded;
  }

  add(view: string, entries: readonly Entry[]): void {
    const gathered = this.#gathered.get(view) ?? { entries: [], at: this.#clock() };
    this.#gathered.set(view, gathered);
    for (const entry of entries) gathered.entries.push(entry);
    if (gathered.entries.length >= MAX_BATCH_STATES) this.flushView(view);
    else this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#now || this.#later !== undefined) return;
    const early = this.#flushedAt + BATCH_EVERY_MS - performance.now();
    if (early > 0) {
      this.#later = setTimeout(() => this.flush(), Math.ceil(early));
      return;
    }
    this.#now = true;
    process.nextTick(() => {
      if (this.#now) this.flush();
    });
  }

  flush(): void {
    clearTimeout(this.#later);
    this.#now = false;
    this.#later = undefined;
    if (this.#gathered.size > 0) this.#flushedAt = performance.now();
    for (const view of this.#gathered.keys()) this.flushView(view);
  }

  flushView(view: string): void {
    const gathered = this.#gathered.get(view);
    if (gathered === undefined) return;
    this.#gathered.delete(view);
    const batch = new Batch(gathered.entries, gathered.at, () => {
      this.#framesEncoded += 1;
    });
    this.#deliver(view, batch);
  }
}
