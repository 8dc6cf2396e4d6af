/**
 * What this broker believes about one origin: unheard → live → suspect → gone. Owns the transitions and
 * nothing else; what a belief does to lamps is `origin.ts`.
 */

export type Belief = 'unheard' | 'live' | 'suspect' | 'gone';

/** Milliseconds, all on the receiver's monotonic clock: it only measures silence (law 1). */
export interface BeliefTiming {
  /** Silence after which a live origin is suspect. */
  readonly suspectAfterMs: number;
  /** How long suspect lasts before gone. */
  readonly goneAfterMs: number;
  /** How long after the start an origin never heard counts as gone. */
  readonly firstSyncMs: number;
}

export class Peer {
  #belief: Belief = 'unheard';
  /** When the present belief's clock started: start, last heard, or begin of suspicion. */
  #since: number;
  #timing: BeliefTiming;

  constructor(timing: BeliefTiming, now: number) {
    this.#timing = timing;
    this.#since = now;
  }

  get belief(): Belief {
    return this.#belief;
  }

  /** Other times from now on. */
  retime(timing: BeliefTiming): void {
    this.#timing = timing;
  }

  /** The origin vouched for all its states: a whole snapshot, or `alive` after one. */
  vouched(now: number): void {
    this.#belief = 'live';
    this.#since = now;
  }

  /**
   * A change arrived. It proves the origin is there, but after a long silence only `alive` proves that
   * nothing older is still owed, so it does not bring back an origin that is gone or was never heard.
   */
  heard(now: number): void {
    if (this.#belief === 'live' || this.#belief === 'suspect') this.vouched(now);
  }

  /** A clean stop: suspect at once and gone after the usual grace; `final`: gone at once. */
  left(final: boolean, now: number): void {
    if (final) this.#belief = 'gone';
    else if (this.#belief === 'live') {
      this.#belief = 'suspect';
      this.#since = now;
    }
  }

  /** We ourselves did not run for this long (stopped, swapped out): that was no silence of the origin's. */
  excuse(ms: number): void {
    this.#since += ms;
  }

  tick(now: number): void {
    const { suspectAfterMs, goneAfterMs, firstSyncMs } = this.#timing;
    if (this.#belief === 'live' && now - this.#since >= suspectAfterMs) {
      this.#belief = 'suspect';
      this.#since += suspectAfterMs;
    }
    const grace = this.#belief === 'suspect' ? goneAfterMs : firstSyncMs;
    if ((this.#belief === 'suspect' || this.#belief === 'unheard') && now - this.#since >= grace) {
      this.#belief = 'gone';
    }
  }
}
