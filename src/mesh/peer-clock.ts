/**
 * One peer's clock, seen from ours: what it was when it answered our pings, and so what a time of the peer is in
 * ours. Owns that estimate, its bound, and the limits of what a peer can make us believe. For measuring only:
 * nothing is decided by it (law 1). All times are milliseconds; ours are of `performance.now()`.
 */
import type { RoundTrip } from './pulse.ts';

/** Pongs looked back on; the best of them counts. */
export const CLOCK_SAMPLES = 8;
/** How fast two clocks are taken to part, at most: what ntpd may slew (500 ppm), far more than crystals do. */
export const MAX_DRIFT = 0.0005;
/** A change that would be older than this has no time: a link that slow is cut long before. */
export const MAX_CHANGE_AGE_MS = 60_000;

interface Sample {
  /** The peer's clock less ours, give or take half the round trip. */
  readonly offset: number;
  /** How wrong `offset` may be at our time t: `error` + MAX_DRIFT × t. */
  readonly error: number;
}

export class PeerClock {
  /** Oldest first. */
  readonly #samples: Sample[] = [];
  #best: Sample | undefined;

  /** `clock` is what the peer's showed at some moment between the two ends of the round trip. */
  answered({ sentAt, receivedAt }: RoundTrip, clock: number): void {
    const offset = clock - (sentAt + receivedAt) / 2;
    this.#samples.push({ offset, error: (receivedAt - sentAt) / 2 - MAX_DRIFT * sentAt });
    if (this.#samples.length > CLOCK_SAMPLES) this.#samples.shift();
    this.#best = this.#samples.reduce((best, sample) => (sample.error < best.error ? sample : best));
  }

  /**
   * A time of the peer in ours, wrong by half the best round trip at most, plus the drift since; never later than
   * `now`. Undefined: not known yet, or too old to be true.
   */
  toOurs(theirs: number, now: number): number | undefined {
    if (this.#best === undefined) return undefined;
    const ours = Math.min(theirs - this.#best.offset, now);
    return now - ours > MAX_CHANGE_AGE_MS ? undefined : ours;
  }
}
