import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ECHOES, Meter } from '../../src/meter.ts';

function metered(): { meter: Meter; seen: string[] } {
  const seen: string[] = [];
  const meter = new Meter({
    observeWrite: (ms) => seen.push(`write ${ms}`),
    observeEcho: (ms) => seen.push(`echo ${ms}`),
    observeLamp: (ms) => seen.push(`lamp ${ms}`),
  });
  return { meter, seen };
}

test('a write is measured to its answer and to its echo, a lamp from its origin on', () => {
  const { meter, seen } = metered();
  meter.sent('1001*msk', 'INUSE', 100);
  meter.answered(100, 90, true, 103);
  meter.seen({ device: 'Custom:1001*msk', state: 'INUSE' }, 104);
  assert.deepEqual(seen, ['write 3', 'lamp 13', 'echo 4']);
});

test('a refused write lit no lamp; a lamp whose origin’s time is not known is not measured', () => {
  const { meter, seen } = metered();
  meter.answered(100, 90, false, 103);
  meter.answered(100, undefined, true, 103);
  assert.deepEqual(seen, ['write 3', 'write 3']);
});

test('only the echo of the last write counts, once, and no other device', () => {
  const { meter, seen } = metered();
  meter.sent('1001*msk', 'RINGING', 0);
  meter.sent('1001*msk', 'INUSE', 10);
  meter.seen({ device: 'Custom:1001*msk', state: 'RINGING' }, 11);
  meter.seen({ device: 'PJSIP/1001', state: 'INUSE' }, 12);
  meter.seen({ device: 'Custom:1001*msk', state: 'INUSE' }, 13);
  meter.seen({ device: 'Custom:1001*msk', state: 'INUSE' }, 14);
  assert.deepEqual(seen, ['echo 3']);
});

test('of writes that are never echoed the oldest are forgotten', () => {
  const { meter, seen } = metered();
  for (let i = 0; i <= MAX_ECHOES; i++) meter.sent(`${i}*msk`, 'INUSE', i);
  meter.seen({ device: 'Custom:0*msk', state: 'INUSE' }, 5_000);
  meter.seen({ device: 'Custom:1*msk', state: 'INUSE' }, 5_000);
  assert.deepEqual(seen, ['echo 4999']);
});
