/**
 * Long work, done a slice at a time: an origin may have 100 000 lamps, and the process must not stand still while all
 * of them are looked at. Owns what is still to be done; what a piece of it is, the generators know.
 */

/** Pieces done in one go; each takes some microseconds. */
export const SLICE = 250;

export class Slices {
  readonly #jobs = new Map<string, Iterator<unknown>>();

  get isDone(): boolean {
    return this.#jobs.size === 0;
  }

  /** In place of what is under way by this name. */
  begin(name: string, job: Iterator<unknown>): void {
    this.#jobs.set(name, job);
  }

  /** The rest of it, at once. */
  finish(name: string): void {
    const job = this.#jobs.get(name);
    while (job?.next().done === false);
    this.#jobs.delete(name);
  }

  finishAll(): void {
    for (const name of this.#jobs.keys()) this.finish(name);
  }

  /** The next slice. What is not done with it lets the others go on first. */
  work(): void {
    let left = SLICE;
    for (const [name, job] of this.#jobs) {
      this.#jobs.delete(name);
      while (left > 0) {
        left -= 1;
        if (job.next().done === true) break;
        if (left === 0) this.#jobs.set(name, job);
      }
      if (left === 0) return;
    }
  }
}
