// States that change all the time, evenly over the PBXs that are up. Owns the pace.
import type { Scene } from './scene.ts';

const STEP_MS = 10;
/** After a pause of this process no more than so many ms are made up for. */
const MOST_BEHIND_MS = 1_000;

export class Load {
  /** Changes so far. */
  done = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #endedAt: number | undefined;

  constructor(scene: Scene, rate: number) {
    let owed = 0;
    let last = this.#startedAt;
    this.#timer = setInterval(() => {
      const now = performance.now();
      owed += (Math.min(now - last, MOST_BEHIND_MS) * rate) / 1_000;
      last = now;
      const up = [...scene.sites.values()].filter(({ pbx }) => pbx.asterisk.booted);
      for (; owed >= 1 && up.length > 0; owed -= 1) {
        up[this.done % up.length]?.pbx.change();
        this.done += 1;
      }
    }, STEP_MS);
  }

  /** How long it has lasted. */
  get ms(): number {
    return (this.#endedAt ?? performance.now()) - this.#startedAt;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#endedAt ??= performance.now();
  }
}
