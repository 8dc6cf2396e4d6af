import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lamps } from './lamps.ts';

test('a lamp that was never set is free, and the next state is always another one', () => {
  const lamps = new Lamps(['1000', '1001']);
  assert.equal(lamps.off, 0);
  assert.equal(lamps.another(0), 'INUSE');
  lamps.set(0, 'INUSE');
  assert.equal(lamps.another(0), 'NOT_INUSE');
  lamps.set(0, 'RINGING');
  assert.equal(lamps.another(0), 'NOT_INUSE');
});

test('how many are off goes with what is set and what is shown', () => {
  const lamps = new Lamps(['1000', '1001']);
  lamps.set(0, 'INUSE');
  lamps.set(1, 'ONHOLD');
  assert.equal(lamps.off, 2);
  lamps.show(1, '16');
  assert.equal(lamps.off, 1);
  lamps.show(0, '8');
  assert.equal(lamps.off, 1);
  lamps.show(0, '1');
  assert.equal(lamps.off, 0);
});

test('a list says which are wrong, and a lamp that it has not is', () => {
  const lamps = new Lamps(['1000', '1001', '1002']);
  lamps.set(0, 'INUSE');
  const list = new Map([
    [0, '1'],
    [1, '4'],
  ]);
  assert.deepEqual(lamps.wrong(list), [1, 2]);
  assert.equal(lamps.off, 2);
});

test('a state that Asterisk does not take is refused', () => {
  assert.throws(() => new Lamps(['1000']).set(0, 'UNKNOWN'));
});
