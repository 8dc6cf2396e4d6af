// What a link gives a channel that does not take everything (src/mesh/outbox.ts).
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { HIGH_WATER_BYTES, LINK_QUEUE_BYTES, MAX_FRAME_STATES } from '../../src/mesh/contract.ts';
import { entry } from './broker.ts';
import { batch, batchAt, endAll, type HeldChannel, many, said, up } from './held-link.ts';

afterEach(endAll);

/** The times of all changes sent so far. */
function times(channel: HeldChannel): (number | undefined)[] {
  return channel.sent.flatMap((frame) =>
    frame.type === 'numbered' && frame.message.type === 'change' ? [frame.at] : [],
  );
}

describe('a slow peer', () => {
  test('changes go straight out, in order and with repetitions, while the channel takes them', () => {
    const { channel, link, coalesced } = up();
    link.snapshot([]);
    link.batch(batch(entry('1', 'RINGING'), entry('1', 'INUSE'), entry('1', 'RINGING')));
    assert.deepEqual(said(channel).slice(1), ['2 change 1 RINGING, 1 INUSE, 1 RINGING']);
    assert.equal(coalesced.count, 0);
  });

  test('above the high water only the latest state of each extension waits, and one alive', () => {
    const { channel, link, coalesced } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    link.batch(batch(entry('1', 'RINGING'), entry('2', 'BUSY')));
    link.alive();
    link.batch(batch(entry('1', 'INUSE'), entry('3', 'BUSY')));
    link.alive();
    link.alive();
    assert.equal(said(channel).length, 1, 'nothing goes out');
    assert.ok(link.queueBytes > HIGH_WATER_BYTES);
    channel.drain();
    assert.deepEqual(said(channel).slice(1), ['2 change 1 INUSE, 2 BUSY', '3 alive', '4 change 3 BUSY']);
    assert.equal(coalesced.count, 1);
    assert.equal(link.queueBytes, 0);
    link.batch(batch(entry('1', 'NOT_INUSE')));
    assert.deepEqual(said(channel).slice(4), ['5 change 1 NOT_INUSE'], 'then straight again');
  });

  test('what goes straight out has the time of its batch, in each of its frames', () => {
    const { channel, link } = up();
    link.snapshot([]);
    link.batch(batchAt(1_000, ...many(MAX_FRAME_STATES + 1)));
    link.batch(batchAt(1_005.5, entry('1', 'RINGING')));
    assert.deepEqual(times(channel), [1_000, 1_000, 1_005.5]);
  });

  test('what waited has the time of the oldest that waited, also when a later state overtook it', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    link.batch(batchAt(1_000, entry('1', 'RINGING'), entry('2', 'BUSY')));
    link.batch(batchAt(2_000, entry('3', 'BUSY')));
    link.alive();
    link.batch(batchAt(3_000, entry('1', 'INUSE'), entry('4', 'BUSY')));
    link.batch(batchAt(4_000, entry('4', 'INUSE'), entry('5', 'BUSY')));
    channel.drain();
    assert.deepEqual(said(channel).slice(1), [
      '2 change 1 INUSE, 2 BUSY, 3 BUSY',
      '3 alive',
      '4 change 4 INUSE, 5 BUSY',
    ]);
    assert.deepEqual(times(channel), [1_000, 3_000]);
    link.batch(batchAt(5_000, entry('1', 'NOT_INUSE')));
    assert.deepEqual(times(channel), [1_000, 3_000, 5_000], 'what is out is forgotten');
  });

  test('each frame of what waited has the time of its own oldest state', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    const states = many(2 * MAX_FRAME_STATES + 1);
    for (const [n, one] of states.entries()) link.batch(batchAt(1_000 + n, one));
    channel.drain();
    assert.deepEqual(times(channel), [1_000, 1_000 + MAX_FRAME_STATES, 1_000 + 2 * MAX_FRAME_STATES]);
  });

  test('a state that a new snapshot replaced takes its time with it, and snapshots have none', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    link.batch(batchAt(1_000, entry('1', 'RINGING')));
    link.snapshot([entry('1', 'RINGING')]);
    link.batch(batchAt(2_000, entry('1', 'INUSE')));
    channel.drain();
    assert.deepEqual(said(channel).slice(1), ['2 snapshot last 1 RINGING', '3 change 1 INUSE']);
    assert.deepEqual(times(channel), [2_000]);
    assert.ok(channel.raw.every((text) => !text.includes('"snapshot"') || !text.includes('"at"')));
  });

  test('what waits is never overtaken by what comes later', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    link.batch(batch(entry('1', 'RINGING')));
    channel.buffered = 0; // it drained, but onDrain has not been called yet
    link.batch(batch(entry('1', 'INUSE')));
    link.alive();
    channel.drain();
    assert.deepEqual(said(channel).slice(1), ['2 change 1 INUSE', '3 alive']);
  });

  test('a batch that fills the channel half way is coalesced from there', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.slow = true;
    const entries = many(20 * MAX_FRAME_STATES);
    link.batch(batch(...entries));
    const direct = said(channel).length - 1;
    assert.ok(direct > 5 && direct < 20, `${direct} frames went straight out`);
    channel.slow = false;
    channel.drain();
    const got = channel.sent.flatMap((frame) =>
      frame.type === 'numbered' && frame.message.type === 'change' ? frame.message.entries : [],
    );
    assert.deepEqual(got, entries);
  });

  test('a snapshot goes out part by part as the channel drains; changes wait behind it', () => {
    const { channel, link } = up();
    channel.slow = true;
    const parts = 30;
    link.snapshot(many(parts * MAX_FRAME_STATES));
    const first = said(channel).length;
    assert.ok(first < parts, 'not all at once');
    assert.ok(channel.buffered < 2 * HIGH_WATER_BYTES);
    link.batch(batch(entry('1', 'RINGING'), entry('1', 'INUSE')));
    link.alive();
    while (channel.buffered > 0) channel.drain();
    const words = said(channel);
    assert.equal(words.filter((word) => word.includes('snapshot')).length, parts);
    assert.equal(
      words.findIndex((word) => word.includes('last')),
      parts - 1,
    );
    assert.deepEqual(words.slice(parts), [`${parts + 1} change 1 INUSE`, `${parts + 2} alive`]);
  });

  test('a newer snapshot replaces what waits; one that has begun is finished, with what the newer one has too, for the peer joins its parts', () => {
    const { channel, link } = up();
    channel.slow = true;
    link.snapshot(many(20 * MAX_FRAME_STATES));
    link.batch(batch(entry('1', 'RINGING')));
    link.snapshot([entry('2', 'BUSY')]);
    link.batch(batch(entry('3', 'BUSY')));
    link.snapshot([entry('4', 'BUSY')]);
    link.batch(batch(entry('5', 'BUSY')));
    while (channel.buffered > 0) channel.drain();
    const words = said(channel);
    const out = words.findIndex((word) => word.includes('last'));
    assert.ok(out > 0 && out < 19, 'what is still to go out is only what the newer one has too');
    assert.deepEqual(words.slice(out), [
      `${out + 1} snapshot last `,
      `${out + 2} snapshot last 4 BUSY`,
      `${out + 3} change 5 BUSY`,
    ]);
  });

  test('bye goes out at once, before all that waits, and is the last word', () => {
    const { channel, link } = up();
    channel.slow = true;
    link.snapshot(many(20 * MAX_FRAME_STATES));
    link.batch(batch(entry('1', 'RINGING')));
    const before = said(channel).length;
    link.bye(true);
    while (channel.buffered > 0) channel.drain();
    assert.deepEqual(said(channel).slice(before), [`${before + 1} bye`]);
  });

  test('too much waits: the link is dropped with that reason, once', () => {
    const { channel, link, events } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    let states = 0;
    while (channel.ended === undefined) {
      link.batch(batch(...many(2_000).map((one) => ({ ...one, extension: `${one.extension}*${states}` }))));
      states += 2_000;
      assert.ok(states < 100_000, 'never full');
    }
    assert.ok(states * 60 < LINK_QUEUE_BYTES + 2_000 * 200, `${states} states fit`);
    assert.equal(channel.ended.how, 'terminate');
    assert.deepEqual(events, ['closed queue-full']);
    link.batch(batch(entry('1', 'BUSY')));
    assert.equal(said(channel).length, 1);
  });

  test('one and the same extension may change for ever without filling the queue', () => {
    const { channel, link } = up();
    link.snapshot([]);
    channel.buffered = HIGH_WATER_BYTES;
    for (let n = 0; n < 100_000; n++) link.batch(batch(entry('1', n % 2 ? 'INUSE' : 'NOT_INUSE')));
    assert.equal(link.isUp, true);
    assert.ok(link.queueBytes < HIGH_WATER_BYTES + 200);
  });
});
