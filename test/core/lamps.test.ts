import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BACKLOG_SHARE, DRIFT_SETTLE_MS, Lamps, RETRY_MAX_MS, RETRY_MIN_MS } from '../../src/core/lamps.ts';
import { splitLampName } from '../../src/core/names.ts';
import type { WritableState } from '../../src/core/state.ts';
import { GIVES_WAY_SHARE } from '../../src/core/turns.ts';
import type { Write } from '../../src/core/write.ts';

const STATES: WritableState[] = ['NOT_INUSE', 'INUSE', 'RINGING', 'ONHOLD', 'UNAVAILABLE'];
const unlimited = { writesPerSecond: Number.POSITIVE_INFINITY, burst: 100, window: 32 };

function upLamps(options = unlimited, found: [string, WritableState][] = []): Lamps {
  const lamps = new Lamps(options, (lamp) => splitLampName(lamp)?.tag ?? '');
  lamps.sessionUp(new Map(found));
  return lamps;
}

function shown(writes: Write[]): string[] {
  return writes.map(({ lamp, state }) => `${lamp}=${state}`);
}

test('while there is room, states that follow each other are all written, in order', () => {
  const lamps = upLamps();
  const written: string[] = [];
  for (const state of ['NOT_INUSE', 'RINGING', 'INUSE', 'ONHOLD'] as const) {
    lamps.want('1*b', state, 'live');
    written.push(...shown(lamps.due(0)));
  }
  assert.deepEqual(written, ['1*b=NOT_INUSE', '1*b=RINGING', '1*b=INUSE', '1*b=ONHOLD']);
});

test('without room a lamp keeps only its latest value', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('1*b', 'RINGING', 'live');
  const [first] = lamps.due(0);
  assert.ok(first);
  lamps.want('1*b', 'INUSE', 'live');
  lamps.want('1*b', 'ONHOLD', 'live');
  assert.deepEqual(lamps.due(0), []);
  lamps.done(first.id, true, 0);
  assert.deepEqual(shown(lamps.due(0)), ['1*b=ONHOLD']);
});

test('live changes go before the backlog, also a lamp that was in it', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('0*b', 'INUSE', 'backlog');
  const [first] = lamps.due(0);
  for (const n of [1, 2, 3]) lamps.want(`${n}*b`, 'INUSE', 'backlog');
  lamps.want('9*b', 'RINGING', 'live');
  lamps.want('3*b', 'RINGING', 'live');
  const order: string[] = [];
  for (let next = first; next !== undefined; [next] = lamps.due(0)) {
    order.push(next.lamp);
    lamps.done(next.id, true, 0);
  }
  assert.deepEqual(order, ['0*b', '9*b', '3*b', '1*b', '2*b']);
});

test('what a call does overtakes lamps that change all the time, and each of those has its turn', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  const storming = Array.from({ length: 20 }, (_, i) => `${i}*b`);
  const turns = new Map<string, number>();
  let changes = 0;
  const write = (): string | undefined => {
    // Far more changes than writes, each another state than the one before.
    for (let i = 0; i < 7; i++) {
      changes += 1;
      const lamp = storming[(changes * 11) % storming.length] ?? '';
      lamps.want(lamp, STATES[Math.floor(changes / storming.length) % STATES.length] ?? 'INUSE', 'live');
    }
    const [next] = lamps.due(0);
    if (next === undefined) return undefined;
    lamps.done(next.id, true, 0);
    turns.set(next.lamp, (turns.get(next.lamp) ?? 0) + 1);
    return next.lamp;
  };
  for (let i = 0; i < 100; i++) write();
  for (const state of ['RINGING', 'INUSE', 'NOT_INUSE'] as const) {
    lamps.want('9001*b', state, 'live');
    let before = 0;
    while (write() !== '9001*b') before += 1;
    // Those only that waited before they had changed so often.
    assert.ok(before <= 3, `${before} before ${state}`);
  }
  turns.clear();
  for (let i = 0; i < 200; i++) write();
  for (const lamp of storming) {
    assert.ok((turns.get(lamp) ?? 0) >= 5, `${lamp} was written ${turns.get(lamp)} times`);
  }
});

test('lamps that give way have their turn too, however many others there are', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  const flip = (lamp: string, n: number) => lamps.want(lamp, STATES[n % STATES.length] ?? 'INUSE', 'live');
  let longest = 0;
  let waits = 0;
  for (let n = 0; n < 1_000; n++) {
    flip('1*b', n);
    // One that never changed before, for each write that there is.
    lamps.want(`9${n}*b`, 'INUSE', 'live');
    const [next] = lamps.due(n);
    if (next === undefined) continue;
    lamps.done(next.id, true, n);
    waits = next.lamp === '1*b' ? 0 : waits + 1;
    longest = Math.max(longest, waits);
  }
  assert.ok(longest < 2 * GIVES_WAY_SHARE, `${longest} writes without it`);
});

test('only differences are written: against what the session found, and against what was sent', () => {
  const lamps = upLamps(unlimited, [['1*b', 'INUSE']]);
  lamps.want('1*b', 'INUSE', 'live');
  assert.deepEqual(lamps.due(0), []);
  lamps.want('1*b', 'BUSY', 'live');
  assert.equal(lamps.due(0).length, 1);
  lamps.want('1*b', 'BUSY', 'live');
  assert.deepEqual(lamps.due(0), []);
});

test('a new session owes every difference to what it found, whatever was in flight before', () => {
  const lamps = upLamps();
  lamps.want('1*b', 'INUSE', 'live');
  lamps.want('2*b', 'INUSE', 'live');
  const [old] = lamps.due(0);
  lamps.sessionDown();
  lamps.want('3*b', 'RINGING', 'live');
  assert.deepEqual(lamps.due(0), []);
  lamps.sessionUp(new Map([['2*b', 'INUSE']]));
  assert.deepEqual(shown(lamps.due(0)), ['1*b=INUSE', '3*b=RINGING']);
  assert.equal(lamps.done(old?.id ?? -1, false, 0), undefined, 'an answer of the old session is nobody’s');
});

test('an echo of a value in flight is no drift, nor is one that arrives late', () => {
  const lamps = upLamps();
  lamps.want('1*b', 'RINGING', 'live');
  const [a] = lamps.due(0);
  lamps.want('1*b', 'INUSE', 'live');
  const [b] = lamps.due(0);
  lamps.seen('1*b', 'RINGING', 1);
  assert.ok(a && b);
  lamps.done(a.id, true, 2);
  lamps.done(b.id, true, 2);
  lamps.seen('1*b', 'RINGING', 3);
  lamps.seen('1*b', 'INUSE', 4);
  assert.deepEqual(lamps.tick(10_000), []);
  assert.deepEqual(lamps.due(10_000), []);
});

test('drift is repaired once it has settled, and at most once a second for one lamp', () => {
  const lamps = upLamps(unlimited, [['1*b', 'INUSE']]);
  lamps.want('1*b', 'INUSE', 'live');
  lamps.seen('1*b', 'NOT_INUSE', 0);
  assert.deepEqual(lamps.tick(DRIFT_SETTLE_MS - 1), []);
  assert.deepEqual(lamps.tick(DRIFT_SETTLE_MS), ['1*b']);
  const [repair] = lamps.due(DRIFT_SETTLE_MS);
  assert.deepEqual(shown(repair ? [repair] : []), ['1*b=INUSE']);
  assert.ok(repair);
  lamps.done(repair.id, true, DRIFT_SETTLE_MS);
  // Somebody fights over the lamp without pause: no more than one repair a second.
  let repairs = 0;
  for (let now = DRIFT_SETTLE_MS; now < DRIFT_SETTLE_MS + 10_000; now += 50) {
    lamps.seen('1*b', 'BUSY', now - DRIFT_SETTLE_MS);
    lamps.tick(now);
    for (const write of lamps.due(now)) {
      repairs += 1;
      lamps.done(write.id, true, now);
    }
  }
  assert.ok(repairs >= 5 && repairs <= 10, `${repairs} repairs in 10 s`);
});

test('a refused write is tried again, later each time, and a new value goes at once', () => {
  const lamps = upLamps();
  lamps.want('1*b', 'INUSE', 'live');
  let now = 0;
  let wait = RETRY_MIN_MS;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const [write] = lamps.due(now);
    assert.ok(write, `attempt ${attempt}`);
    assert.equal(lamps.done(write.id, false, now), '1*b');
    lamps.tick(now + wait - 1);
    assert.deepEqual(lamps.due(now + wait - 1), []);
    now += wait;
    wait = Math.min(wait * 2, RETRY_MAX_MS);
    lamps.tick(now);
  }
  const [write] = lamps.due(now);
  assert.ok(write);
  lamps.done(write.id, false, now);
  lamps.want('1*b', 'BUSY', 'live');
  assert.deepEqual(shown(lamps.due(now)), ['1*b=BUSY']);
});

test('an endless storm of live changes does not starve the backlog', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('old*b', 'UNAVAILABLE', 'backlog');
  const order: string[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    for (const n of [1, 2, 3]) lamps.want(`${n}*b`, turn % 2 === 0 ? 'INUSE' : 'RINGING', 'live');
    for (const { id, lamp } of lamps.due(0)) {
      order.push(lamp);
      lamps.done(id, true, 0);
    }
  }
  assert.equal(order.indexOf('old*b'), BACKLOG_SHARE - 1);
});

test('a PBX in a storm does not keep the lamps of another waiting', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('first*aa', 'INUSE', 'live');
  const [first] = lamps.due(0);
  for (let n = 0; n < 1_000; n += 1) lamps.want(`${n}*aa`, 'INUSE', 'live');
  lamps.want('1*cc', 'RINGING', 'live');
  const order: string[] = [];
  for (let next = first; next !== undefined && order.length < 4; [next] = lamps.due(0)) {
    order.push(next.lamp);
    lamps.done(next.id, true, 0);
  }
  assert.ok(order.includes('1*cc'), order.join());
});

test('a new value that waits for its turn keeps it when the old one is refused', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('1*b', 'INUSE', 'live');
  const [write] = lamps.due(0);
  lamps.want('1*b', 'BUSY', 'live');
  lamps.done(write?.id ?? -1, false, 0);
  assert.deepEqual(shown(lamps.due(0)), ['1*b=BUSY']);
});

test('a foreign write of a value that was just in flight is repaired too', () => {
  const lamps = upLamps(unlimited, [['1*b', 'NOT_INUSE']]);
  const writes: Write[] = [];
  for (const state of ['RINGING', 'INUSE'] as const) {
    lamps.want('1*b', state, 'live');
    writes.push(...lamps.due(0));
  }
  for (const state of ['RINGING', 'INUSE', 'RINGING'] as const) lamps.seen('1*b', state, 1);
  for (const { id } of writes) lamps.done(id, true, 2);
  // It counts from the last answer: until then the echo may be on its way.
  lamps.tick(DRIFT_SETTLE_MS + 1);
  assert.deepEqual(lamps.due(DRIFT_SETTLE_MS + 1), []);
  lamps.tick(DRIFT_SETTLE_MS + 2);
  assert.deepEqual(shown(lamps.due(DRIFT_SETTLE_MS + 2)), ['1*b=INUSE']);
});

test('the rate and the window are never exceeded, and in the end every lamp has its latest value', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant('want' as const),
        lamp: fc.nat(12),
        state: fc.nat(4),
        live: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ op: fc.constant('answer' as const), count: fc.nat(20), ok: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.nat(500) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const) }) },
  );
  const pacing = fc.record({
    writesPerSecond: fc.integer({ min: 1, max: 200 }),
    burst: fc.integer({ min: 1, max: 50 }),
    window: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(pacing, fc.array(step, { maxLength: 200 }), (options, steps) => {
      const lamps = upLamps(options);
      const wanted = new Map<string, WritableState>();
      const asterisk = new Map<string, WritableState>();
      const sent: number[] = [];
      let open: Write[] = [];
      let now = 0;
      const write = (): void => {
        for (const next of lamps.due(now)) {
          open.push(next);
          sent.push(now);
        }
        assert.ok(open.length <= options.window, `${open.length} unanswered`);
        // Over any stretch of time: at most the burst plus what the rate allows.
        for (let first = sent.length - 1; first >= 0; first -= 1) {
          const allowed = options.burst + ((now - (sent[first] ?? 0)) * options.writesPerSecond) / 1_000;
          assert.ok(
            sent.length - first <= allowed + 1e-6,
            `${sent.length - first} writes, ${allowed} allowed`,
          );
        }
      };
      const answer = (count: number, ok: boolean): void => {
        for (const { id, lamp, state } of open.splice(0, count)) {
          if (ok) asterisk.set(lamp, state as WritableState);
          lamps.done(id, ok, now);
        }
      };
      for (const next of steps) {
        if (next.op === 'want') {
          const name = `${next.lamp}*b`;
          const state = STATES[next.state] ?? 'INUSE';
          wanted.set(name, state);
          lamps.want(name, state, next.live ? 'live' : 'backlog');
        } else if (next.op === 'answer') answer(next.count, next.ok);
        else if (next.op === 'wait') {
          now += next.ms;
          lamps.tick(now);
        } else {
          open = [];
          lamps.sessionUp(asterisk);
        }
        write();
      }
      const deadline = now + 600_000;
      while ((open.length > 0 || lamps.owed > 0) && now < deadline) {
        answer(open.length, true);
        now += 100;
        lamps.tick(now);
        write();
      }
      assert.deepEqual(new Map([...asterisk].sort()), new Map([...wanted].sort()));
    }),
    { numRuns: 300 },
  );
});

test('wakeAt says when the token will be there, and nothing when nothing waits for one', () => {
  const lamps = upLamps({ writesPerSecond: 10, burst: 1, window: 32 });
  assert.equal(lamps.wakeAt(0), undefined);
  lamps.want('1*b', 'INUSE', 'live');
  lamps.want('2*b', 'INUSE', 'live');
  assert.equal(lamps.due(0).length, 1);
  assert.equal(lamps.wakeAt(40), 100);
  assert.equal(lamps.due(99).length, 0);
  assert.equal(lamps.due(100).length, 1);
  assert.equal(lamps.wakeAt(100), undefined);
});

test('a lamp that is refused again and again is one refused lamp all the time, until its write is taken', () => {
  const lamps = upLamps();
  lamps.want('1*b', 'INUSE', 'live');
  let now = 0;
  for (let round = 0; round < 5; round++) {
    const [write] = lamps.due(now);
    assert.ok(write);
    assert.equal(lamps.status().refused, round === 0 ? 0 : 1, 'also while it is tried again');
    lamps.done(write.id, false, now, 'no');
    assert.deepEqual([lamps.status().refused, lamps.status().refusedWhy], [1, 'no']);
    now += RETRY_MAX_MS;
    lamps.tick(now);
  }
  lamps.done(lamps.due(now)[0]?.id ?? 0, true, now);
  assert.equal(lamps.status().refused, 0);
});

test('the origin’s time goes with the state it is of, and is gone once written', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('1*b', 'RINGING', 'live', 5);
  const [first] = lamps.due(0);
  assert.equal(first?.since, 5);
  lamps.want('1*b', 'INUSE', 'live', 6);
  lamps.want('1*b', 'ONHOLD', 'live', 7);
  assert.equal(lamps.status().writesCoalesced, 1);
  lamps.done(first?.id ?? 0, true, 1);
  assert.equal(lamps.due(1)[0]?.since, 7);
  assert.equal(lamps.status().writesSent, 2);
});

test('an origin’s share of what is owed is counted, and other limits count at once', () => {
  const lamps = upLamps({ writesPerSecond: 1, burst: 1, window: 32 });
  for (const name of ['1*bb', '2*bb', '1*cc']) lamps.want(name, 'INUSE', 'backlog');
  assert.deepEqual([lamps.owedOf('bb'), lamps.owedOf('cc'), lamps.owedOf('dd')], [2, 1, 0]);
  assert.equal(lamps.due(0).length, 1);
  lamps.setPacing(unlimited);
  assert.equal(lamps.due(1).length, 2);
  assert.equal(lamps.owed, 0);
});

test('a time that was overtaken is not measured later: neither by a repair nor after an outage', () => {
  const lamps = upLamps({ ...unlimited, window: 1 }, [['1*b', 'NOT_INUSE']]);
  lamps.want('2*b', 'INUSE', 'live', 1);
  const [other] = lamps.due(0);
  lamps.want('1*b', 'RINGING', 'live', 100);
  lamps.want('1*b', 'NOT_INUSE', 'live', 200);
  lamps.done(other?.id ?? 0, true, 1);
  assert.deepEqual(lamps.due(1), []);
  lamps.seen('1*b', 'BUSY', 1);
  assert.deepEqual(lamps.tick(1 + DRIFT_SETTLE_MS), ['1*b']);
  assert.equal(lamps.due(1 + DRIFT_SETTLE_MS)[0]?.since, undefined);
  lamps.want('3*b', 'INUSE', 'live', 300);
  lamps.sessionDown();
  lamps.sessionUp(new Map());
  for (let now = 10_000; lamps.owed > 0; now++) {
    for (const write of lamps.due(now)) {
      assert.equal(write.since, undefined, write.lamp);
      lamps.done(write.id, true, now);
    }
  }
});

test('a refused lamp that somebody else set right is refused no more', () => {
  const lamps = upLamps({ ...unlimited, window: 1 });
  lamps.want('1*b', 'INUSE', 'live');
  const [write] = lamps.due(0);
  lamps.want('1*b', 'BUSY', 'live');
  lamps.done(write?.id ?? 0, false, 1, 'no');
  assert.equal(lamps.status().refused, 1);
  lamps.seen('1*b', 'BUSY', 2);
  assert.deepEqual(lamps.due(3), []);
  assert.equal(lamps.status().refused, 0);
});
