// What a time of the peer is in ours (src/mesh/peer-clock.ts), on toy clocks: nothing here waits.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CLOCK_SAMPLES, MAX_CHANGE_AGE_MS, MAX_DRIFT, PeerClock } from '../../src/mesh/peer-clock.ts';

/** A double near 1e9 has steps of a ten-millionth; sums of a few of them are this good. */
const ROUNDING = 1e-4;

describe("the peer's clock in ours", () => {
  test('nothing is known before the first pong', () => {
    assert.equal(new PeerClock().toOurs(5, 100), undefined);
  });

  test('an even round trip gives the offset itself', () => {
    const clock = new PeerClock();
    clock.answered({ sentAt: 100, receivedAt: 120 }, 5_000_110);
    assert.equal(clock.toOurs(5_000_130, 200), 130);
    assert.equal(clock.toOurs(5_000_000, 200), 0);
  });

  test('whatever the offset, the drift and the way of each frame: wrong by half the latest round trip at most', () => {
    const way = fc.double({ min: 0, max: 400, noNaN: true });
    const beat = fc.record({
      pause: fc.double({ min: 0, max: 3_000, noNaN: true }),
      there: way,
      back: way,
      /** How long ago the change that comes after this pong was heard. */
      age: fc.double({ min: 0, max: 200, noNaN: true }),
    });
    const drift = fc.double({ min: -MAX_DRIFT, max: MAX_DRIFT, noNaN: true });
    const zero = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(zero, drift, fc.array(beat, { minLength: 1, maxLength: 40 }), (from, parts, beats) => {
        const theirs = (ours: number) => from + ours * (1 + parts);
        const clock = new PeerClock();
        let now = 1_000;
        for (const { pause, there, back, age } of beats) {
          const sentAt = now + pause;
          const receivedAt = sentAt + there + back;
          clock.answered({ sentAt, receivedAt }, theirs(sentAt + there));
          now = receivedAt;
          const heard = now - age;
          const found = clock.toOurs(theirs(heard), now);
          assert.ok(found !== undefined && found <= now);
          // A sample is taken for another one only when it is no worse than the latest.
          const bound = (there + back) / 2 + MAX_DRIFT * (now - sentAt + age) + ROUNDING;
          assert.ok(Math.abs(found - heard) <= bound, `${found - heard} ms wrong, ${bound} allowed`);
        }
      }),
    );
  });

  test('a short round trip counts more than later long ones, until it is too old', () => {
    const clock = new PeerClock();
    clock.answered({ sentAt: 1_000, receivedAt: 1_002 }, 9_001);
    const slow = (at: number) => clock.answered({ sentAt: at, receivedAt: at + 400 }, at + 8_350);
    for (let n = 1; n < CLOCK_SAMPLES; n++) {
      slow(1_000 + n * 1_000);
      assert.equal(clock.toOurs(9_500, 60_000), 1_500, `after ${n}`);
    }
    slow(9_000);
    assert.equal(clock.toOurs(9_500, 60_000), 1_350, 'all that is known now is half a slow round trip wrong');
  });

  test('clocks that part are followed: of two round trips alike the later one counts', () => {
    const clock = new PeerClock();
    clock.answered({ sentAt: 1_000, receivedAt: 1_010 }, 9_005);
    clock.answered({ sentAt: 2_000, receivedAt: 2_010 }, 10_005.5);
    assert.equal(clock.toOurs(10_005.5, 60_000), 2_005);
  });

  test('a time in the future is now, however far; one too old is none', () => {
    const clock = new PeerClock();
    clock.answered({ sentAt: 100, receivedAt: 120 }, 500_110);
    const now = 100_000;
    for (const future of [600_000.1, 600_011, 1e12, Number.MAX_VALUE]) {
      assert.equal(clock.toOurs(future, now), now, `${future}`);
    }
    assert.equal(clock.toOurs(600_000 - MAX_CHANGE_AGE_MS, now), now - MAX_CHANGE_AGE_MS);
    assert.equal(clock.toOurs(600_000 - MAX_CHANGE_AGE_MS - 1, now), undefined);
    assert.equal(clock.toOurs(0, now), undefined);
  });

  test('whatever numbers a peer makes up, what comes out is within the last minute, or nothing', () => {
    const number = fc.oneof(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 20 }), number, (clocks, at) => {
        const clock = new PeerClock();
        for (const [n, said] of clocks.entries())
          clock.answered({ sentAt: n * 100, receivedAt: n * 100 + 1 }, said);
        const now = clocks.length * 100;
        const found = clock.toOurs(at, now);
        assert.ok(found === undefined || (found <= now && found >= now - MAX_CHANGE_AGE_MS));
      }),
    );
  });
});
