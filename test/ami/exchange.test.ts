import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Exchange } from '../../src/ami/exchange.ts';

const ROW_MS = 1_500;

test('a list that waits for a long one before it is not given up while rows come', async () => {
  const ids: string[] = [];
  const exchange = new Exchange((_, id) => ids.push(id) > 0);
  const rows: string[] = [];
  const first = exchange.ask({ name: 'DeviceStateList' }, ROW_MS, () => rows.push('first'));
  const second = exchange.ask({ name: 'PresenceStateList' }, ROW_MS, () => rows.push('second'));
  const [one = '', two = ''] = ids;
  exchange.deliver({ response: 'Success', actionid: one, eventlist: 'start' });
  // Longer than a list may be silent: that time passes is what is tried here.
  const begun = performance.now();
  while (performance.now() - begun < 2 * ROW_MS) {
    await pause(100);
    exchange.deliver({ event: 'DeviceStateChange', actionid: one });
  }
  exchange.deliver({ event: 'DeviceStateListComplete', actionid: one, eventlist: 'Complete' });
  exchange.deliver({ response: 'Success', actionid: two, eventlist: 'start' });
  exchange.deliver({ event: 'PresenceStateListComplete', actionid: two, eventlist: 'Complete' });
  assert.deepEqual([(await first).ok, (await second).ok], [true, true]);
  assert.ok(rows.length > 3 && !rows.includes('second'));
});

test('a list of which no row comes is given up', async () => {
  const exchange = new Exchange(() => true);
  const answer = await exchange.ask({ name: 'DeviceStateList' }, 50, () => {});
  assert.deepEqual(answer, { ok: false, kind: 'unanswered', why: 'no answer within 50 ms' });
});
