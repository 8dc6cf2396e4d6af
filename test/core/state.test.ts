import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  aggregate,
  DEVICE_STATES,
  type DeviceState,
  fromExtensionStatus,
  parseDeviceState,
  toWritable,
} from '../../src/core/state.ts';

const anyState = fc.constantFrom(...DEVICE_STATES);

test('aggregate gives what Asterisk showed for the same devices in one hint', () => {
  // Seen on 22.10.1 and 16.28.
  const seen: [DeviceState[], DeviceState][] = [
    [['UNAVAILABLE', 'NOT_INUSE'], 'NOT_INUSE'],
    [['UNAVAILABLE', 'INVALID'], 'UNAVAILABLE'],
    [['NOT_INUSE', 'INVALID'], 'NOT_INUSE'],
    [['INUSE', 'RINGING'], 'RINGINUSE'],
    [['ONHOLD', 'RINGING'], 'RINGINUSE'],
    [['BUSY', 'RINGING'], 'RINGINUSE'],
    [['NOT_INUSE', 'ONHOLD'], 'ONHOLD'],
    [['INUSE', 'ONHOLD'], 'INUSE'],
    [['INUSE', 'BUSY'], 'BUSY'],
  ];
  for (const [states, expected] of seen) assert.equal(aggregate(states), expected, states.join('&'));
});

test('aggregate does not depend on order, repetition or grouping', () => {
  fc.assert(
    fc.property(fc.array(anyState, { maxLength: 6 }), fc.func(fc.integer()), (states, rank) => {
      const shuffled = states
        .map((state, i) => ({ state, key: rank(i) }))
        .sort((a, b) => a.key - b.key)
        .map(({ state }) => state);
      assert.equal(aggregate(shuffled), aggregate(states));
      assert.equal(aggregate([...states, ...states]), aggregate(states));
    }),
  );
});

test('INVALID is the neutral element: it never hides a device', () => {
  fc.assert(
    fc.property(fc.array(anyState), (states) => {
      assert.equal(aggregate([...states, 'INVALID']), aggregate(states));
    }),
  );
  assert.equal(aggregate([]), 'INVALID');
});

test('an extension status reads as the state that made it; no hint reads as nothing', () => {
  const table: [number, DeviceState | undefined][] = [
    [-2, undefined],
    [-1, undefined],
    [0, 'NOT_INUSE'],
    [1, 'INUSE'],
    [2, 'BUSY'],
    [4, 'UNAVAILABLE'],
    [8, 'RINGING'],
    [9, 'RINGINUSE'],
    [16, 'ONHOLD'],
    [17, 'INUSE'],
    [3, undefined],
    [Number.NaN, undefined],
  ];
  for (const [status, state] of table) assert.equal(fromExtensionStatus(status), state, `${status}`);
});

test('any word parses, in any case; what Asterisk does not know is UNKNOWN', () => {
  assert.equal(parseDeviceState('ringinuse'), 'RINGINUSE');
  assert.equal(parseDeviceState('constructor'), 'UNKNOWN');
  fc.assert(fc.property(fc.string(), (word) => DEVICE_STATES.includes(parseDeviceState(word))));
});

test('UNKNOWN is never written; everything else is written as it is', () => {
  for (const state of DEVICE_STATES) {
    assert.equal(toWritable(state), state === 'UNKNOWN' ? 'NOT_INUSE' : state);
  }
});
