// Waiting for a condition, with a bound.
import { setTimeout as sleep } from 'node:timers/promises';

export async function until(what: string, condition: () => boolean, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(2);
  }
}
