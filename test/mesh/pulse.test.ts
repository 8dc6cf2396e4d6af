// When a link pings and when it is dead: as many pings as are needed to know, and no more.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FIRST_PINGS, PING_BEATS, Pulse, SILENT_BEATS, STALLED_BEATS } from '../../src/mesh/pulse.ts';
import { until } from '../until.ts';

const EVERY_MS = 20;

interface Peer {
  /** Whether the peer is heard just before this beat, counted from 1. */
  readonly heard: (beat: number) => boolean;
  /** Whether it answers a ping of this beat; 0: before the first one. */
  readonly answers: (beat: number) => boolean;
  readonly everyMs?: number;
  readonly isStuck?: boolean;
}

/** A pulse that is stopped at the end of the test. Not started. */
function pulseTo(t: TestContext, { heard, answers, everyMs = EVERY_MS, isStuck = false }: Peer) {
  const pings: { readonly beat: number; readonly id: number }[] = [];
  const beatsAt: number[] = [];
  const deaths: string[] = [];
  const pulse = new Pulse(everyMs, {
    ping: (id) => {
      const beat = beatsAt.length;
      pings.push({ beat, id });
      if (answers(beat)) assert.ok(pulse.pong(id) !== undefined);
    },
    load: () => {
      beatsAt.push(performance.now());
      // It says something between this beat and the next one.
      if (heard(beatsAt.length + 1)) pulse.heard();
      return { buffered: isStuck ? 1_000 : 0, congested: isStuck };
    },
    dead: (reason) => deaths.push(reason),
  });
  t.after(() => pulse.stop());
  return { pulse, pings, beatsAt, deaths };
}

const always = () => true;
const never = () => false;

/** So many beats of a pulse of its own: long enough for another one to beat too, if it does. */
async function someBeats(t: TestContext, count: number): Promise<void> {
  const { pulse, beatsAt } = pulseTo(t, { heard: always, answers: always });
  pulse.start();
  await until(`${count} beats`, () => beatsAt.length >= count);
}

test('a peer that is heard is pinged some times at first, and then seldom', async (t) => {
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, { heard: always, answers: always });
  assert.deepEqual(pings, []);
  pulse.start();
  assert.deepEqual(pings, [{ beat: 0, id: 1 }], 'at once');
  const lastFirst = FIRST_PINGS - 1;
  const beats = lastFirst + 2 * PING_BEATS;
  await until('the second of the seldom pings', () => beatsAt.length > beats);
  const first = Array.from({ length: FIRST_PINGS }, (_, i) => ({ beat: i, id: i + 1 }));
  assert.deepEqual(
    pings.filter(({ beat }) => beat <= beats),
    [...first, { beat: lastFirst + PING_BEATS, id: FIRST_PINGS + 1 }, { beat: beats, id: FIRST_PINGS + 2 }],
  );
  assert.deepEqual(deaths, []);
});

test('a peer that is not heard for two beats is pinged at each beat, with one id until it answers', async (t) => {
  // It falls silent just after a ping, when the next one is far.
  const silentFrom = FIRST_PINGS + 1;
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, {
    heard: (beat) => beat < silentFrom,
    answers: (beat) => beat < silentFrom,
  });
  pulse.start();
  await until('its end', () => deaths.length > 0);
  const silent = Array.from({ length: SILENT_BEATS - 1 }, (_, i) => ({
    beat: silentFrom + i,
    id: FIRST_PINGS + 1,
  }));
  assert.deepEqual(pings.slice(FIRST_PINGS), silent);
  assert.equal(beatsAt.length, silentFrom + SILENT_BEATS - 2);
});

test('a ping without an answer is repeated at each beat though the peer is heard, until it answers', async (t) => {
  const answersAt = FIRST_PINGS + 3;
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, {
    heard: always,
    answers: (beat) => beat >= answersAt,
  });
  pulse.start();
  await until('the ping after the answer', () => beatsAt.length > answersAt + 1);
  const repeated = Array.from({ length: answersAt + 1 }, (_, beat) => ({ beat, id: 1 }));
  assert.deepEqual(
    pings.filter(({ beat }) => beat <= answersAt + 1),
    [...repeated, { beat: answersAt + 1, id: 2 }],
  );
  assert.deepEqual(deaths, []);
});

test('only the first answer to the ping that is open counts', (t) => {
  const { pulse } = pulseTo(t, { heard: never, answers: never });
  assert.equal(pulse.pong(1), undefined, 'nothing was asked');
  pulse.start();
  assert.equal(pulse.pong(2), undefined);
  assert.equal(pulse.roundTripMs, undefined);
  const trip = pulse.pong(1);
  assert.ok(trip !== undefined);
  assert.equal(pulse.roundTripMs, trip.receivedAt - trip.sentAt);
  assert.equal(pulse.pong(1), undefined);
});

test('a peer that is never heard is dead after some beats, once, and nothing comes after it', async (t) => {
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, { heard: never, answers: never });
  pulse.start();
  await until('its end', () => deaths.length > 0);
  const seen = pings.length;
  assert.ok(pings.every(({ id }) => id === 1));
  assert.equal(beatsAt.length, SILENT_BEATS, 'the next beat is its end');
  await someBeats(t, SILENT_BEATS + 3);
  assert.deepEqual(deaths, ['silence']);
  assert.equal(beatsAt.length, SILENT_BEATS);
  assert.equal(pings.length, seen);
});

test('a full channel that takes nothing is not pinged, and dead in the end though the peer is heard', async (t) => {
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, { heard: always, answers: always, isStuck: true });
  pulse.start();
  await until('its end', () => deaths.length > 0);
  assert.deepEqual(pings, [{ beat: 0, id: 1 }]);
  const beats = beatsAt.length;
  assert.ok(beats > STALLED_BEATS);
  await someBeats(t, 3);
  assert.deepEqual(deaths, ['stalled']);
  assert.equal(beatsAt.length, beats);
});

test('a pulse that is stopped before its first beat never beats', async (t) => {
  const { pulse, pings, beatsAt, deaths } = pulseTo(t, { heard: never, answers: never });
  pulse.start();
  pulse.stop();
  await someBeats(t, SILENT_BEATS + 3);
  assert.deepEqual(beatsAt, []);
  assert.deepEqual(pings, [{ beat: 0, id: 1 }]);
  assert.deepEqual(deaths, []);
});

test('pulses that were started at different moments beat together, and no beat follows another at once', async (t) => {
  // Long, so that a loaded machine that wakes us late does not look like another moment.
  const everyMs = 100;
  const one = pulseTo(t, { heard: always, answers: always, everyMs });
  const other = pulseTo(t, { heard: always, answers: always, everyMs });
  const oneAt = performance.now();
  one.pulse.start();
  await until('a moment far from the first', () => {
    const apart = (performance.now() - oneAt) % everyMs;
    return apart > everyMs * 0.35 && apart < everyMs * 0.65;
  });
  other.pulse.start();
  const beats = 6;
  await until('some beats of both', () => one.beatsAt.length > beats && other.beatsAt.length >= beats);
  const apart = other.beatsAt
    .slice(0, beats)
    .map((at) => Math.min(...one.beatsAt.map((beat) => Math.abs(at - beat))))
    .sort((a, b) => a - b);
  const median = apart[beats / 2];
  assert.ok(median !== undefined && median < everyMs * 0.15, `apart by ${apart.join(', ')} ms`);
  for (const { beatsAt } of [one, other]) {
    for (const [i, at] of beatsAt.slice(1).entries()) {
      const gap = at - (beatsAt[i] ?? at);
      assert.ok(gap > everyMs * 0.4, `${gap} ms after the beat before`);
    }
  }
});
