import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results, Sample } from '../contract.ts';
import { CEILING, CONTESTANTS, changesOf, LAMPS, MEASURES, section } from './storm-page.ts';

function results(...rows: readonly (readonly [measure: string, of: string, ...values: number[]])[]): Results {
  const samples = rows.flatMap(([measure, of, ...values]) =>
    values.map((value, n): Sample => ({ measure, of, round: n + 1, value })),
  );
  return { date: '2026-01-02', quick: false, machine: {}, samples };
}

test('right after the storm, in times what all lamps take at their rate', () => {
  const { goals } = section(
    results(
      [MEASURES.ceiling, CEILING, 10_000, 5_000, 10_000],
      [MEASURES.right, 'hintmesh paced', 16, 18, 32],
      [MEASURES.right, 'hintmesh', 0.1, 0.3, 0.2],
      [MEASURES.wrong, 'hintmesh paced', 0, 0, 0],
      [MEASURES.wrong, 'hintmesh', 0, 1, 0],
    ),
  );
  assert.deepEqual(
    goals.map(({ figure, met }) => [figure, met]),
    [
      ['1.5 (1-2) times, 0.2 (0.1-0.3) s', true],
      ['0 (0-1) wrong', false],
      ['0.9 (0.8-1.6) times, 18 (16-32) s', true],
      ['0 (0-0) wrong', true],
    ],
  );
});

test('no goal is met by measuring nothing', () => {
  assert.deepEqual(
    section(results()).goals.map(({ met }) => met),
    [false, false, false, false],
  );
});

test('each extension changes as often as the others, and more than once', () => {
  for (const contestant of CONTESTANTS) {
    for (const quick of [true, false]) {
      const each = changesOf(contestant, quick) / LAMPS;
      assert.ok(Number.isInteger(each) && each > 1, `${each} for each, ${contestant.of}`);
    }
  }
});
