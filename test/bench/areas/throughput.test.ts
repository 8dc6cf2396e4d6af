import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results, Sample } from '../contract.ts';
import { ALL, cpu, MEASURES, section } from './throughput-page.ts';

/** Measure → contestant → the value of each round. */
function results(all: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>): Results {
  const samples = Object.entries(all).flatMap(([measure, each]) =>
    Object.entries(each).flatMap(([of, values]) =>
      values.map((value, at): Sample => ({ measure, of, round: at + 1, value })),
    ),
  );
  return { date: '2026-01-01', quick: false, machine: {}, samples };
}

const GOOD = {
  [MEASURES.throughput]: {
    hintmesh: [950, 900],
    floor: [1_000, 1_000],
    publish: [400, 300],
    xmpp: [300, 420],
  },
  [MEASURES.coalesced]: { hintmesh: [0, 0] },
  [MEASURES.asked]: { hintmesh: [100, 100] },
  [MEASURES.unansweredA]: { hintmesh: [0, 0] },
  [MEASURES.unansweredB]: { hintmesh: [0, 0] },
};

test('goals are ratios within a round, against the better rival of that round', () => {
  const { goals } = section(results(GOOD));
  assert.deepEqual(
    goals.map(({ met, figure }) => [met, figure]),
    [
      [true, '0.925 (0.9-0.95) times'],
      [true, '2.26 (2.14-2.38) times'],
      [true, '0 of A and 0 of B unanswered, of 200'],
      [true, '0 changes not seen'],
    ],
  );
});

test('with a rival that was not run nobody can say which is the better one', () => {
  const throughput = { hintmesh: [950], floor: [1_000], publish: [400] };
  const [, ofRivals] = section(results({ ...GOOD, [MEASURES.throughput]: throughput })).goals;
  assert.deepEqual([ofRivals?.met, ofRivals?.why], [false, 'one of them was not run']);
});

test('one OPTIONS unanswered or one change not seen is a goal missed', () => {
  const missed = { [MEASURES.unansweredB]: { hintmesh: [0, 1] }, [MEASURES.coalesced]: { hintmesh: [2, 0] } };
  const { goals } = section(results({ ...GOOD, ...missed }));
  assert.deepEqual(
    goals.map(({ met }) => met),
    [true, true, false, false],
  );
});

test('what a change costs is told by carrier, and says why the floor is not reached', () => {
  const slow = { ...GOOD, [MEASURES.throughput]: { hintmesh: [500], floor: [1_000], publish: [100] } };
  const cost = {
    [cpu('broker a')]: { hintmesh: [66] },
    [cpu('broker b')]: { hintmesh: [118] },
    [cpu('relay a')]: { floor: [22] },
    [cpu(ALL)]: { hintmesh: [456], floor: [276] },
  };
  const { goals, tables } = section(results({ ...slow, ...cost }));
  assert.match(goals[0]?.why ?? '', /Hintmesh 456 µs in all, of which broker a 66, broker b 118; .* 276 µs/);
  assert.match(goals[0]?.why ?? '', /both brokers could take 34.7 µs; the two bare relays take 22/);
  assert.equal(tables[1]?.rows[0]?.[2], 'broker a 66, broker b 118');
});

test('without results no goal is met', () => {
  assert.ok(section(results({})).goals.every(({ met }) => !met));
});
