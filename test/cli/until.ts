// Waits for what must come true, and names it by its own text. Owns the deadline; the polling is ../until.ts.
import { until as poll } from '../until.ts';

const DEADLINE_MS = 30_000;

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await poll(`it did not come true: ${condition}`, condition, DEADLINE_MS);
}
