// How long a change took, measured by whoever hears it: two meshes whose clocks have nothing in common, on every
// transport. Both run in this process, so that the truth is known; what is allowed is half a round trip.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { decode, encodeHello } from '../../src/mesh/frames.ts';
import type { MeshOptions } from '../../src/mesh/mesh.ts';
import { MAX_DRIFT } from '../../src/mesh/peer-clock.ts';
import { Broker, entry, type Heard } from './broker.ts';
import { MemoryNetwork } from './memory.ts';
import { end, FAST } from './memory-mesh.ts';
import { type Protocol, TcpWorld } from './tcp-world.ts';
import { never, settle, until } from './until.ts';

afterEach(Broker.closeAll);

type Clocks = Partial<Record<'msk' | 'spb', () => number>>;

interface Measured {
  readonly at: number | undefined;
  readonly now: number;
  readonly allowed: number;
}

/** It was published between `from` and `to`, and that is what is told, as far as anybody can tell. */
function isRight(measured: Measured | undefined, from: number, to: number): void {
  assert.ok(measured?.at !== undefined, 'a change without a time');
  const { at, now, allowed } = measured;
  assert.ok(at <= now, 'in the future');
  assert.ok(at >= from - allowed && at <= to + allowed, `${at - from} ms after it; ${allowed} allowed`);
}

/** `spb` dials `msk`; linked, in sync, and each knows the other's clock. */
async function onMemory(clocks: Clocks, more: Partial<MeshOptions> = {}) {
  const network = new MemoryNetwork();
  const make = (tag: 'msk' | 'spb', to: string, dial: boolean) =>
    new Broker(tag, network.transport(tag), [network.peer(to, dial)], options(clocks[tag], more)).start();
  return { network, ...(await synced(await make('msk', 'spb', false), await make('spb', 'msk', true))) };
}

async function onTcp(protocol: Protocol, clocks: Clocks, more: Partial<MeshOptions> = {}) {
  const world = new TcpWorld({}, protocol);
  const make = async (tag: 'msk' | 'spb') =>
    new Broker(tag, await world.transport(tag, { listen: true }), [], options(clocks[tag], more)).start();
  const [msk, spb] = [await make('msk'), await make('spb')];
  msk.expect([{ ...world.peer('spb', { dial: false }) }]);
  spb.expect([{ ...world.peer('msk', { dial: true }) }]);
  return synced(msk, spb);
}

function options(clock: (() => number) | undefined, more: Partial<MeshOptions>): Partial<MeshOptions> {
  return { ...FAST, ...(clock && { clock }), ...more };
}

async function synced(msk: Broker, spb: Broker) {
  const since = performance.now();
  await until(() => msk.heard.length > 0 && spb.heard.length > 0, 'in sync');
  await until(() => spb.status('msk').link?.roundTripMs !== undefined, 'a pong');
  const found: Measured[] = [];
  spb.onHeard = ({ message }: Heard) => {
    if (message.type !== 'change') return;
    const now = performance.now();
    const half = (spb.status('msk').link?.roundTripMs ?? 0) / 2;
    // The tenths of a millisecond of two times are rounded.
    found.push({ at: message.at, now, allowed: half + MAX_DRIFT * (now - since) + 0.2 });
  };
  return { msk, spb, found };
}

for (const [transport, linked] of [
  ['memory', onMemory],
  ['websocket', (clocks: Clocks) => onTcp('websocket', clocks)],
  ['zeromq', (clocks: Clocks) => onTcp('zeromq', clocks)],
] as const) {
  describe(`the time of a change, on ${transport}`, () => {
    for (const [what, clocks] of [
      ['each counts from a zero of its own', {}],
      [
        'the clock of the sender is years ahead and fast, that of the receiver stands still',
        { msk: () => 1e11 + performance.now() * (1 + MAX_DRIFT * 0.9), spb: () => 17 },
      ],
      [
        'the clock of the sender is behind and slow, that of the receiver years ahead',
        { msk: () => performance.now() * (1 - MAX_DRIFT * 0.9), spb: () => 1e11 + performance.now() },
      ],
    ] as const) {
      test(`is right within half a round trip: ${what}`, async () => {
        const { msk, found } = await linked(clocks);
        for (let n = 0; n < 20; n++) {
          const before = performance.now();
          msk.mesh.publish('all', [entry('1', n % 2 === 0 ? 'INUSE' : 'NOT_INUSE')]);
          const after = performance.now();
          await until(() => found.length === n + 1, 'heard');
          isRight(found[n], before, after);
          await settle(n % 3 === 0 ? 20 : 1);
        }
      });
    }

    test('is that of the first entry of a turn, and a new one for the next turn', async () => {
      const { msk, spb, found } = await linked({});
      const first = performance.now();
      msk.mesh.publish('all', [entry('1', 'RINGING'), entry('2', 'RINGING')]);
      const firstDone = performance.now();
      while (performance.now() < first + 30); // the turn is long
      msk.mesh.publish('all', [entry('1', 'INUSE')]);
      await until(() => found.length === 1, 'heard');
      assert.deepEqual(spb.changes('msk'), ['1 RINGING', '2 RINGING', '1 INUSE']);
      const second = performance.now();
      msk.mesh.publish('all', [entry('2', 'INUSE')]);
      const secondDone = performance.now();
      await until(() => found.length === 2, 'heard');
      isRight(found[0], first, firstDone);
      isRight(found[1], second, secondDone);
    });
  });
}

describe('the time of a change', () => {
  test('is right however long each frame takes on its way, and one way longer than the other', async () => {
    const { network, msk, found } = await onMemory({ msk: () => 5e8 + performance.now() });
    let n = 0;
    network.delay = () => [0, 40, 3, 0, 17, 8, 1][n++ % 7] ?? 0;
    for (let round = 0; round < 15; round++) {
      const before = performance.now();
      msk.mesh.publish('all', [entry('1', round % 2 === 0 ? 'INUSE' : 'NOT_INUSE')]);
      const after = performance.now();
      await until(() => found.length === round + 1, 'heard');
      isRight(found[round], before, after);
    }
  });

  test('is that of the oldest state that waited for a slow link, not when the link took it', async () => {
    const { network, msk, spb } = await onMemory({}, { pingEveryMs: 1_000 });
    const allowed = (spb.status('msk').link?.roundTripMs ?? assert.fail()) / 2 + 1;
    const far = end(network, 'spb', 'msk');
    far.frozen = true;
    const began = performance.now();
    const publishedAt = new Map<string, number>();
    for (let round = 0; round < 60; round++) {
      const entries = Array.from({ length: 300 }, (_, n) =>
        entry(`${(round * 7 + n) % 900}`, round % 2 === 0 ? 'INUSE' : 'NOT_INUSE'),
      );
      msk.mesh.publish('all', entries);
      // Afterwards: this process may be set aside between the two, and then the later one is the bound.
      const now = performance.now();
      for (const one of entries) publishedAt.set(one.extension, now);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(msk.mesh.status().counters.statesCoalesced > 1_000);
    msk.mesh.alive();
    await settle(50);
    far.thaw();
    await until(() => spb.messages('msk', 'alive').length === 1, 'all caught up');
    const changes = spb.messages('msk', 'change');
    assert.ok(changes.length > 5);
    for (const { at, entries } of changes) {
      assert.ok(at !== undefined && at >= began - allowed, 'none is older than the first state');
      const oldest = Math.min(...entries.map((one) => publishedAt.get(one.extension) ?? assert.fail()));
      assert.ok(at <= oldest + allowed, `${at - oldest} ms after its oldest state`);
    }
  });

  test('is not known from a broker that tells none: its changes are heard, and its link stays', async () => {
    const network = new MemoryNetwork();
    const aa = await new Broker('aa', network.transport('aa'), [network.peer('old', false)], FAST).start();
    const old = network.transport('old', { listen: false });
    const channel = await old.dial(network.peer('aa'), never());
    const answers: number[] = [];
    channel.onMessage = (text) => {
      const frame = decode(text);
      if (frame.type !== 'ping') return;
      answers.push(frame.id);
      channel.send(`{"type":"pong","id":${frame.id}}`);
    };
    channel.send(encodeHello('old', 'aa', 'e'));
    await until(() => answers.length > 2, 'pings are answered');
    channel.send('{"seq":1,"type":"snapshot","entries":[],"last":true}');
    channel.send('{"seq":2,"type":"change","entries":[["device","1","BUSY"]]}');
    await until(() => aa.heard.length === 2, 'heard');
    assert.deepEqual(aa.messages('old', 'change'), [{ type: 'change', entries: [entry('1', 'BUSY')] }]);
    assert.deepEqual([aa.downs, aa.notes], [[], []]);
    assert.ok(aa.status('old').link?.roundTripMs !== undefined);
    await old.close();
  });

  test('tells nothing of the host: the clock of each run counts from a zero of its own', async () => {
    const told = [];
    for (let run = 0; run < 2; run++) {
      const { network } = await onMemory({});
      const frames = end(network, 'msk', 'spb').sent.map(decode);
      const pong = frames.find((frame) => frame.type === 'pong');
      assert.ok(pong?.clock !== undefined);
      told.push(pong.clock - performance.now());
      await Broker.closeAll();
    }
    const [one, other] = told;
    assert.ok(one !== undefined && other !== undefined);
    // By chance they are that near once in fifty million runs.
    assert.ok(Math.abs(one - other) > 10);
  });
});
