import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Area, Results, Run } from './contract.ts';
import { type Begin, begin, load, measured, roundsOf, save } from './run.ts';

const NOW: Begin = { date: '2026-01-02', quick: false, machine: { CPU: 'a', cores: '2' } };
const root: Run['root'] = { suite: 'forky', path: '/nowhere', version: '22' };

function area(name: string, measure: Area['measure']): Area {
  return { name, measure, section: () => ({ title: name, text: '', tables: [], plots: [], goals: [] }) };
}

const run = (results: Results, one: Area): Promise<Results> =>
  measured(results, { area: one, rounds: 3, root, say: () => {} });

test('samples carry the name of their area, and the area is told how the run is', async () => {
  let told: Run | undefined;
  const one = area('one', async (given) => {
    told = given;
    given.add('p50', 'hintmesh', 0, 1.5);
  });
  const results = await run(begin(NOW, ['one']), one);
  assert.deepEqual(results.samples, [{ area: 'one', measure: 'p50', of: 'hintmesh', round: 0, value: 1.5 }]);
  assert.deepEqual([told?.rounds, told?.quick, told?.root.version], [3, false, '22']);
  assert.equal(results.areas?.['one']?.failed, undefined);
});

test('an area that fails keeps what it had, and the others keep theirs', async () => {
  const first = await run(
    begin(NOW, []),
    area('first', async ({ add }) => add('m', 'floor', 0, 1)),
  );
  const both = await run(
    first,
    area('second', async ({ add }) => {
      add('m', 'floor', 0, 2);
      throw new Error('it broke');
    }),
  );
  assert.deepEqual(
    both.samples.map(({ area: name, value }) => [name, value]),
    [
      ['first', 1],
      ['second', 2],
    ],
  );
  assert.equal(both.areas?.['second']?.failed, 'it broke');
  assert.equal(both.areas?.['first']?.failed, undefined);
});

test('a figure that is none, or is given twice, is left out and told', async () => {
  const odd = area('odd', async ({ add }) => {
    add('m', 'xmpp', 0, Number.NaN);
    add('m', 'xmpp', 1, Number.POSITIVE_INFINITY);
    add('m', 'xmpp', 2, 1);
    add('m', 'xmpp', 2, 3);
  });
  const { samples, areas } = await run(begin(NOW, []), odd);
  assert.deepEqual(
    samples.map(({ value }) => value),
    [1],
  );
  assert.match(
    areas?.['odd']?.failed ?? '',
    /round 0: NaN[\s\S]*round 1: Infinity[\s\S]*round 2: added twice/,
  );
});

test('what is measured again takes the place of its area alone', async () => {
  const adds = (value: number) => async (given: Run) => given.add('m', 'floor', 0, value);
  const a = await run(begin(NOW, []), area('a', adds(1)));
  const ab = await run(a, area('b', adds(2)));
  const later = begin({ ...NOW, date: '2026-01-03' }, ['a'], ab);
  assert.deepEqual(Object.keys(later.areas ?? {}), ['b']);
  const again = await run(later, area('a', adds(3)));
  assert.deepEqual(
    again.samples.map(({ area: name, value }) => [name, value]),
    [
      ['b', 2],
      ['a', 3],
    ],
  );
  assert.deepEqual([again.areas?.['a']?.date, again.areas?.['b']?.date], ['2026-01-03', '2026-01-02']);
});

test('rough and full results, or those of two machines, do not go into one file', () => {
  const full = begin(NOW, []);
  assert.throws(() => begin({ ...NOW, quick: true }, ['a'], full), /full run/);
  assert.throws(() => begin({ ...NOW, machine: { CPU: 'b', cores: '2' } }, ['a'], full), /CPU: a, here b/);
  assert.throws(() => begin({ ...NOW, machine: { CPU: 'a' } }, ['a'], full), /cores: 2, here none/);
});

test('results come back from their file as they were, and nothing lies beside it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hintmesh-bench-test-'));
  try {
    const file = join(folder, 'results.json');
    assert.equal(load(file), undefined);
    const results: Results = {
      ...NOW,
      samples: [{ area: 'a', measure: 'm', of: 'o', round: 0, value: 0.1 }],
    };
    save(file, results);
    assert.deepEqual(load(file), results);
    assert.deepEqual(readdirSync(folder), ['results.json']);
    writeFileSync(file, '{}');
    assert.throws(() => load(file), /no results of the bench/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('rounds are a number that can be waited for', () => {
  assert.equal(roundsOf('5'), 5);
  for (const text of ['0', '-1', '1.5', '100', 'x', '']) assert.throws(() => roundsOf(text), /--rounds/);
});
