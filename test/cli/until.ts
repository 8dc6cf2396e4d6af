// Waits for what must come true. Owns the deadline.
import assert from 'node:assert/strict';

const DEADLINE_MS = 30_000;

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    assert.ok(performance.now() - started < DEADLINE_MS, `it did not come true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
