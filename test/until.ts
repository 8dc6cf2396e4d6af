// Waiting for conditions. Owns the one polling loop of most tests; nothing here knows what is waited for.

const POLL_MS = 5;

/** Polls `probe` until it gives something truthy and returns that; fails after `ms` naming `what`. */
export async function until<T>(
  what: string | (() => string),
  probe: () => T | Promise<T>,
  ms = 15_000,
): Promise<NonNullable<T>> {
  const start = performance.now();
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() - start > ms) {
      throw new Error(`not within ${ms / 1000} s: ${typeof what === 'string' ? what : what()}`);
    }
    await pause(POLL_MS);
  }
}

/** For pacing only, never instead of a condition. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
