// Lamps whose writes change nothing, since another federation brings a device of that name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELD_AFTER_MS } from '../../src/core/held.ts';
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
  lamps.tick(HELD_AFTER_MS * 2);
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a write of which it tells nothing is held, is not written again and again, and is free when it is told', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  lamps.tick(HELD_AFTER_MS - 1);
  assert.deepEqual(held(lamps), [0, undefined]);
  lamps.tick(HELD_AFTER_MS);
  assert.deepEqual(held(lamps), [1, { lamp: LAMP, shows: 'INUSE', written: 'NOT_INUSE' }]);
  // A list tells it again.
  lamps.seen(LAMP, 'INUSE', 20_000);
  assert.deepEqual([lamps.tick(30_000), lamps.due(30_000)], [[], []]);
  lamps.seen(LAMP, 'NOT_INUSE', 40_000);
  assert.deepEqual(held(lamps), [0, undefined]);
});

test('a held lamp is free when what is wanted is what it shows, and when the session ends', () => {
  const lamps = upLamps();
  write(lamps, 'NOT_INUSE', 0);
  lamps.tick(HELD_AFTER_MS);
  write(lamps, 'INUSE', 10_000);
  assert.deepEqual(held(lamps), [0, undefined]);
  write(lamps, 'BUSY', 20_000);
  lamps.tick(20_000 + HELD_AFTER_MS);
  assert.equal(held(lamps)[0], 1);
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
  lamps.tick(HELD_AFTER_MS * 2);
  assert.deepEqual(held(lamps), [0, undefined]);
});
