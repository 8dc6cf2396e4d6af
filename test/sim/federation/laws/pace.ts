/**
 * How fast may be written (law 5): the token bucket and the window of unanswered writes, kept anew. Both sides of it:
 * nothing goes too early, and nothing waits while there is room.
 */
import type { FederationOptions, Input } from '../../../../src/core/federation.ts';
import { demand } from './words.ts';

const EPSILON = 1e-6;

export class Pace {
  #pacing: FederationOptions['pacing'];
  #tokens: number;
  #lastAt: number;

  constructor(pacing: FederationOptions['pacing'], now: number) {
    this.#pacing = pacing;
    this.#tokens = pacing.burst;
    this.#lastAt = now;
  }

  /** A reload counts from the last input on: for a tenth of a second at most. */
  before(input: Input, now: number): void {
    if (input.type === 'configured') this.#pacing = input.options.pacing;
    const { writesPerSecond: rate, burst } = this.#pacing;
    const earned = now === this.#lastAt ? 0 : ((now - this.#lastAt) * rate) / 1_000;
    this.#lastAt = now;
    this.#tokens = Math.min(burst, Math.min(burst, this.#tokens) + earned);
    if (rate === Number.POSITIVE_INFINITY) this.#tokens = rate;
  }

  /** Writes that may go at once, when so many are unanswered. */
  room(inFlight: number): number {
    return Math.min(this.#tokens, this.#pacing.window - inFlight);
  }

  /** One more goes. */
  spend(lamp: string, inFlight: number): void {
    demand(
      this.#tokens >= 1 - EPSILON,
      'law 5 (rate)',
      () => `${lamp} is written with ${this.#tokens} tokens`,
    );
    demand(inFlight < this.#pacing.window, 'law 5 (window)', () => `${inFlight + 1} writes are unanswered`);
    this.#tokens -= 1;
  }

  /** So many wait that were not refused. */
  waits(owed: number, inFlight: number): void {
    const room = this.room(inFlight) >= 1 + EPSILON;
    demand(!room || owed <= 0, 'law 5 (room)', () => `${owed} writes wait although there is room`);
  }

  /** The tick that a write waits for comes in time. */
  wakes(at: number | undefined, inFlight: number, now: number): void {
    if (inFlight >= this.#pacing.window) return;
    const due = now + ((1 - this.#tokens) * 1_000) / this.#pacing.writesPerSecond;
    demand(
      at !== undefined && at <= due + 1,
      'law 5 (wake)',
      () => `wakes at ${at}, a token is there at ${due}`,
    );
  }
}
