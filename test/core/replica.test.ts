import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/core/message.ts';
import { type Accepted, MAX_STATES, Replica } from '../../src/core/replica.ts';
import type { DeviceState } from '../../src/core/state.ts';

function entry(extension: string, state: DeviceState | null): Entry {
  return { kind: 'device', extension, state };
}

function changesOf(accepted: Accepted): (Entry | undefined)[] {
  assert.equal(accepted.result, 'replaced');
  return accepted.result === 'replaced' ? [...accepted.changes] : [];
}

test('a snapshot is applied whole, when its last part is in', () => {
  const replica = new Replica();
  replica.begin();
  const first = replica.accept(1, { type: 'snapshot', entries: [entry('1', 'INUSE')], last: false });
  assert.deepEqual(first, { result: 'held' });
  assert.equal(replica.get('1'), undefined);
  const second = replica.accept(2, { type: 'snapshot', entries: [entry('2', 'BUSY')], last: true });
  assert.deepEqual(changesOf(second), [
    { kind: 'device', extension: '1', state: 'INUSE' },
    { kind: 'device', extension: '2', state: 'BUSY' },
  ]);
});

test('a snapshot replaces everything: what it lacks is gone, what it repeats did not change', () => {
  const replica = new Replica();
  replica.begin();
  replica.accept(1, { type: 'snapshot', entries: [entry('1', 'INUSE'), entry('2', 'BUSY')], last: true });
  replica.begin();
  const again = replica.accept(1, { type: 'snapshot', entries: [entry('2', 'BUSY')], last: true });
  assert.deepEqual(changesOf(again).filter(Boolean), [{ kind: 'device', extension: '1', state: null }]);
});

test('what a snapshot changed is said as it is by then', () => {
  const replica = new Replica();
  replica.begin();
  replica.accept(1, { type: 'snapshot', entries: [entry('1', 'INUSE'), entry('2', 'BUSY')], last: true });
  replica.begin();
  const again = replica.accept(1, { type: 'snapshot', entries: [entry('3', 'INUSE')], last: true });
  replica.accept(2, { type: 'change', entries: [entry('3', 'RINGING'), entry('2', 'INUSE')] });
  assert.deepEqual(changesOf(again), [
    entry('3', 'RINGING'),
    entry('2', 'INUSE'),
    { kind: 'device', extension: '1', state: null },
    undefined,
  ]);
});

test('a frame lost, repeated or out of order breaks the link, and changes nothing', () => {
  for (const seq of [0, 1, 3, 7]) {
    const replica = new Replica();
    replica.begin();
    replica.accept(1, { type: 'snapshot', entries: [entry('1', 'INUSE')], last: true });
    const result = replica.accept(seq, { type: 'change', entries: [entry('1', 'BUSY')] });
    assert.equal(result.result, 'broken');
    assert.equal(replica.get('1'), 'INUSE');
  }
});

test('before the snapshot is whole, alive proves nothing and a change breaks the link', () => {
  const replica = new Replica();
  replica.begin();
  assert.deepEqual(replica.accept(1, { type: 'alive' }), { result: 'held' });
  assert.equal(replica.accept(2, { type: 'change', entries: [entry('1', 'BUSY')] }).result, 'broken');
});

test('a new link forgets the half snapshot of the old one and keeps the states until it has its own', () => {
  const replica = new Replica();
  replica.begin();
  replica.accept(1, { type: 'snapshot', entries: [entry('1', 'INUSE')], last: true });
  replica.begin();
  replica.accept(1, { type: 'snapshot', entries: [entry('9', 'BUSY')], last: false });
  replica.begin();
  assert.equal(replica.synced, false);
  assert.equal(replica.get('1'), 'INUSE');
  replica.accept(1, { type: 'snapshot', entries: [entry('2', 'INUSE')], last: true });
  assert.equal(replica.get('9'), undefined);
  assert.equal(replica.get('1'), undefined);
});

test('an origin with more states than the bound is cut off', () => {
  const replica = new Replica();
  replica.begin();
  const entries = Array.from({ length: MAX_STATES + 1 }, (_, i) => entry(`${i}`, 'INUSE'));
  assert.equal(replica.accept(1, { type: 'snapshot', entries, last: false }).result, 'broken');
});

test('nothing may follow a bye', () => {
  const replica = new Replica();
  replica.begin();
  replica.accept(1, { type: 'snapshot', entries: [], last: true });
  assert.equal(replica.accept(2, { type: 'bye', final: true }).result, 'held');
  assert.equal(replica.accept(3, { type: 'alive' }).result, 'broken');
  replica.begin();
  assert.equal(replica.accept(1, { type: 'snapshot', entries: [], last: true }).result, 'replaced');
});
