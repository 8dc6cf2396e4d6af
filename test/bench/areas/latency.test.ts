import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results, Sample } from '../contract.ts';
import { CONTESTANTS, MEASURES, section } from './latency-page.ts';

/** [of, p50, p99] of one round. */
function results(...rows: readonly (readonly [string, number, number])[]): Results {
  const samples = rows.flatMap(([of, p50, p99]): Sample[] => [
    { measure: MEASURES.p50, of, round: 1, value: p50 },
    { measure: MEASURES.p99, of, round: 1, value: p99 },
    { measure: MEASURES.lost, of, round: 1, value: 0 },
  ]);
  return { date: '2026-01-01', quick: false, machine: {}, samples };
}

test('the goals are held against the floor and PJSIP publish', () => {
  const { goals, tables } = section(results(['hintmesh', 1.1, 4], ['floor', 1, 3], ['publish', 0.9, 5]));
  assert.deepEqual(
    goals.map(({ met, figure }) => [met, figure]),
    [
      [true, '1.1 times'],
      [true, '1.33 times'],
      [true, '0.8 times'],
    ],
  );
  assert.deepEqual(tables[0]?.rows[0], ['Hintmesh', '1.1', '1.1', '4', '1.33', '0']);
});

test('where a goal is missed it says by what', () => {
  const { goals } = section(results(['hintmesh', 2, 9], ['floor', 1, 3], ['publish', 0.9, 5]));
  assert.deepEqual(
    goals.map(({ met }) => met),
    [false, false, false],
  );
  assert.match(goals[0]?.why ?? '', /Hintmesh 2 ms, .* 1 ms/);
});

test('without results there is a table all the same, and no goal is met', () => {
  const { goals, tables } = section(results());
  assert.equal(tables[0]?.rows.length, CONTESTANTS.length);
  assert.ok(goals.every(({ met }) => !met));
});
