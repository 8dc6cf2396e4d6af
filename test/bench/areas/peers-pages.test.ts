// What cost, growth, idle and snapshot say of figures that are made up, and of none.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Results, Sample, Section } from '../contract.ts';
import * as costPage from './cost-page.ts';
import * as growthPage from './growth-page.ts';
import { idle } from './idle.ts';
import { snapshot } from './snapshot.ts';

function results(samples: readonly Omit<Sample, 'round'>[]): Results {
  const rounds = samples.flatMap((sample) => [1, 2].map((round) => ({ ...sample, round })));
  return { date: '2000-01-01', quick: false, machine: {}, samples: rounds };
}

function met({ goals }: Section, words: string): boolean | undefined {
  return goals.find(({ text }) => text.includes(words))?.met;
}

test('without results nothing is met, and nothing fails', () => {
  for (const section of [costPage.section, growthPage.section, idle.section, snapshot.section]) {
    assert.ok(section(results([])).goals.every((goal) => !goal.met));
  }
});

test('cost: each peer adds its share to what a change costs anyway', () => {
  const samples = costPage.sizes(false).flatMap(({ peers }) => [
    { measure: costPage.MEASURES.out, of: costPage.nameOf(peers), value: 200 + 20 * peers },
    { measure: costPage.MEASURES.encoded, of: costPage.nameOf(peers), value: 1 },
  ]);
  const section = costPage.section(results(samples));
  assert.deepEqual(section.tables[1]?.rows[0], ['out, alone', '200 (200-200)', '20 (20-20)']);
  assert.equal(met(section, 'encoded once'), true);
});

test('cost: a frame encoded for each peer is not once', () => {
  const samples = costPage.sizes(false).map(({ peers }) => {
    return { measure: costPage.MEASURES.encoded, of: costPage.nameOf(peers), value: peers };
  });
  assert.equal(met(costPage.section(results(samples)), 'encoded once'), false);
});

test('growth: a line is straight, a square is not', () => {
  const page = (cpu: (peers: number) => number) =>
    growthPage.section(
      results(
        growthPage.sizes(false).map((size) => {
          return { measure: growthPage.MEASURES.cpu, of: growthPage.nameOf(size), value: cpu(size.peers) };
        }),
      ),
    );
  assert.equal(
    met(
      page((peers) => 300 + 20 * peers),
      'CPU a change grows linearly',
    ),
    true,
  );
  assert.equal(
    met(
      page((peers) => 300 + peers ** 2),
      'CPU a change grows linearly',
    ),
    false,
  );
  assert.equal(
    met(
      page(() => 300),
      'does not grow',
    ),
    true,
  );
});

test('idle and snapshot: held against their limits', () => {
  const cpu = (value: number) => results([{ measure: 'idle cpu', of: '100 peers', value }]);
  assert.equal(met(idle.section(cpu(0.8)), 'CPU under'), true);
  assert.equal(met(idle.section(cpu(1.2)), 'CPU under'), false);
  const held = (last: number) =>
    results(
      [5, 7, last].map((value, n) => {
        return { measure: 'snapshot held', of: ['first', 'changed', 'same'][n] ?? '', value };
      }),
    );
  assert.equal(met(snapshot.section(held(20)), 'event loop'), true);
  assert.equal(met(snapshot.section(held(21)), 'event loop'), false);
});
