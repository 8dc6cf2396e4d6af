// The end of a broker, in good order and not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../../src/cli/log.ts';
import { closeInTime } from '../../src/cli/stop-limit.ts';

async function close(closing: () => Promise<void>, final: boolean) {
  const lines: string[] = [];
  const finals: (boolean | undefined)[] = [];
  const broker = {
    close: (asked?: boolean) => {
      finals.push(asked);
      return closing();
    },
  };
  const error = ({ event }: { event: string }, text: string) => lines.push(`${event}: ${text}`);
  const closed = await closeInTime(broker, final, { error } as unknown as Logger, 50);
  return { closed, lines, finals };
}

test('a broker that closes is closed, for good when it leaves', async () => {
  for (const final of [true, false]) {
    assert.deepEqual(await close(async () => {}, final), { closed: true, lines: [], finals: [final] });
  }
});

test('a broker that hangs is left behind, and that is told', async () => {
  const { closed, lines } = await close(() => new Promise(() => {}), false);
  assert.equal(closed, false);
  assert.deepEqual(lines, ['stop-forced: the broker did not stop in good order: it took more than 0.05 s']);
});

test('a broker that fails to close is told of, too', async () => {
  const { closed, lines } = await close(() => Promise.reject(new Error('oops')), false);
  assert.equal(closed, false);
  assert.deepEqual(lines, ['stop-forced: the broker did not stop in good order: oops']);
});
