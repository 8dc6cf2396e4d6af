// Which of several brokers beside one Asterisk works: the rules by themselves, and then sessions on one simulated one.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { encode, Unwritable } from '../../src/ami/encode.ts';
import { asked, Claimant, FREE, held, isLease, keeping } from '../../src/ami/lease.ts';
import { TIMES } from '../../src/ami/limits.ts';
import { SimulatedAsterisk } from '../sim/asterisk.ts';
import { until } from '../until.ts';
import { closeAll, closeLater, QUICK, type Recorder, record } from './recorder.ts';

afterEach(closeAll);

const { lease: T } = TIMES;

describe('the lease of one Asterisk', () => {
  test('is taken at once where nobody has it, gave it back, or it is ours still', () => {
    for (const text of ['', FREE, held('me')])
      assert.equal(new Claimant({ ours: ['me'], stoodBy: false }, T).look(text, 0), 'take');
  });

  test('of the run before ours is taken at once, whatever it says', () => {
    const ours = ['me', 'before'];
    assert.equal(new Claimant({ ours, stoodBy: false }, T).look(held('before'), 0), 'take');
    assert.equal(
      new Claimant({ ours, stoodBy: false }, T).look(asked('before'), 0),
      'ask',
      'it only wanted it',
    );
  });

  test('is answered for by its holder whose session was cut, as nobody can have taken it yet', () => {
    const holder = (heldAt: number) => new Claimant({ ours: ['me'], stoodBy: false, heldAt }, T);
    const cut = holder(1_000);
    assert.deepEqual([cut.look(asked('other'), 1_000 + T.deadAfter - 1), cut.isOurs], ['take', true]);
    assert.equal(holder(1_000).look(asked('other'), 1_000 + T.deadAfter), 'ask');
    assert.equal(holder(1_000).look(held('other'), 1_001), 'ask', 'it was taken all the same');
  });

  test('waits as much longer as the answers of this Asterisk are slow', () => {
    const me = new Claimant({ ours: ['me'], stoodBy: false }, T);
    assert.equal(me.look(held('slow'), 0, 1_000), 'ask');
    me.hasAsked(2_000);
    assert.equal(me.look(asked('me'), 2_000 + T.deadAfter + 2_999, 1_000), 'wait');
    assert.equal(me.look(asked('me'), 2_000 + T.deadAfter + 3_000, 1_000), 'take');
  });

  test('of a holder that answers is asked for again and again, and never taken', () => {
    const me = new Claimant({ ours: ['me'], stoodBy: false }, T);
    let text = held('other');
    let questions = 0;
    for (let now = 0; now < 60_000; now += T.look) {
      const claim = me.look(text, now);
      assert.notEqual(claim, 'take');
      if (claim === 'ask') questions += 1;
      text = claim === 'ask' ? asked('me') : held('other');
    }
    assert.equal(me.standsBy, true);
    assert.ok(questions > 30 && questions < 60, `${questions} in a minute`);
  });

  test('of a holder that is dead is taken after it has not answered for its time', () => {
    const me = new Claimant({ ours: ['me'], stoodBy: false }, T);
    assert.equal(me.look(held('dead'), 0), 'ask');
    assert.equal(me.look(asked('me'), T.deadAfter - 1), 'wait');
    assert.equal(me.standsBy, false, 'nobody has answered');
    assert.equal(me.look(asked('me'), T.deadAfter), 'take');
  });

  test('of an Asterisk that was started again is left to the one that had it', () => {
    const me = new Claimant({ ours: ['me'], stoodBy: true }, T);
    assert.equal(me.look('', 0), 'wait');
    assert.equal(me.look(held('other'), T.look), 'wait');
    const alone = new Claimant({ ours: ['me'], stoodBy: true }, T);
    assert.equal(alone.look('', 0), 'wait');
    assert.equal(alone.look('', T.deadAfter), 'take');
  });

  test('is kept by answering, and lost to one that took it', () => {
    assert.equal(keeping(held('me'), 'me'), 'hold');
    for (const text of [asked('you'), asked('me'), '', FREE, 'garbage'])
      assert.equal(keeping(text, 'me'), 'write');
    assert.equal(keeping(held('you'), 'me'), 'lost');
  });

  test('of an Asterisk that was started again is claimed by its holder before others may', () => {
    assert.ok(TIMES.redialMost < T.deadAfter);
  });

  test('is a word and an epoch, and nothing else', () => {
    for (const text of [FREE, held('a'), asked('a-B_9')]) assert.ok(isLease(text));
    for (const text of ['', 'held', 'held a b', 'held a\r\nAction: x', 'taken a', `held ${'a'.repeat(65)}`])
      assert.ok(!isLease(text), text);
  });

  test('has one holder in the end, whoever comes, stalls or dies, and never two for longer than it is read', () => {
    const rest = 10 * (T.deadAfter + T.askAgain);
    const event = fc.record({
      at: fc.integer({ min: 0, max: 30_000 }),
      who: fc.integer({ min: 0, max: 3 }),
      what: fc.constantFrom('start', 'die', 'release', 'stall', 'restart'),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.integer(), (events, seed) => {
        const world = new World(seed);
        const script = [...events].sort((a, b) => a.at - b.at);
        for (const { at, who, what } of script) {
          world.runTo(at);
          world.happen(who, what);
        }
        world.runTo(30_000 + rest);
        assert.equal(world.holders.length, world.alive > 0 ? 1 : 0);
        assert.ok(world.twoHolders <= T.keep + STEP, `two for ${world.twoHolders} ms`);
      }),
      { numRuns: 300 },
    );
  });
});

describe('brokers beside one simulated Asterisk', () => {
  const tag = 'b.example.com';
  const VARIABLE = `HINTMESH_LEASE_${tag}`;
  const lease = { keep: 20, look: 10, askAgain: 30, deadAfter: 150 };

  async function pbx(): Promise<SimulatedAsterisk> {
    const asterisk = new SimulatedAsterisk({ bootMs: 20, hints: {}, devices: {} });
    await asterisk.start();
    await asterisk.whenBooted();
    return closeLater({ close: () => asterisk.stop(), asterisk }).asterisk;
  }

  function broker({ port }: SimulatedAsterisk, epoch: string, of = tag): Recorder {
    const options = { secret: 'dummy-secret', lease: { tag: of, epoch, former: `before-${epoch}` } };
    const seen = record(port, options, { ...QUICK, lease });
    closeLater(seen.asterisk).start();
    return seen;
  }

  const isUp = (seen: Recorder) => until('up', () => seen.calls.at(-1) === 'up');
  const standsBy = (seen: Recorder) => until('it stands by', () => seen.calls.at(-1) === 'standsBy');

  test('the second stands by, and is up when the first has stopped', async () => {
    const asterisk = await pbx();
    const first = broker(asterisk, 'first');
    await isUp(first);
    const second = broker(asterisk, 'second');
    await standsBy(second);
    await first.asterisk.close();
    assert.equal(asterisk.globals.get(VARIABLE), FREE);
    await isUp(second);
    assert.deepEqual(second.calls, ['standsBy', 'up']);
  });

  test('a holder that is alone only reads it', async () => {
    const asterisk = await pbx();
    await isUp(broker(asterisk, 'first'));
    const { globals } = asterisk;
    let reads = 0;
    const { get } = globals;
    globals.get = (name) => {
      reads += 1;
      return get.call(globals, name);
    };
    globals.set = () => assert.fail('it was written');
    await until('read again and again', () => reads > 5);
  });

  test('a holder of which another took it stands by, and writes no more', async () => {
    const asterisk = await pbx();
    const first = broker(asterisk, 'first');
    await isUp(first);
    asterisk.globals.set(VARIABLE, held('thief'));
    await standsBy(first);
    assert.deepEqual(first.calls, ['up', 'down', 'standsBy']);
    assert.equal(first.downs[0]?.reason, 'standby');
    const written = await first.asterisk.setDeviceState('Custom:1001*spb', 'INUSE');
    assert.equal(written.ok, false);
    // Nobody answers for the thief.
    await isUp(first);
  });

  test('a holder that did not run for a while looks before it writes', async () => {
    const asterisk = await pbx();
    const first = broker(asterisk, 'first');
    await isUp(first);
    assert.deepEqual(await first.asterisk.setDeviceState('Custom:1001*spb', 'INUSE'), { ok: true });
    // Nothing in this process runs meanwhile; then what comes first is news of a peer.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lease.deadAfter + 10);
    asterisk.globals.set(VARIABLE, held('thief'));
    const late = await Promise.all(
      ['RINGING', 'BUSY'].map((state) => first.asterisk.setDeviceState('Custom:1001*spb', state)),
    );
    assert.deepEqual(
      late.map(({ ok }) => ok),
      [false, false],
    );
    assert.equal(asterisk.pbx.astdb.get('1001*spb'), 'INUSE');
    await standsBy(first);
  });

  test('a holder that did not run for a while, and still is the one, writes in order', async () => {
    const asterisk = await pbx();
    const first = broker(asterisk, 'first');
    await isUp(first);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lease.deadAfter + 10);
    const states = ['RINGING', 'INUSE', 'BUSY'];
    await Promise.all(states.map((state) => first.asterisk.setDeviceState('Custom:1001*spb', state)));
    await until('all told', () => first.devices.length >= states.length);
    assert.deepEqual(
      first.devices.map(({ state }) => state),
      states,
    );
  });

  test('a holder that is alone writes also where every answer takes longer than a holder may be silent', async () => {
    const asterisk = await pbx();
    const seen = record(
      asterisk.port,
      { secret: 'dummy-secret', lease: { tag, epoch: 'first' } },
      { ...QUICK, lease: { ...lease, deadAfter: 1 } },
    );
    closeLater(seen.asterisk).start();
    await isUp(seen);
    for (const state of ['RINGING', 'INUSE']) {
      assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1001*spb', state), { ok: true });
    }
  });

  test('of two that start at once only one gets as far as to read', async () => {
    const asterisk = await pbx();
    const both = [broker(asterisk, 'first'), broker(asterisk, 'second')];
    await until('one works, one stands by', () => {
      const last = both.map(({ calls }) => calls.at(-1));
      return last.includes('up') && last.includes('standsBy');
    });
    assert.deepEqual(both.map(({ calls }) => calls.join()).sort(), ['standsBy', 'up']);
  });

  test('one that stands by says so again when its Asterisk was away', async () => {
    const asterisk = await pbx();
    await isUp(broker(asterisk, 'first'));
    const second = broker(asterisk, 'second');
    await standsBy(second);
    await asterisk.stop();
    await until('it noticed', () => second.calls.at(-1) === 'failed');
    await asterisk.start();
    await standsBy(second);
    assert.deepEqual([...new Set(second.calls)], ['standsBy', 'failed']);
  });

  test('a variable that was lost, or holds nonsense, is written again', async () => {
    const asterisk = await pbx();
    const first = broker(asterisk, 'first');
    await isUp(first);
    for (const text of ['', 'nonsense']) {
      asterisk.globals.set(VARIABLE, text);
      await until('ours again', () => asterisk.globals.get(VARIABLE) === held('first'));
    }
    assert.deepEqual(first.calls, ['up']);
  });

  test('brokers with other tags have nothing to do with it', async () => {
    const asterisk = await pbx();
    const both = [broker(asterisk, 'first'), broker(asterisk, 'second', 'spb')];
    for (const one of both) await isUp(one);
    assert.deepEqual(
      both.map(({ calls }) => calls),
      [['up'], ['up']],
    );
  });

  test('only a lease can be written, and only of a tag', () => {
    assert.deepEqual(encode({ name: 'Setvar', leaseOf: tag, lease: held('a-1') }), {
      action: 'Setvar',
      variable: VARIABLE,
      value: 'held a-1',
    });
    for (const [leaseOf, text] of [
      ['A)', FREE],
      ['msk', 'INUSE'],
      ['msk\r\nAction: x', FREE],
      ['msk', 'held a\n'],
    ] as const) {
      assert.throws(() => encode({ name: 'Setvar', leaseOf, lease: text }), Unwritable);
    }
  });
});

const STEP = 50;

interface One {
  claimant: Claimant | undefined;
  holds: boolean;
  standsBy: boolean;
  next: number;
  stalledUntil: number;
  epoch: string;
}

/** Brokers beside one variable, in steps of a made-up clock. */
class World {
  #now = 0;
  #variable = '';
  #runs = 0;
  #bothSince: number | undefined;
  twoHolders = 0;
  readonly #all: (One | undefined)[] = [undefined, undefined, undefined, undefined];
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get alive(): number {
    return this.#all.filter((one) => one !== undefined).length;
  }

  get holders(): One[] {
    return this.#all.filter((one): one is One => one?.holds === true);
  }

  happen(who: number, what: string): void {
    const one = this.#all[who];
    if (what === 'restart') {
      // Of Asterisk: all sessions end and begin anew.
      this.#variable = '';
      for (const each of this.#all) if (each) this.#session(each);
    } else if (what === 'start' && !one) {
      this.#runs += 1;
      const epoch = `e${this.#runs}`;
      this.#all[who] = {
        claimant: undefined,
        holds: false,
        standsBy: false,
        next: 0,
        stalledUntil: 0,
        epoch,
      };
      this.#session(this.#all[who] as One);
    } else if (one && what === 'stall') {
      one.stalledUntil = this.#now + 5_000;
    } else if (one && what !== 'start') {
      if (what === 'release' && one.holds) this.#variable = FREE;
      this.#all[who] = undefined;
    }
  }

  runTo(at: number): void {
    for (; this.#now < at; this.#now += STEP) {
      const order = this.#all.map((_, i) => (i + this.#seed + this.#now / STEP) & 3);
      for (const i of order) {
        const one = this.#all[i];
        if (one && this.#now >= one.next && this.#now >= one.stalledUntil) this.#step(one);
      }
      this.#measure();
    }
  }

  /** Those that run; who is stalled does nothing with what it holds. */
  #measure(): void {
    const running = this.holders.filter((one) => this.#now >= one.stalledUntil);
    if (running.length < 2) this.#bothSince = undefined;
    else this.#bothSince ??= this.#now;
    if (this.#bothSince !== undefined) {
      this.twoHolders = Math.max(this.twoHolders, this.#now - this.#bothSince);
    }
  }

  #session(one: One): void {
    one.holds = false;
    one.claimant = new Claimant({ ours: [one.epoch], stoodBy: one.standsBy }, T);
    one.next = this.#now + STEP;
  }

  #step(one: One): void {
    if (one.holds) {
      const hold = keeping(this.#variable, one.epoch);
      one.next = this.#now + T.keep;
      if (hold === 'write') this.#variable = held(one.epoch);
      if (hold !== 'lost') return;
      one.standsBy = true;
      return this.#session(one);
    }
    const claim = (one.claimant as Claimant).look(this.#variable, this.#now);
    one.standsBy = (one.claimant as Claimant).standsBy;
    one.next = this.#now + T.look;
    if (claim === 'ask') {
      this.#variable = asked(one.epoch);
      one.claimant?.hasAsked(this.#now);
    }
    if (claim !== 'take') return;
    this.#variable = held(one.epoch);
    one.holds = true;
    one.standsBy = false;
    // Read once more before it works: the last one to write has it.
    one.next = this.#now + (one.claimant?.isOurs ? T.keep : T.look);
  }
}
