import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results } from '../contract.ts';
import { NEVER } from './wrong-lamps.ts';
import { cell, type Fault, measures, section } from './wrong-page.ts';
import type { Contestant } from './wrong-scenes.ts';

type Counted = readonly [Contestant, Fault, number, number, number];

const ours: Counted = ['hintmesh', 'cut', 100, 0, 1.234];
const missed: Counted = ['xmpp', 'cut', 100, 99, NEVER];
const untouched: Counted = ['publish', 'cut', 0, 0, 0];

function results(counted: readonly Counted[]): Results {
  const samples = counted.flatMap(([of, fault, most, left, seconds]) =>
    measures(fault, { most, left, seconds }).map(([measure, value]) => ({
      ...{ measure, of, round: 1, value },
    })),
  );
  return { date: '', quick: false, machine: {}, samples };
}

test('a cell says how many were wrong, and how that ended', () => {
  const all = results([ours, missed, untouched]);
  assert.equal(cell(all, 'cut', 'hintmesh'), '100 wrong, right after 1.23 s');
  assert.equal(cell(all, 'cut', 'xmpp'), '100 wrong, 99 still after 60 s');
  assert.equal(cell(all, 'cut', 'publish'), '0 wrong');
  assert.equal(cell(all, 'killed', 'publish'), 'not measured');
});

test('the page has a column for each fault that was measured, and names who could not be', () => {
  const { tables, text, goals } = section(results([ours, missed]));
  assert.deepEqual(
    tables[0]?.rows.map(([name, ...cells]) => [name, cells.length]),
    [
      ['hintmesh', 1],
      ['publish', 1],
      ['xmpp', 1],
      ['xmpp, server at the origin', 1],
    ],
  );
  assert.match(text, /in this run: publish and xmpp, server at the origin\.$/);
  assert.deepEqual(
    goals.map(({ met }) => met),
    [true],
  );
});

test('a lamp of ours that stays wrong, or was not counted, is a goal missed', () => {
  for (const all of [[['hintmesh', 'cut', 100, 1, NEVER] as const], [missed]]) {
    assert.equal(section(results(all)).goals[0]?.met, false);
  }
});
