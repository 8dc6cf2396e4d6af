/**
 * What is published, by view, gathered until the end of the event-loop turn. Owns the order (as published, with
 * repetitions) and the promise that a frame is encoded at most once for all links of a view.
 */
import type { Entry } from '../core/message.ts';
import { MAX_FRAME_STATES } from './contract.ts';
import { type Body, encodeBody } from './frames.ts';

/** States of one view that wait for the end of the turn; past it they are sent at once. */
export const MAX_BATCH_STATES = 2_000;

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
  #turn: NodeJS.Immediate | undefined;
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
    else this.#turn ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
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
