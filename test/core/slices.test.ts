import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKey } from '../../src/core/message.ts';
import { SLICE, Slices } from '../../src/core/slices.ts';
import type { DeviceState } from '../../src/core/state.ts';
import { device, OneCore } from './one-core.ts';

function* pieces(count: number, done: number[]): Generator {
  for (let i = 0; i < count; i++) yield done.push(i);
}

test('work is done a slice at a time, what was begun first before the rest, and each piece once', () => {
  const slices = new Slices();
  const [first, second]: [number[], number[]] = [[], []];
  slices.begin('first', pieces(SLICE + 10, first));
  slices.begin('second', pieces(SLICE, second));
  slices.work();
  assert.deepEqual([first.length, second.length], [SLICE, 0]);
  slices.work();
  assert.equal(first.length, SLICE + 10);
  assert.ok(second.length > 0 && second.length < SLICE);
  assert.equal(slices.isDone, false);
  slices.work();
  assert.equal(slices.isDone, true);
  assert.deepEqual(
    second,
    Array.from({ length: SLICE }, (_, i) => i),
  );
});

test('what takes the place of something ends it, and what is finished is done at once', () => {
  const slices = new Slices();
  const [old, now]: [number[], number[]] = [[], []];
  slices.begin('a', pieces(3 * SLICE, old));
  slices.work();
  slices.begin('a', pieces(5, now));
  slices.work();
  assert.deepEqual([old.length, now.length, slices.isDone], [SLICE, 5, true]);
  slices.begin('a', pieces(3 * SLICE, old));
  slices.finish('a');
  assert.deepEqual([old.length, slices.isDone], [4 * SLICE, true]);
  slices.finish('nothing of that name');
});

const STATES = 3 * SLICE + 17;

/** A core that has just been told so many states by `spb`. */
function told(): OneCore {
  const core = new OneCore({
    origins: [{ tag: 'spb', goneState: 'UNAVAILABLE' }],
    pacing: { writesPerSecond: Number.POSITIVE_INFINITY, burst: 10, window: 10 * STATES },
  });
  core.up();
  core.link('spb');
  const entries = Array.from({ length: STATES }, (_, n) => device(`${n}`, 'INUSE'));
  core.told('spb', ...entries);
  return core;
}

/** How many lamps are to show this. */
function shown(core: OneCore, state: DeviceState): number {
  const names = Array.from({ length: STATES }, (_, n) => `${n}*spb`);
  return names.filter((name) => core.core.lamp(entryKey('device', name)).desired === state).length;
}

function tick(core: OneCore): void {
  core.now += 1;
  core.input({ type: 'tick' });
}

test('a large snapshot lights its lamps a slice at a tick, and the core wants to be called until all are lit', () => {
  const core = told();
  let before = shown(core, 'INUSE');
  assert.ok(before > 0 && before <= SLICE);
  for (let ticks = 0; !core.core.status(core.now).isLit; ticks++) {
    assert.equal(core.core.wakeAt(core.now), core.now);
    assert.ok(ticks < 20);
    tick(core);
    const now = shown(core, 'INUSE');
    assert.ok(now - before <= SLICE, `${now - before} at once`);
    before = now;
  }
  assert.equal(shown(core, 'INUSE'), STATES);
  assert.equal(core.core.wakeAt(core.now), undefined);
});

test('what changes while lamps are lit a slice at a time is not undone by what was told before', () => {
  const core = told();
  core.heard('spb', { type: 'change', entries: [device(`${STATES - 1}`, 'RINGING'), device('0', null)] });
  while (!core.core.status(core.now).isLit) tick(core);
  assert.deepEqual(
    [shown(core, 'RINGING'), shown(core, 'INVALID'), shown(core, 'INUSE')],
    [1, 1, STATES - 2],
  );
});

test('another snapshot before all lamps of the first are lit: they end as that one says', () => {
  const core = told();
  core.link('spb');
  core.told('spb', device('5', 'INUSE'), device('6', 'BUSY'));
  while (!core.core.status(core.now).isLit) tick(core);
  assert.deepEqual([shown(core, 'INUSE'), shown(core, 'BUSY'), shown(core, 'INVALID')], [1, 1, STATES - 2]);
});

test('an origin that says that it leaves before all its lamps are lit: all show that it is gone', () => {
  const core = told();
  core.heard('spb', { type: 'bye', final: true });
  while (!core.core.status(core.now).isLit) tick(core);
  assert.equal(shown(core, 'UNAVAILABLE'), STATES);
});

test('an Asterisk that goes and comes back meanwhile is given all of them', () => {
  const core = told();
  core.input({ type: 'asteriskDown' });
  tick(core);
  core.up();
  while (!core.core.status(core.now).isLit) tick(core);
  assert.equal(shown(core, 'INUSE'), STATES);
});
