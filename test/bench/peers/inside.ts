// Loaded into the process of the broker under test before the broker (`--import`): tells what only the process itself
// knows. Owns the measuring; changes nothing of the broker.
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { answerTo } from './answer.ts';

/** A collection that gives memory back to the system may need several. */
const COLLECTIONS = 4;
const COLLECT_EVERY_MS = 100;

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
};

export type InsideCommands = typeof commands;

answerTo(commands, false);
