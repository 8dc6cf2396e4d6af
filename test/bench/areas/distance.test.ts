import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results, Sample } from '../contract.ts';
import { MEASURES, section } from './distance-page.ts';

function results(rates: Readonly<Record<string, readonly number[]>>): Results {
  const samples = Object.entries(rates).flatMap(([of, figures]) =>
    figures.map((value, n): Sample => ({ measure: MEASURES.throughput, of, round: n + 1, value })),
  );
  return { date: '2026-01-02', quick: false, machine: {}, samples };
}

test('the goals are ratios within a round, of the median round', () => {
  const { goals } = section(
    results({ hintmesh: [3_000, 1_600, 1_500], publish: [30, 40, 30], xmpp: [1_000, 1_000, 700] }),
  );
  assert.deepEqual(
    goals.map(({ figure, met }) => [figure, met]),
    [
      ['50 (40-100) times', true],
      ['2.14 (1.6-3) times', true],
    ],
  );
});

test('a goal that is not met says what the floor makes', () => {
  const { goals } = section(results({ hintmesh: [900], floor: [1_200], publish: [30], xmpp: [500] }));
  assert.deepEqual(
    goals.map(({ met, why }) => [met, why]),
    [
      [false, 'the limit itself, the bare relay, makes 40 times PJSIP publish here'],
      [false, 'the limit itself, the bare relay, makes 2.4 times XMPP here'],
    ],
  );
});

test('without the rival there is no figure, and no goal is met', () => {
  const { goals, tables } = section(results({ hintmesh: [900] }));
  assert.deepEqual(
    goals.map(({ figure, met }) => [figure, met]),
    [
      ['- times', false],
      ['- times', false],
    ],
  );
  assert.deepEqual(tables[0]?.rows[2], ['changes/s', '900', '-', '-', '-', '-']);
});
