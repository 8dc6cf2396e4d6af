// Meshes in which some peers are linked by WebSocket and some by ZeroMQ, and changes of that while they run.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import { Broker, entry } from './broker.ts';
import { Relay } from './relay.ts';
import { closeAll } from './tcp-ends.ts';
import { brokers, FAST, peersOf, type Way } from './tcp-mesh.ts';
import { type Protocol, TcpWorld } from './tcp-world.ts';
import { settle, until } from './until.ts';

afterEach(closeAll);
afterEach(Broker.closeAll);

/** Long enough for the slowest redial and a handshake, on a busy machine. */
const REDIALS_MS = 3_000;

async function hears(from: Broker, to: Broker, extension: string): Promise<void> {
  from.mesh.publish('all', [entry(extension, 'BUSY')]);
  await until(() => to.changes(from.tag).includes(`${extension} BUSY`), `${to.tag} hears ${from.tag}`);
}

function transportOf(broker: Broker, peer: string) {
  return broker.status(peer).link?.transport;
}

describe('three brokers, aa and bb by WebSocket, the other pairs by ZeroMQ', () => {
  const tags = ['aa', 'bb', 'cc'];
  const way =
    (dials: (from: string, to: string) => boolean): Way =>
    (from, to) => ({
      dial: dials(from, to),
      protocol: from === 'cc' || to === 'cc' ? 'zeromq' : 'websocket',
    });

  for (const [what, dials] of [
    ['one side dials', (from: string, to: string) => from < to],
    ['both sides dial', () => true],
  ] as const) {
    test(`all hear each other, and a restarted one is linked and in sync again: ${what}`, async () => {
      const world = new TcpWorld();
      const three = await brokers(world, tags, way(dials));
      const [aa, bb, cc] = three;
      assert.ok(aa && bb && cc);
      for (const one of three) one.entries = [entry('7', 'RINGING')];
      await until(() => three.every((one) => one.up.size === 2), 'all linked');
      assert.deepEqual(
        [transportOf(aa, 'bb'), transportOf(aa, 'cc'), transportOf(bb, 'cc'), transportOf(cc, 'aa')],
        ['websocket', 'zeromq', 'zeromq', 'zeromq'],
      );
      let n = 100;
      for (const one of three) {
        for (const other of three) if (one !== other) await hears(one, other, `${n++}`);
      }
      for (const stopped of [bb, cc]) {
        const others = three.filter((one) => one !== stopped);
        const ups = others.map((one) => one.ups.length);
        const heard = others.map((one) => one.messages(stopped.tag, 'snapshot').length);
        // On the same port: the others know no other.
        const { port } = new URL(world.url(stopped.tag));
        await stopped.close();
        await until(() => others.every((one) => !one.up.has(stopped.tag)), 'gone');
        const transport = await world.transport(stopped.tag, { listen: true, port: Number(port) });
        const peers = peersOf(world, tags, stopped.tag, way(dials));
        const next = new Broker(stopped.tag, transport, peers, { ...FAST, epoch: 'next' });
        next.entries = [entry('8', 'RINGING')];
        await next.start();
        three[three.indexOf(stopped)] = next;
        await until(() => others.every((one, at) => one.ups.length > (ups[at] ?? 0)), 'linked again');
        await until(
          () => others.every((one, at) => one.messages(stopped.tag, 'snapshot').length > (heard[at] ?? 0)),
          'in sync again',
        );
        for (const other of others) await hears(next, other, `${n++}`);
      }
    });
  }
});

describe('the two entries of a pair do not agree', () => {
  for (const [zeromqSide, websocketSide] of [
    ['aa', 'bb'],
    ['bb', 'aa'],
  ] as const) {
    test(`${zeromqSide} says zeromq, ${websocketSide} websocket: they are linked, by WebSocket`, async () => {
      const world = new TcpWorld();
      const [aa, bb] = await brokers(world, ['aa', 'bb'], (from) => ({
        dial: true,
        protocol: from === zeromqSide ? 'zeromq' : 'websocket',
      }));
      assert.ok(aa && bb);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      await settle(200);
      assert.deepEqual([transportOf(aa, 'bb'), transportOf(bb, 'aa')], ['websocket', 'websocket']);
      assert.deepEqual([aa.ups.length, bb.ups.length, aa.downs, bb.downs], [1, 1, [], []]);
      await hears(aa, bb, '1');
      await hears(bb, aa, '1');
    });
  }

  test('when only the side that says zeromq dials, both say what is wrong, once, and count', async () => {
    const world = new TcpWorld();
    const [aa, bb, cc] = await brokers(world, ['aa', 'bb', 'cc'], (from, to) => ({
      dial: from === 'aa' && to === 'bb',
      // bb speaks ZeroMQ with somebody, but not with aa.
      protocol: from === 'aa' || to === 'cc' ? 'zeromq' : 'websocket',
    }));
    assert.ok(aa && bb && cc);
    await until(
      () => (bb.mesh.status().counters.refusals['unknown-key'] ?? 0) > 2,
      'refused again and again',
    );
    assert.deepEqual(
      bb.notes.map(({ kind, reason, who, count }) => [kind, reason, who, count]),
      [['refused', 'unknown-key', '127.0.0.1', 1]],
    );
    assert.match(bb.notes[0]?.text ?? '', /it is that of peer aa, which has no transport: zeromq/);
    assert.deepEqual(
      aa.notes.map(({ kind, reason, who, count }) => [kind, reason, who, count]),
      [['refused-by-peer', 'refused-by-peer', 'bb', 1]],
    );
    assert.match(aa.notes[0]?.text ?? '', /our entry there has no transport: zeromq/);
    assert.deepEqual([aa.ups, bb.ups], [[], []]);
  });
});

describe('transport changed by a reload', () => {
  const entries = (
    world: TcpWorld,
    from: string,
    to: string,
    dial: boolean,
    protocol: Protocol,
  ): PeerAddress[] => peersOf(world, [from, to], from, () => ({ dial, protocol }));

  for (const [what, first, dials] of [
    ['both dial, one first', 'aa', () => true],
    ['both dial, the other first', 'bb', () => true],
    ['aa dials; the dialled one first', 'bb', (from: string) => from === 'aa'],
  ] as const) {
    test(`to ZeroMQ and back, one side after the other, is a matter of redials: ${what}`, async () => {
      const world = new TcpWorld();
      const [aa, bb] = await brokers(world, ['aa', 'bb'], (from) => ({ dial: dials(from) }));
      assert.ok(aa && bb);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      const [one, other] = first === 'aa' ? [aa, bb] : [bb, aa];
      let n = 0;
      const turn = async (broker: Broker, peer: Broker, protocol: Protocol, expected: Protocol) => {
        broker.expect(entries(world, broker.tag, peer.tag, dials(broker.tag), protocol));
        const since = performance.now();
        await until(() => aa.up.has('bb') && bb.up.has('aa'), 'linked again', REDIALS_MS);
        await until(() => transportOf(aa, 'bb') === expected, `by ${expected}`, REDIALS_MS);
        await hears(aa, bb, `${n++}`);
        await hears(bb, aa, `${n++}`);
        assert.ok(performance.now() - since < REDIALS_MS);
      };
      await turn(one, other, 'zeromq', 'websocket');
      await turn(other, one, 'zeromq', 'zeromq');
      // Back in the other order: whoever dials goes first, and WebSocket is taken from a peer of ZeroMQ.
      await turn(other, one, 'websocket', 'websocket');
      await turn(one, other, 'websocket', 'websocket');
    });
  }
});

describe('links over ZeroMQ', () => {
  test('a key that was refused, then allowed, is linked at a redial, without a restart', async () => {
    const world = new TcpWorld({}, 'zeromq');
    const [aa, bb] = await brokers(world, ['aa', 'bb'], (from) => ({ dial: from === 'aa' }));
    assert.ok(aa && bb);
    const known = { ...world.peer('aa', { dial: false }) };
    const { curveKey } = world.peer('bb', { dial: false });
    bb.expect([{ ...known, ...(curveKey !== undefined && { curveKey }) }]);
    await until(
      () => (bb.mesh.status().counters.refusals['unknown-key'] ?? 0) > 3,
      'refused again and again',
    );
    assert.deepEqual(
      bb.notes.map(({ kind, reason, who, count }) => [kind, reason, who, count]),
      [['refused', 'unknown-key', '127.0.0.1', 1]],
    );
    assert.ok(bb.notes[0]?.text.includes(`unknown key ${world.key('aa')} : add it to peers`));
    assert.equal(aa.status('bb').problem?.reason, 'refused-by-peer');
    assert.ok(!aa.up.has('bb') && !bb.up.has('aa'));
    bb.expect([known]);
    await Promise.all([aa.linked('bb'), bb.linked('aa')]);
    assert.equal(aa.status('bb').problem, undefined);
    await hears(bb, aa, '1');
  });

  test('a peer whose old link was cut without a word, and that dials again, is let in at once', async () => {
    const world = new TcpWorld({}, 'zeromq');
    // Silence alone would take a minute to be found.
    const patient = { ...FAST, pingEveryMs: 20_000 };
    const [aa, bb] = await brokers(world, ['aa', 'bb'], () => ({ dial: false }), patient);
    assert.ok(aa && bb);
    const relay = await Relay.to(Number(new URL(world.url('bb')).port));
    const url = `tcp://127.0.0.1:${relay.port}`;
    aa.expect([{ ...world.peer('bb', { dial: false }), url }]);
    await Promise.all([aa.linked('bb'), bb.linked('aa')]);
    relay.cut();
    await aa.close();
    assert.equal(bb.downs.length, 0, 'it knows nothing of that');
    const peers = [{ ...world.peer('bb', { dial: false }), url }];
    const transport = await world.transport('aa', { listen: false });
    const next = await new Broker('aa', transport, peers, { ...patient, epoch: 'next' }).start();
    await until(() => bb.ups.length === 2 && next.up.has('bb'), 'linked again');
    assert.deepEqual(
      bb.downs.map(({ why }) => why.reason),
      ['replaced'],
    );
    await hears(next, bb, '1');
    await hears(bb, next, '1');
  });

  test('a peer that is cut off is found by its silence, and linked again when the network is back', async () => {
    const world = new TcpWorld({}, 'zeromq');
    const [aa, bb] = await brokers(world, ['aa', 'bb'], () => ({ dial: false }));
    assert.ok(aa && bb);
    const relay = await Relay.to(Number(new URL(world.url('bb')).port));
    aa.expect([{ ...world.peer('bb', { dial: false }), url: `tcp://127.0.0.1:${relay.port}` }]);
    await Promise.all([aa.linked('bb'), bb.linked('aa')]);
    relay.stop();
    await until(() => aa.downs.length > 0 && bb.downs.length > 0, 'both found it');
    for (const { downs } of [aa, bb]) assert.equal(downs[0]?.why.reason, 'silence');
    relay.go();
    await until(() => aa.up.has('bb') && bb.up.has('aa'), 'linked again');
    await hears(aa, bb, '1');
  });
});
