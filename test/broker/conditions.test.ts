// The closed list of conditions: when each begins, what it says, and when it ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONDITIONS, Conditions, type Facts, PASSING_MS, type PeerFacts } from '../../src/conditions.ts';

const WELL: Facts = {
  asterisk: { up: true, answers: true },
  exports: { rules: 1, size: 3, read: true, leftOut: 0, namesLamp: [] },
  lamps: { owed: 0, writesPerSecond: 100, refused: 0, held: 0 },
  peers: [{ tag: 'msk', belief: 'live', left: false, linked: true }],
};

function peer(more: Partial<PeerFacts>): Facts {
  return { ...WELL, peers: [{ tag: 'msk', belief: 'live', left: false, linked: false, ...more }] };
}

function problem(
  kind: 'refused' | 'refused-by-peer' | 'unreachable',
  reason: string,
  more: Partial<PeerFacts> = {},
): Facts {
  return peer({ problem: { kind, reason, text: `the ${reason} text`, fresh: true }, ...more });
}

function codes(facts: Facts): string[] {
  const conditions = new Conditions();
  conditions.update(facts, 0);
  conditions.update(facts, 60_000);
  return conditions.list().map(({ code, subject }) => (subject ? `${code} ${subject}` : code));
}

test('a broker that is well has no condition', () => {
  assert.deepEqual(codes(WELL), []);
});

test('every fault has its condition', () => {
  const { exports, lamps } = WELL;
  const faults: [Facts, string[]][] = [
    [{ ...WELL, asterisk: { up: false, answers: false } }, []],
    [{ ...WELL, asterisk: { up: false, answers: false, why: 'it said no' } }, ['asterisk-down']],
    [{ ...WELL, asterisk: { up: true, answers: false } }, ['asterisk-silent']],
    [{ ...WELL, asterisk: { up: true, answers: true, deaf: 'no channels' } }, ['events-missing']],
    [{ ...WELL, asterisk: { up: true, answers: true, lacking: 'no list' } }, ['source-missing']],
    [{ ...WELL, exports: { ...exports, leftOut: 7 } }, ['exports-left-out']],
    [{ ...WELL, exports: { ...exports, size: 0 } }, ['exports-nothing']],
    [{ ...WELL, exports: { ...exports, size: 0, rules: 0 } }, []],
    [{ ...WELL, exports: { ...exports, size: 0, read: false } }, []],
    [{ ...WELL, exports: { ...exports, namesLamp: ['1001@local', '1002@local'] } }, ['hint-names-lamp']],
    [{ ...WELL, lamps: { ...lamps, owed: 1_000 } }, []],
    [{ ...WELL, lamps: { ...lamps, owed: 1_001 } }, ['lamps-behind']],
    [{ ...WELL, lamps: { ...lamps, owed: 99_999, writesPerSecond: Number.POSITIVE_INFINITY } }, []],
    [{ ...WELL, lamps: { ...lamps, refused: 1, refusedWhy: 'no' } }, ['write-refused']],
    [peer({ belief: 'gone' }), ['peer-gone msk']],
    [peer({ belief: 'suspect' }), []],
    [peer({ linked: true, refusedExtension: 'too long' }), ['extension-refused msk']],
    [problem('refused', 'wrong-key'), ['peer-refused msk']],
    [problem('refused-by-peer', 'unknown-key', { belief: 'gone' }), ['peer-gone msk', 'peer-refused msk']],
    [problem('refused', 'wrong-key', { linked: true }), []],
    [problem('unreachable', 'unreachable'), []],
    [problem('refused-by-peer', 'tag-in-use'), ['tag-in-use msk']],
    [problem('refused', 'tag-in-use', { linked: true }), ['peer-cloned msk']],
    [problem('refused', 'tag-in-use'), ['peer-cloned msk']],
  ];
  for (const [facts, expected] of faults) assert.deepEqual(codes(facts), expected, JSON.stringify(facts));
});

test('what is told from outside holds until it is told that it is over', () => {
  const conditions = new Conditions();
  conditions.tell('reload-refused', 'hintmesh.yaml:3:1: tag is missing');
  const { raised } = conditions.update(WELL, 5);
  assert.deepEqual(
    raised.map(({ code, since, text }) => [code, since, text]),
    [['reload-refused', 5, 'hintmesh.yaml:3:1: tag is missing']],
  );
  conditions.tell('reload-refused', undefined);
  assert.deepEqual(
    conditions.update(WELL, 6).cleared.map(({ code }) => code),
    ['reload-refused'],
  );
});

test('what happens at a moment holds for a minute after the last time', () => {
  const conditions = new Conditions();
  conditions.happened('lamp-drift', 'lamp 1001*msk', 0);
  conditions.update(WELL, 0);
  conditions.happened('lamp-drift', 'lamp 1002*msk', 30_000);
  assert.deepEqual(conditions.update(WELL, PASSING_MS + 1), { raised: [], cleared: [] });
  assert.match(conditions.list()[0]?.text ?? '', /1002/);
  const { cleared } = conditions.update(WELL, 30_000 + PASSING_MS);
  assert.deepEqual(
    cleared.map(({ code }) => code),
    ['lamp-drift'],
  );
  assert.deepEqual(conditions.list(), []);
});

test('trouble that was seen long ago and not again is over, although its text is still known', () => {
  for (const reason of ['tag-in-use', 'wrong-key']) {
    for (const kind of ['refused', 'refused-by-peer'] as const) {
      const { problem: known } = problem(kind, reason).peers[0] ?? {};
      assert.ok(known);
      assert.equal(codes(peer({ problem: known })).length, 1);
      assert.deepEqual(codes(peer({ problem: { ...known, fresh: false } })), []);
      const gone = new Conditions();
      gone.update(peer({ belief: 'gone', problem: { ...known, fresh: false } }), 0);
      assert.equal(gone.list()[0]?.text, 'nobody vouches for the lamps of msk');
    }
  }
});

test('a peer that is gone is told with what is known of it', () => {
  const text = (more: Partial<PeerFacts>): unknown => {
    const conditions = new Conditions();
    conditions.update(peer({ belief: 'gone', ...more }), 0);
    return conditions.list()[0]?.text;
  };
  assert.match(String(text({ left: true, linked: true })), /left for good/);
  assert.match(String(text({ linked: true })), /its Asterisk does not answer it/);
  assert.equal(text({}), 'nobody vouches for the lamps of msk');
});

test('an Asterisk that seems silent because we did not run is not cried about', () => {
  const conditions = new Conditions();
  const silent = { ...WELL, asterisk: { up: true, answers: false } };
  assert.deepEqual(conditions.update(silent, 0).raised, []);
  assert.deepEqual(conditions.update(WELL, 1_000).raised, []);
  conditions.update(silent, 2_000);
  assert.equal(conditions.update(silent, 4_000).raised.length, 1);
});

test('a broker that was killed and comes back is refused for some seconds: no clone is cried', () => {
  const conditions = new Conditions();
  const refused = problem('refused-by-peer', 'tag-in-use');
  assert.deepEqual(conditions.update(refused, 0).raised, []);
  assert.deepEqual(conditions.update(refused, 9_000).raised, []);
  assert.deepEqual(conditions.update(WELL, 9_500), { raised: [], cleared: [] });
  conditions.update(refused, 20_000);
  const { raised } = conditions.update(refused, 30_000);
  assert.deepEqual(
    raised.map(({ code, since }) => [code, since]),
    [['tag-in-use', 20_000]],
  );
});

test('a condition is raised once while it lasts, however its text changes, and one for each peer', () => {
  const conditions = new Conditions();
  const owed = (lamps: number): Facts => ({ ...WELL, lamps: { ...WELL.lamps, owed: lamps } });
  assert.equal(conditions.update(owed(2_000), 1_000).raised.length, 1);
  assert.deepEqual(conditions.update(owed(3_000), 2_000), { raised: [], cleared: [] });
  assert.deepEqual(
    conditions.list().map(({ since, text }) => [since, text]),
    [[1_000, '3000 lamps wait to be written, which takes 30 s']],
  );
  const gone = (tag: string): PeerFacts => ({ tag, belief: 'gone', left: false, linked: false });
  const { raised, cleared } = conditions.update({ ...WELL, peers: [gone('msk'), gone('nsk')] }, 3_000);
  assert.deepEqual(
    raised.map(({ subject }) => subject),
    ['msk', 'nsk'],
  );
  assert.equal(cleared.length, 1);
});

test('a broker that stands by says so, and not that Asterisk is down', () => {
  const asterisk = { up: false, answers: false, standsBy: true };
  assert.deepEqual(codes({ ...WELL, asterisk }), ['standby']);
});

test('errors come before warnings, in the order of the list', () => {
  const severities = Object.values(CONDITIONS).map(({ severity }) => severity);
  assert.deepEqual(severities, [...severities].sort());
  const facts = {
    ...problem('refused-by-peer', 'tag-in-use', { belief: 'gone' }),
    lamps: { ...WELL.lamps, refused: 2 },
  };
  assert.deepEqual(codes(facts), ['tag-in-use msk', 'peer-gone msk', 'write-refused']);
});

test('every condition has a cure that is one sentence without a full stop', () => {
  for (const { cure } of Object.values(CONDITIONS)) assert.match(cure, /^[^.\s].{20,}[^.]$/);
});
