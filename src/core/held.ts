/**
 * Lamps that a write does not change: another PBX told this Asterisk of a device of that name, by a federation of
 * Asterisk's own, and what it told hides what we wrote (main/devicestate.c, `ast_devstate_aggregate_add`). Owns what
 * Asterisk last said of each lamp, how long a write may stay without an echo, and that a list has the last word: an
 * echo may be late, or held back by an eventfilter. Times are milliseconds of one monotonic clock.
 */

/** Asterisk tells of each change; it has not told of a write that it took for so long: perhaps it changed nothing. */
export const HELD_AFTER_MS = 5_000;
/** A list is asked for at most this often because of such writes. */
export const LIST_EVERY_MS = 30_000;

export class Echoes<State extends string> {
  /** What Asterisk last said that it is, in this AMI session. */
  readonly #told = new Map<string, State>();
  /** lamp → when a write was answered of which Asterisk has not told, though it said something else before. */
  readonly #untold = new Map<string, number>();
  /** Lamps of which the next list decides. */
  readonly #doubtful = new Set<string>();
  /** lamp → what it shows instead. */
  readonly #held = new Map<string, State>();
  #askedAt = Number.NEGATIVE_INFINITY;

  get held(): number {
    return this.#held.size;
  }

  /** One of them, and what phones see there. */
  get oneHeld(): { readonly lamp: string; readonly shows: State } | undefined {
    for (const [lamp, shows] of this.#held) return { lamp, shows };
    return undefined;
  }

  /** Whether it shows this because of others: what we wrote is there, and writing it again would change nothing. */
  isHeldAt(lamp: string, state: State): boolean {
    return this.#held.get(lamp) === state;
  }

  /** Asterisk says what it is; `written`: what we wrote last. */
  told(lamp: string, state: State, written: State | undefined): void {
    this.#told.set(lamp, state);
    if (state === written) this.#free(lamp);
  }

  /** The same by a list, read after all that it could be late with. */
  listed(lamp: string, state: State, written: State | undefined): void {
    this.told(lamp, state, written);
    if (this.#doubtful.delete(lamp)) this.#held.set(lamp, state);
  }

  /** What Asterisk says from now on is about this write. */
  sent(lamp: string): void {
    this.#untold.delete(lamp);
    this.#doubtful.delete(lamp);
  }

  /** Asterisk took a write, the last one that was on its way. */
  taken(lamp: string, written: State | undefined, now: number): void {
    const told = this.#told.get(lamp);
    if (told === undefined || told === written) this.#free(lamp);
    else this.#untold.set(lamp, now);
  }

  /** True: a list is wanted, to decide. `isOnItsWay`: another write of this lamp has no answer yet. */
  tick(now: number, isOnItsWay: (lamp: string) => boolean): boolean {
    for (const [lamp, at] of this.#untold) {
      if (now - at < HELD_AFTER_MS || isOnItsWay(lamp)) continue;
      this.#untold.delete(lamp);
      if (!this.#held.has(lamp)) this.#doubtful.add(lamp);
    }
    if (this.#doubtful.size === 0 || now - this.#askedAt < LIST_EVERY_MS) return false;
    this.#askedAt = now;
    return true;
  }

  forget(lamp: string): void {
    this.#told.delete(lamp);
    this.#free(lamp);
  }

  /** The session is over. */
  clear(): void {
    this.#told.clear();
    this.#untold.clear();
    this.#doubtful.clear();
    this.#held.clear();
  }

  #free(lamp: string): void {
    this.#untold.delete(lamp);
    this.#doubtful.delete(lamp);
    this.#held.delete(lamp);
  }
}
