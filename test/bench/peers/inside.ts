// Loaded into the process of the broker under test before the broker (`--import`): tells what only the process itself
// knows. Owns the measuring; changes nothing of the broker.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { answerTo } from './answer.ts';

/** A collection that gives memory back to the system may need several. */
const COLLECTIONS = 4;
const COLLECT_EVERY_MS = 100;

const session = new Session();
const delay = monitorEventLoopDelay({ resolution: 1 });
let longestCollectionMs = 0;
const collections = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longestCollectionMs = Math.max(longestCollectionMs, duration);
});

const commands = {
  /** Of this process so far, all threads, ms. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },

  /** With everything let go that nobody holds, bytes. */
  async memory(): Promise<{ rss: number; heap: number }> {
    for (let done = 0; done < COLLECTIONS; done += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, COLLECT_EVERY_MS));
    }
    return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed };
  },

  /** From now on it is watched how long the event loop is held; the watching itself costs some CPU. */
  watch(): void {
    delay.reset();
    delay.enable();
    longestCollectionMs = 0;
    collections.observe({ entryTypes: ['gc'] });
  },

  /** The longest time between two turns of a timer of 1 ms since `watch`, less that 1 ms; and the longest collection. */
  held(): { ms: number; collectionMs: number } {
    delay.disable();
    collections.disconnect();
    return { ms: Math.max(0, delay.max / 1e6 - 1), collectionMs: longestCollectionMs };
  },

  /** Profiles until `profiled`. */
  async profile(everyUs: number): Promise<void> {
    session.connect();
    await post('Profiler.enable');
    await post('Profiler.setSamplingInterval', { interval: everyUs });
    await post('Profiler.start');
  },

  /** Writes what was profiled to `file`, for the tools that read .cpuprofile. */
  async profiled(file: string): Promise<void> {
    const { profile } = (await post('Profiler.stop')) as { profile: unknown };
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  },
};

export type InsideCommands = typeof commands;

function post(method: string, params: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) =>
    session.post(method, params, (error: Error | null, result?: object) =>
      error ? reject(error) : resolve(result),
    ),
  );
}

answerTo(commands, false);
