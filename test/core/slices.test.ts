import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKey } from '../../src/core/message.ts';
import { SLICE, Slices } from '../../src/core/slices.ts';
import type { DeviceState } from '../../src/core/state.ts';
import { device, OneCore } from './one-core.ts';

function* pieces(count: number, done: number[]): Generator {
  for (let i = 0; i < count; i++) yield done.push(i);
}

test('work is done a slice at a time, each job in turn, and each piece once', () => {
  const slices = new Slices();
  const [first, second]: [number[], number[]] = [[], []];
  slices.begin('first', pieces(SLICE + 10, first));
  slices.begin('second', pieces(2 * SLICE, second));
  const done: (readonly [number, number])[] = [];
  while (!slices.isDone) {
    slices.work();
    done.push([first.length, second.length]);
  }
  assert.deepEqual(done, [
    [SLICE, 0],
    [SLICE, SLICE],
    [SLICE + 10, 2 * SLICE - 11],
    [SLICE + 10, 2 * SLICE],
  ]);
  for (const list of [first, second]) {
    assert.deepEqual(
      list,
      list.map((_, i) => i),
    );
  }
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

test('a peer whose states come and go all the time does not keep the lamps of another from being lit', () => {
  const core = new OneCore({
    origins: [
      { tag: 'spb', goneState: 'UNAVAILABLE' },
      { tag: 'ekb', goneState: 'UNAVAILABLE' },
    ],
    pacing: { writesPerSecond: Number.POSITIVE_INFINITY, burst: 10, window: 10 * STATES },
  });
  core.up();
  core.link('ekb');
  core.told('ekb', device('1', 'INUSE'));
  core.link('spb');
  core.told('spb', ...Array.from({ length: STATES }, (_, n) => device(`${n}`, 'INUSE')));
  core.heard('ekb', { type: 'bye', final: true });
  for (let n = 0; n < 20; n++) {
    const moved = Array.from({ length: SLICE }, (_, i) => [device(`${i}`, null), device(`${i}`, 'INUSE')]);
    core.heard('spb', { type: 'change', entries: moved.flat() });
    tick(core);
  }
  assert.equal(core.core.lamp(entryKey('device', '1*ekb')).desired, 'UNAVAILABLE');
  assert.equal(core.core.status(core.now).isLit, true);
});

test('a session finds every lamp decided anew before the first is written', () => {
  const core = told();
  while (!core.core.status(core.now).isLit) tick(core);
  core.input({ type: 'asteriskDown' });
  core.heard('spb', { type: 'bye', final: true });
  const effects = core.up();
  const written = effects.flatMap((effect) => (effect.type === 'setLamp' ? [effect.state] : []));
  assert.equal(written.length, STATES);
  assert.deepEqual([...new Set(written)], ['UNAVAILABLE']);
});

test('lamps of a peer that went are written before those of the others', () => {
  const core = told();
  while (!core.core.status(core.now).isLit) tick(core);
  core.configure({ origins: [] });
  while (!core.core.status(core.now).isLit) tick(core);
  assert.equal(shown(core, 'UNAVAILABLE'), STATES);
});
