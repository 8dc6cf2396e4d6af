import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LampState } from '../../asterisk/blf-phone.ts';
import type { Results, Sample } from '../contract.ts';
import { type Extension, lateness, rightMs, stormRight } from './watched-figures.ts';
import { lit, rightSince, type Stretch, stateAt, waits } from './watched-lateness.ts';
import { MEASURES, section } from './watched-page.ts';

/** `early@10` */
function stretches(...texts: readonly string[]): Stretch[] {
  return texts.map((text) => {
    const [state, at] = text.split('@');
    return { at: Number(at), state: state as LampState };
  });
}

const CALL = stretches('early@0', 'confirmed@100', 'terminated@200');

test('a device state is what a lamp makes of it', () => {
  assert.deepEqual(['RINGING', 'ONHOLD', 'NOT_INUSE', 'UNAVAILABLE'].map(lit), [
    'early',
    'confirmed',
    'terminated',
    'terminated',
  ]);
});

test('each change waits for its own NOTIFY', () => {
  assert.deepEqual(waits(CALL, stretches('early@5', 'confirmed@130', 'terminated@201')), [5, 30, 1]);
});

test('what was shown before does not count, nor what is told again', () => {
  assert.deepEqual(
    waits(CALL, stretches('terminated@-5', 'early@5', 'early@90', 'confirmed@110', 'terminated@240')),
    [5, 10, 40],
  );
});

test('a change that was passed over is shown with the next one', () => {
  assert.deepEqual(waits(CALL, stretches('confirmed@150', 'terminated@201')), [150, 50, 1]);
});

test('a whole call that was passed over does not make all later ones late', () => {
  const calls = [...CALL, ...stretches('early@300', 'confirmed@400', 'terminated@500')];
  const shown = stretches('terminated@-5', 'early@301', 'confirmed@402', 'terminated@503');
  assert.deepEqual(waits(calls, shown), [301, 201, 101, 1, 2, 3]);
});

test('what never comes has not waited', () => {
  assert.deepEqual(waits(CALL, stretches('early@5')), [5, undefined, undefined]);
});

test('a backlog in order is told in order, however late', () => {
  const calls = [...CALL, ...stretches('early@300', 'confirmed@400', 'terminated@500')];
  const late = calls.map(({ at, state }) => ({ at: at + 1_000, state }));
  assert.deepEqual(waits(calls, late), Array(6).fill(1_000));
});

test('what a lamp is at a time', () => {
  assert.equal(stateAt(CALL, -1, 'terminated'), 'terminated');
  assert.equal(stateAt(CALL, 100, 'terminated'), 'confirmed');
  assert.equal(stateAt(CALL, 199, 'terminated'), 'confirmed');
});

test('right since the last time that it became so', () => {
  assert.equal(rightSince(CALL, 'terminated', 'terminated'), 200);
  assert.equal(rightSince(CALL, 'early', 'terminated'), undefined);
  assert.equal(rightSince([], 'terminated', 'terminated'), Number.NEGATIVE_INFINITY);
  assert.equal(rightSince([], 'early', 'terminated'), undefined);
  assert.equal(rightSince(stretches('early@7', 'early@9'), 'early', 'terminated'), 7);
});

const NAMES = { device: 'l1', lamp: '1*msk', lampDevice: 'Custom:1*msk' };
const CALLED: Extension = { ...NAMES, before: 'terminated', changes: CALL, arrived: CALL };
/** One phone is 10 ms late, one 30, and the third has shown the first change alone. */
const PHONES = [
  stretches('early@10', 'confirmed@110', 'terminated@210'),
  stretches('early@30', 'confirmed@130', 'terminated@230'),
  stretches('early@50'),
].map((shown) => () => shown);

test('of the phones the median one and the last one count', () => {
  const { live, never } = lateness(new Map([[CALLED, CALL]]), PHONES, 1_000);
  assert.deepEqual(live, [
    { after: 0, atB: 0, median: 30, last: 50 },
    { after: 100, atB: 0, median: 30, last: 900 },
    { after: 200, atB: 0, median: 30, last: 800 },
  ]);
  assert.equal(never, 2);
});

test('right in the end is who is last', () => {
  assert.equal(rightMs([CALLED], PHONES.slice(0, 2), 1_000), 30);
  assert.equal(rightMs([CALLED], PHONES, 1_000), 800);
  assert.equal(rightMs([{ ...CALLED, changes: [] }], [() => []], 1_000), 0);
});

test('a storm is looked at every 100 ms', () => {
  const two = PHONES.slice(0, 1);
  assert.equal(stormRight([CALLED], two), 0, 'each change falls on a look, and is late');
  const later = CALL.map(({ at, state }) => ({ state, at: at * 1.5 }));
  assert.equal(stormRight([{ ...CALLED, changes: later }], [() => later]), 1);
  assert.equal(stormRight([{ ...CALLED, changes: [] }], two), 1);
});

function results(samples: Readonly<Record<string, number>>): Results {
  const list: Sample[] = Object.entries(samples).map(([measure, value]) => ({
    ...{ measure, value },
    of: 'hintmesh',
    round: 1,
  }));
  return { date: '', quick: false, machine: {}, samples: list };
}

test('goals are met when they are', () => {
  const good = {
    [MEASURES.storm.p50]: 20,
    'asked OPTIONS': 2_000,
    'unanswered OPTIONS a': 0,
    'unanswered OPTIONS b': 0,
    wrong: 0,
    'right after storm': 1.2,
  };
  const met = (samples: Readonly<Record<string, number>>): boolean[] =>
    section(results(samples)).goals.map((goal) => goal.met);
  assert.deepEqual(met(good), [true, true, true]);
  assert.deepEqual(met({ ...good, 'unanswered OPTIONS b': 1 }), [false, true, true]);
  assert.deepEqual(met({ ...good, [MEASURES.storm.p50]: 51 }), [true, false, true]);
  assert.deepEqual(met({ ...good, wrong: 1 }), [true, true, false]);
  assert.deepEqual(met({}), [false, false, false]);
});
