/**
 * Plays a history and says what became of it. Nobody may look at a real clock or at chance meanwhile: a run is the same
 * every time, or fails at once.
 */
import type { CoreModule } from './broker.ts';
import { finish } from './end.ts';
import type { History } from './history.ts';
import { Violation } from './laws/words.ts';
import { type Counts, World } from './world.ts';

export interface Outcome {
  /** The law that did not hold, or `exception`; undefined: all held. */
  readonly law: string | undefined;
  readonly text: string;
  /** How many steps were done. */
  readonly steps: number;
  /** When it ended, in the time of the run. */
  readonly ranMs: number;
}

export interface PlayOptions {
  readonly core: CoreModule;
  readonly counts?: Counts;
  readonly say?: (text: string) => void;
}

export function play(history: History, options: PlayOptions): Outcome {
  return withoutClocks(() => {
    const progress = { steps: 0, now: 0 };
    try {
      const world = new World(history, options);
      for (const step of history.steps) {
        world.do(step);
        progress.steps += 1;
        progress.now = world.agenda.now;
      }
      world.say(() => 'END: all faults stop');
      finish(world);
      return { law: undefined, text: 'all laws held', steps: progress.steps, ranMs: world.agenda.now };
    } catch (error) {
      const { steps, now: ranMs } = progress;
      if (error instanceof Violation) return { law: error.law, text: error.message, steps, ranMs };
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { law: 'exception', text, steps, ranMs };
    }
  });
}

export async function loadCore(folder: string | URL): Promise<CoreModule> {
  const url = typeof folder === 'string' ? new URL(`file://${folder}/federation.ts`) : folder;
  return (await import(url.href)) as CoreModule;
}

const REAL_CORE = new URL('../../../src/core/federation.ts', import.meta.url);

export function realCore(): Promise<CoreModule> {
  return loadCore(REAL_CORE);
}

function withoutClocks<T>(run: () => T): T {
  const refuse = (): never => {
    throw new Error('somebody looked at a real clock, or at chance');
  };
  const { now } = Date;
  const { random } = Math;
  const monotonic = performance.now;
  Date.now = refuse;
  Math.random = refuse;
  performance.now = refuse;
  try {
    return run();
  } finally {
    Date.now = now;
    Math.random = random;
    performance.now = monotonic;
  }
}
