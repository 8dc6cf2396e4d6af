// Lamps whose writes change nothing, since another federation brings a device of that name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELD_AFTER_MS, LIST_EVERY_MS } from '../../src/core/held.ts';
import { Lamps } from '../../src/core/lamps.ts';
import { presenceOf } from '../../src/core/presence.ts';
import type { WritableState } from '../../src/core/state.ts';

const LAMP = '1*b';
const PACING = { writesPerSecond: Number.POSITIVE_INFINITY, burst: 100, window: 32 };

/** Asterisk has the lamp in use. */
function upLamps(): Lamps {
  const lamps = new Lamps(PACING, () => 'b');
  lamps.sessionUp(new Map([[LAMP, 'INUSE']]));
  return lamps;
}

/** Written and answered. */
function write(lamps: Lamps, state: WritableState, now: number): void {
  lamps.want(LAMP, state, 'live');
  for (const { id } of lamps.due(now)) lamps.done(id, true, now);
}

const held = (lamps: Lamps) => {
  const { held: count, heldLamp } = lamps.status();
  return [count, heldLamp];
};

test('a write of which Asterisk tells holds nothing, whether it tells before or after the answer', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  lamps.seen(LAMP, 'NOT_INUSE', 1);
  lamps.want(LAMP, 'RINGING', 'live');
  const [next] = lamps.due(2);
  lamps.seen(LAMP, 'RINGING', 3);
  lamps.done(next?.id ?? 0, true, 4);
  assert.equal(lamps.wantsList(HELD_AFTER_MS * 2), false);
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a write of which it tells nothing is held if a list says so, and is free when it is told', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  assert.equal(lamps.wantsList(HELD_AFTER_MS - 1), false);
  assert.equal(lamps.wantsList(HELD_AFTER_MS), true);
  assert.deepEqual(held(lamps), [0, undefined], 'an echo may be late, or filtered out');
  assert.equal(lamps.wantsList(HELD_AFTER_MS + LIST_EVERY_MS - 1), false, 'not again and again');
  lamps.seen(LAMP, 'INUSE', 6_000, true);
  assert.deepEqual(held(lamps), [1, { lamp: LAMP, shows: 'INUSE', written: 'NOT_INUSE' }]);
  assert.equal(lamps.wantsList(HELD_AFTER_MS + LIST_EVERY_MS), false);
  lamps.seen(LAMP, 'INUSE', 20_000, true);
  assert.deepEqual([lamps.tick(30_000), lamps.due(30_000)], [[], []], 'it is not written in vain');
  lamps.seen(LAMP, 'NOT_INUSE', 40_000);
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a write whose echo is held back by a filter is there in the list', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  assert.equal(lamps.wantsList(HELD_AFTER_MS), true);
  lamps.seen(LAMP, 'NOT_INUSE', 6_000, true);
  lamps.seen(LAMP, 'INUSE', 7_000, true);
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a held lamp that shows yet another state is somebody else’s work, and is repaired', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  lamps.wantsList(HELD_AFTER_MS);
  lamps.seen(LAMP, 'INUSE', 6_000, true);
  lamps.seen(LAMP, 'RINGING', 10_000);
  assert.deepEqual(lamps.tick(12_000), [LAMP]);
  assert.deepEqual(
    lamps.due(12_000).map(({ state }) => state),
    ['NOT_INUSE'],
  );
});

test('a held lamp is free when what is wanted is what it shows, and when the session ends', () => {
  const lamps = upLamps();
  const hold = (now: number): void => {
    lamps.wantsList(now + LIST_EVERY_MS);
    lamps.seen(LAMP, 'INUSE', now + LIST_EVERY_MS, true);
    assert.equal(held(lamps)[0], 1);
  };
  write(lamps, 'NOT_INUSE', 0);
  hold(0);
  write(lamps, 'INUSE', 40_000);
  assert.deepEqual(held(lamps), [0, undefined]);
  write(lamps, 'BUSY', 80_000);
  hold(80_000);
  lamps.sessionDown();
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a presence is never held: nothing aggregates it, and its events may be filtered out', () => {
  const lamps = new Lamps(PACING, () => 'b');
  const [away, chat] = [
    presenceOf({ word: 'away', subtype: '', message: '' }),
    presenceOf({ word: 'chat', subtype: '', message: '' }),
  ];
  lamps.sessionUp(new Map([[LAMP, away]]));
  lamps.want(LAMP, chat, 'live');
  for (const { id } of lamps.due(0)) lamps.done(id, true, 0);
  assert.equal(lamps.wantsList(HELD_AFTER_MS * 2), false);
});
