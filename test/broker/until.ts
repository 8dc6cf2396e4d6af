// Waiting for a condition, with a bound.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 5;

/** Resolves as soon as `condition` holds; rejects with `what` when it does not within `ms`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
