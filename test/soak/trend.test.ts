// What counts as a trend, on series made up by seed: slow leaks are found, noise and settling are none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../sim/dialplan.ts';
import { judged, MIN_POINTS, median, type Point, trendOf } from './trend.ts';

const EVERY_MS = 10_000;
const RUN_MS = 30 * 60_000;
/** MiB, as for the heap. */
const MARGIN = 2;
const SEEDS = Array.from({ length: 50 }, (_, i) => i + 1);

type Shape = (part: number, random: () => number, n: number) => number;

/** The judged part of a run of half an hour; `part` goes from 0 to 1. */
function series(shape: Shape, seed = 1): Point[] {
  const random = seededRandom(seed);
  const points = Array.from({ length: RUN_MS / EVERY_MS }, (_, n) => ({
    at: n * EVERY_MS,
    value: shape((n * EVERY_MS) / RUN_MS, random, n),
  }));
  return judged(points, RUN_MS);
}

/** Up to so much either way. */
const noise = (random: () => number, most: number): number => (2 * random() - 1) * most;

describe('a trend', () => {
  test('is a leak of 4 MiB in half an hour under noise of 1 MiB either way, and of 8 under 3', () => {
    for (const seed of SEEDS) {
      for (const [leak, most] of [
        [4, 1],
        [8, 3],
      ] as const) {
        const points = series((part, random) => 20 + leak * part + noise(random, most), seed);
        const trend = trendOf(points, MARGIN);
        assert.equal(trend?.grows, true, `seed ${seed}: ${JSON.stringify(trend)}`);
      }
    }
  });

  test('is one descriptor lost every two minutes', () => {
    const trend = trendOf(
      series((part, random) => 30 + Math.floor(15 * part) + Math.round(random() * 4)),
      5,
    );
    assert.equal(trend?.grows, true, JSON.stringify(trend));
  });

  test('is a leak in steps, as one that comes with each restart of a peer', () => {
    const trend = trendOf(
      series((part) => 20 + Math.floor(part * 6)),
      MARGIN,
    );
    assert.equal(trend?.grows, true, JSON.stringify(trend));
  });

  test('is told with what it is by the hour, and from where to where', () => {
    const trend = trendOf(
      series((part) => 100 + 10 * part),
      MARGIN,
    );
    assert.ok(trend);
    assert.deepEqual(
      [trend.first, trend.last, trend.hourly, trend.growth].map((value) => Number(value.toFixed(1))),
      [102.4, 109.6, 20, 7.9],
    );
  });
});

describe('no trend', () => {
  test('is noise about a level, whatever the noise', () => {
    for (const seed of SEEDS) {
      const trend = trendOf(
        series((_, random) => 20 + noise(random, 3), seed),
        MARGIN,
      );
      assert.equal(trend?.grows, false, `seed ${seed}: ${JSON.stringify(trend)}`);
    }
  });

  test('is the saw of a heap that is collected now and then', () => {
    const trend = trendOf(
      series((_, random, n) => 20 + (n % 17) * 0.8 + noise(random, 1)),
      MARGIN,
    );
    assert.equal(trend?.grows, false, JSON.stringify(trend));
  });

  test('is a heap that settles long after the warm-up', () => {
    const trend = trendOf(
      series((part, random) => 30 - 20 * Math.exp(-6 * part) + noise(random, 0.5)),
      MARGIN,
    );
    assert.equal(trend?.grows, false, JSON.stringify(trend));
  });

  test('is a peak that passes, also at the very end', () => {
    for (const from of [0.4, 0.95]) {
      const trend = trendOf(
        series((part) => (part >= from && part < from + 0.05 ? 80 : 20)),
        MARGIN,
      );
      assert.equal(trend?.grows, false, JSON.stringify(trend));
    }
  });

  test('is what shrinks', () => {
    assert.equal(
      trendOf(
        series((part) => 100 - 50 * part),
        MARGIN,
      )?.grows,
      false,
    );
  });

  test('is said of too few points: nothing is', () => {
    const few = series((part) => 100 * part).slice(0, MIN_POINTS - 1);
    assert.equal(trendOf(few, MARGIN), undefined);
  });
});

test('the median of an even number lies between the two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
