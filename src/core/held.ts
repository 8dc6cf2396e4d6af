/**
 * Lamps that a write does not change: another PBX told this Asterisk of a device of that name, by a federation of
 * Asterisk's own, and what it told hides what we wrote (main/devicestate.c, `ast_devstate_aggregate_add`). Owns what
 * Asterisk last said of each lamp, and how long a write may stay without an echo. Times are milliseconds of one
 * monotonic clock.
 */

/** Asterisk tells of each change; it has not told of a write that it took for so long: the write changed nothing. */
export const HELD_AFTER_MS = 5_000;

export class Echoes<State extends string> {
  /** What Asterisk last said that it is, in this AMI session. */
  readonly #told = new Map<string, State>();
  /** lamp → when a write was answered of which Asterisk has not told, though it said something else before. */
  readonly #untold = new Map<string, number>();
  readonly #held = new Set<string>();

  get held(): number {
    return this.#held.size;
  }

  /** One of them, and what phones see there. */
  get oneHeld(): { readonly lamp: string; readonly shows: State } | undefined {
    for (const lamp of this.#held) {
      const shows = this.#told.get(lamp);
      if (shows !== undefined) return { lamp, shows };
    }
    return undefined;
  }

  isHeld(lamp: string): boolean {
    return this.#held.has(lamp);
  }

  /** Asterisk says what it is; `written`: what we wrote last. */
  told(lamp: string, state: State, written: State | undefined): void {
    this.#told.set(lamp, state);
    if (state === written) this.#free(lamp);
  }

  /** What Asterisk says from now on is about this write. */
  sent(lamp: string): void {
    this.#untold.delete(lamp);
  }

  /** Asterisk took a write, the last one that was on its way. */
  taken(lamp: string, written: State | undefined, now: number): void {
    const told = this.#told.get(lamp);
    if (told === undefined || told === written) this.#free(lamp);
    else this.#untold.set(lamp, now);
  }

  /** `isOnItsWay`: another write of this lamp has no answer yet. */
  tick(now: number, isOnItsWay: (lamp: string) => boolean): void {
    for (const [lamp, at] of this.#untold) {
      if (now - at < HELD_AFTER_MS || isOnItsWay(lamp)) continue;
      this.#untold.delete(lamp);
      this.#held.add(lamp);
    }
  }

  forget(lamp: string): void {
    this.#told.delete(lamp);
    this.#free(lamp);
  }

  /** The session is over. */
  clear(): void {
    this.#told.clear();
    this.#untold.clear();
    this.#held.clear();
  }

  #free(lamp: string): void {
    this.#untold.delete(lamp);
    this.#held.delete(lamp);
  }
}
