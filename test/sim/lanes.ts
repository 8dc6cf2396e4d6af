/**
 * Asterisk's other threads: what they have to do waits in lanes, one for each thread. Inside a lane everything keeps
 * its order; whose turn it is, is chance. No clock.
 */
export class Lanes {
  /** Stopped as by SIGSTOP: nothing leaves the lanes. */
  frozen = false;
  readonly #lanes: readonly (() => void)[][];
  readonly #random: () => number;

  constructor(count: number, random: () => number) {
    this.#lanes = Array.from({ length: count }, () => []);
    this.#random = random;
  }

  put(lane: number, work: () => void): void {
    this.#lanes[lane]?.push(work);
  }

  get busy(): boolean {
    return this.#lanes.some((lane) => lane.length > 0);
  }

  /** One piece of work; false: there is none to be had. */
  step(): boolean {
    if (this.frozen) return false;
    const waiting = this.#lanes.filter((lane) => lane.length > 0);
    const turn = waiting.length > 1 ? Math.floor(this.#random() * waiting.length) : 0;
    const work = waiting[turn]?.shift();
    work?.();
    return work !== undefined;
  }

  settle(): void {
    while (this.step());
  }

  /** The process is gone, and its threads with it. */
  clear(): void {
    for (const lane of this.#lanes) lane.length = 0;
  }
}
