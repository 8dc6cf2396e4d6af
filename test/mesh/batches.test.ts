// When what is published goes out, and what is in it: as few batches as may be, in order, nothing lost or twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_EVERY_MS, type Batch, Batches, MAX_BATCH_STATES } from '../../src/mesh/batches.ts';
import { MAX_FRAME_STATES } from '../../src/mesh/contract.ts';
import { decode, withSeq } from '../../src/mesh/frames.ts';
import { until } from '../until.ts';
import { entry } from './broker.ts';

interface Delivered {
  readonly view: string;
  readonly extensions: readonly string[];
  readonly batch: Batch;
  readonly atMs: number;
}

function world() {
  const out: Delivered[] = [];
  let clock = 0;
  const batches = new Batches(
    () => {
      clock += 1;
      return clock;
    },
    (view, batch) => {
      const extensions = batch.entries.map(({ extension }) => extension);
      out.push({ view, extensions, batch, atMs: performance.now() });
    },
  );
  const add = (view: string, ...extensions: string[]) => {
    batches.add(
      view,
      extensions.map((extension) => entry(extension, 'INUSE')),
    );
  };
  const all = () => out.flatMap(({ extensions }) => extensions);
  const sent = () => out.map(({ view, extensions }) => `${view} ${extensions.join(',')}`);
  return { batches, add, out, all, sent };
}

/** What was put off until the end of what is done now, before this was called, is done then. */
function endOfThis(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function manyEntries(count: number) {
  return Array.from({ length: count }, (_, i) => entry(String(10_000 + i), 'INUSE'));
}

test('what comes in one go after a quiet time is one batch, out before the next turn of the event loop', async () => {
  const { add, sent, out } = world();
  const turn = nextTurn().then(() => sent());
  add('a', '1');
  add('a', '2', '3');
  add('b', '9');
  add('a', '1');
  assert.deepEqual(sent(), [], 'not while it is still coming');
  await endOfThis();
  assert.deepEqual(sent(), ['a 1,2,3,1', 'b 9']);
  assert.deepEqual(await turn, ['a 1,2,3,1', 'b 9']);
  assert.deepEqual(
    out.map(({ batch }) => batch.at),
    [1, 2],
    'each has the time of the first change in it',
  );
});

test('what comes soon after a batch waits and comes as one', async () => {
  // A round that this machine interrupted for longer than a batch waits proves nothing: another one is tried.
  const round = async () => {
    const { add, sent, out } = world();
    const start = performance.now();
    add('a', '1');
    await endOfThis();
    add('a', '2', '3');
    await endOfThis();
    add('a', '4');
    await endOfThis();
    const soFar = sent();
    if (performance.now() - start >= BATCH_EVERY_MS / 2) return undefined;
    assert.deepEqual(soFar, ['a 1'], 'the others wait');
    await until('the second batch', () => out.length > 1);
    assert.deepEqual(sent(), ['a 1', 'a 2,3,4']);
    const [first, second] = out;
    assert.ok(first !== undefined && second !== undefined);
    const gap = second.atMs - first.atMs;
    assert.ok(gap >= BATCH_EVERY_MS / 2, `${gap} ms after the first`);
    return true;
  };
  await until('a round without an interruption', round);
});

test('a storm goes out in few batches, in order, none lost or twice', async () => {
  const { add, all, out } = world();
  const told: string[] = [];
  const start = performance.now();
  for (let i = 0; i < 2_000; i += 1) {
    told.push(String(i));
    add('a', String(i));
    await nextTurn();
  }
  await until('all of it', () => all().length >= told.length);
  assert.deepEqual(all(), told);
  const most = 2 + (performance.now() - start) / (BATCH_EVERY_MS / 2);
  assert.ok(out.length <= most, `${out.length} batches, at most ${most}`);
});

test('a flush sends what waits for the end of this turn at once, and it does not come again', async () => {
  const { batches, add, sent, all } = world();
  add('a', '1');
  add('b', '2');
  batches.flush();
  assert.deepEqual(sent(), ['a 1', 'b 2']);
  batches.flush();
  await endOfThis();
  await nextTurn();
  assert.deepEqual(sent(), ['a 1', 'b 2']);
  add('a', '3');
  await until('what came after the flush', () => all().includes('3'));
  assert.deepEqual(sent(), ['a 1', 'b 2', 'a 3']);
});

test('a flush sends what waits for its time at once, and it does not come again', async () => {
  const { batches, add, sent, all } = world();
  add('a', '1');
  await endOfThis();
  add('a', '2');
  batches.flush();
  assert.deepEqual(sent(), ['a 1', 'a 2']);
  add('a', '3');
  await until('what came after the flush', () => all().includes('3'));
  add('a', '4');
  await until('what came last', () => all().includes('4'));
  assert.deepEqual(sent(), ['a 1', 'a 2', 'a 3', 'a 4']);
});

test('a flush of one view sends that one only, and the others as they would have come', async () => {
  const { batches, add, sent } = world();
  batches.flushView('a');
  add('a', '1');
  add('b', '2');
  batches.flushView('a');
  assert.deepEqual(sent(), ['a 1']);
  batches.flushView('a');
  batches.flushView('unknown');
  assert.deepEqual(sent(), ['a 1']);
  await endOfThis();
  assert.deepEqual(sent(), ['a 1', 'b 2']);
});

test('a view with as many changes as a batch may have is sent at once, and only that view', async () => {
  const { batches, add, out } = world();
  const counts = () => out.map(({ view, extensions }) => [view, extensions.length]);
  add('b', '1');
  batches.add('a', manyEntries(MAX_BATCH_STATES - 1));
  assert.deepEqual(counts(), []);
  add('a', '1');
  assert.deepEqual(counts(), [['a', MAX_BATCH_STATES]]);
  add('a', '2');
  await until('the rest', () => out.length >= 3);
  assert.deepEqual(counts(), [
    ['a', MAX_BATCH_STATES],
    ['b', 1],
    ['a', 1],
  ]);
});

test('a frame is encoded once, when the first link asks for it, however many ask', () => {
  const { batches, out } = world();
  batches.add('a', manyEntries(MAX_FRAME_STATES + 1));
  batches.flush();
  const batch = out[0]?.batch;
  assert.ok(batch !== undefined);
  assert.equal(batch.frames, 2);
  assert.equal(batches.framesEncoded, 0, 'nobody asked');
  const first = batch.body(0);
  for (let link = 0; link < 10; link += 1) assert.equal(batch.body(0), first);
  assert.equal(batches.framesEncoded, 1);
  for (let link = 0; link < 10; link += 1) batch.body(1);
  assert.equal(batches.framesEncoded, 2);
  const told = [0, 1].flatMap((at) => {
    const frame = decode(withSeq(at + 1, batch.body(at)));
    assert.ok(frame.type === 'numbered' && frame.message.type === 'change');
    return frame.message.entries;
  });
  assert.deepEqual(told, batch.entries);
});
