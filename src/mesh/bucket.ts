/**
 * A token bucket: so many at once, so many a second after that. Owns the arithmetic; time comes in, milliseconds of a
 * monotonic clock.
 */
export class Bucket {
  #tokens: number;
  /** When there were so many. */
  #at: number;

  constructor(burst: number, now: number) {
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token; false when there is none, and then nothing is taken. */
  take({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }, now: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
