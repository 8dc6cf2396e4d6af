// Meshes on real sockets, on loopback: the promises of mesh.test.ts that hang on those, over both protocols.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { encodeHello } from '../../src/mesh/frames.ts';
import { Broker, entry, words } from './broker.ts';
import { closeAll } from './tcp-ends.ts';
import { brokers, FAST, rawPeer } from './tcp-mesh.ts';
import { TcpWorld } from './tcp-world.ts';
import { settle, until } from './until.ts';

afterEach(closeAll);
afterEach(Broker.closeAll);

for (const protocol of ['websocket', 'zeromq'] as const) {
  const newWorld = () => new TcpWorld({}, protocol);

  describe(`meshes over ${protocol}`, () => {
    test('two that dial each other at the same moment settle on one link, ten times over, and never flap', async () => {
      for (let round = 0; round < 10; round++) {
        const [aa, bb] = await brokers(newWorld(), ['aa', 'bb'], () => ({ dial: true }));
        assert.ok(aa && bb);
        await Promise.all([aa.linked('bb'), bb.linked('aa')]);
        await settle(80);
        assert.deepEqual([aa.ups.length, bb.ups.length, aa.downs.length, bb.downs.length], [1, 1, 0, 0]);
        assert.notEqual(aa.status('bb').link?.dialled, bb.status('aa').link?.dialled);
        assert.equal(aa.status('bb').link?.transport, protocol);
        assert.deepEqual(aa.notes.concat(bb.notes), []);
        await Broker.closeAll();
      }
    });

    test('three exchange snapshots and changes both ways; RINGING and INUSE of one turn arrive both, in order', async () => {
      const three = await brokers(newWorld(), ['aa', 'bb', 'cc'], (from, to) => ({ dial: from < to }));
      await until(() => three.every((one) => one.up.size === 2), 'all linked');
      for (const one of three) {
        one.mesh.publish('all', [entry('1', 'RINGING')]);
        one.mesh.publish('all', [entry('1', 'INUSE')]);
        one.mesh.alive();
      }
      for (const one of three) {
        for (const other of three.filter((candidate) => candidate !== one)) {
          await until(() => one.messages(other.tag, 'alive').length === 1, 'alive');
          assert.deepEqual(one.changes(other.tag), ['1 RINGING', '1 INUSE']);
          assert.equal(one.messages(other.tag, 'snapshot').at(-1)?.last, true);
        }
      }
    });

    test('20 000 states go over as a snapshot in parts, and changes during it arrive after it', async () => {
      const [aa, bb] = await brokers(newWorld(), ['aa', 'bb'], (from) => ({ dial: from === 'bb' }));
      assert.ok(aa && bb);
      aa.entries = Array.from({ length: 20_000 }, (_, n) => entry(`${n}`, 'INUSE'));
      await until(() => bb.heard.length > 0, 'it begins');
      aa.mesh.publish('all', [entry('1', 'RINGING')]);
      await until(() => bb.changes('aa').length === 1, 'the change');
      const parts = bb.messages('aa', 'snapshot');
      assert.deepEqual(parts.flatMap((part) => part.entries).map(words), aa.entries.map(words));
      assert.equal(
        parts.findIndex((part) => part.last),
        parts.length - 1,
      );
    });

    test('garbage, an oversized frame and a liar lose their links, are noted once each, and cc never notices', async () => {
      const world = newWorld();
      const [aa, cc] = await brokers(world, ['aa', 'cc'], (from) => ({ dial: from === 'cc' }));
      assert.ok(aa && cc);
      await world.transport('bb', { listen: false });
      aa.expect([{ ...world.peer('cc', { dial: false }) }, { ...world.peer('bb', { dial: false }) }]);
      await Promise.all([aa.linked('cc'), cc.linked('aa')]);
      const target = world.peer('aa', { dial: true });
      const hello = encodeHello('bb', 'aa', 'e');
      for (const [attack, told] of [
        [[hello, 'garbage'], 'bad-frame'],
        [[hello, 'x'.repeat(300_000)], undefined],
        [[encodeHello('cc', 'aa', 'e')], 'wrong-tag'],
        [[encodeHello('bb', 'zz', 'e')], 'wrong-peer'],
      ] as const) {
        for (let round = 0; round < 2; round++) {
          const bb = await rawPeer(protocol, 'bb', target);
          for (const text of attack) bb.send(text);
          await until(() => bb.closed !== undefined, 'the link is closed');
          if (told !== undefined) {
            assert.ok(
              bb.got.some((text) => text.includes(`"refuse","code":"${told}"`)),
              bb.got.join(),
            );
          } else if (protocol === 'websocket') assert.equal(bb.closed, 1009);
        }
      }
      await until(() => !aa.up.has('bb'), 'bb is out');
      assert.deepEqual(
        aa.notes.map(({ kind, reason, who, count }) => [kind, reason, who, count]),
        ['bad-frame', 'oversize', 'wrong-tag', 'wrong-peer'].map((reason) => ['refused', reason, 'bb', 1]),
      );
      const { refusals } = aa.mesh.status().counters;
      assert.deepEqual([refusals['bad-frame'], refusals.oversize, refusals['wrong-tag']], [2, 2, 2]);
      aa.mesh.publish('all', [entry('1', 'BUSY')]);
      await until(() => cc.changes('aa').length === 1, 'cc goes on');
      assert.deepEqual([cc.downs, cc.ups.length], [[], 1]);
    });

    test('a peer that does not read loses its link and comes back; another hears every change meanwhile', async () => {
      const world = newWorld();
      const [aa, cc] = await brokers(world, ['aa', 'cc'], (from) => ({ dial: from === 'cc' }));
      assert.ok(aa && cc);
      await world.transport('bb', { listen: false });
      aa.expect([{ ...world.peer('cc', { dial: false }) }, { ...world.peer('bb', { dial: false }) }]);
      await until(() => aa.up.has('cc') && cc.heard.length > 0, 'cc is in sync');
      const bb = await rawPeer(protocol, 'bb', world.peer('aa', { dial: true }));
      bb.send(encodeHello('bb', 'aa', 'e'));
      await aa.linked('bb');
      bb.deafen();
      const talk = setInterval(() => bb.send('{"type":"ping","id":1}'), 50);
      let said = 0;
      while (aa.up.has('bb')) {
        // Names as long as they come, so that the kernel's buffers are full soon.
        const chunk = Array.from({ length: 2_000 }, (_, n) => entry(`${'9'.repeat(60)}${said + n}`, 'BUSY'));
        said += chunk.length;
        aa.mesh.publish('all', chunk);
        await until(() => cc.changes('aa').length === said, 'cc hears');
        assert.ok(said < 300_000, 'never dropped');
      }
      clearInterval(talk);
      assert.deepEqual(
        aa.downs.map(({ peer, why }) => [peer, why.reason]),
        [['bb', 'queue-full']],
      );
      assert.deepEqual(cc.downs, []);
      bb.terminate();
      const again = await rawPeer(protocol, 'bb', world.peer('aa', { dial: true }));
      again.send(encodeHello('bb', 'aa', 'e'));
      await aa.linked('bb');
      await until(() => again.got.some((text) => text.includes('"snapshot"')), 'a fresh snapshot');
    });

    test('a peer that reads nothing for a while, but lives, keeps its link, and then has the latest', async () => {
      const world = newWorld();
      const [aa] = await brokers(world, ['aa'], () => ({ dial: false }));
      assert.ok(aa);
      await world.transport('bb', { listen: false });
      aa.expect([{ ...world.peer('bb', { dial: false }) }]);
      const bb = await rawPeer(protocol, 'bb', world.peer('aa', { dial: true }));
      bb.send(encodeHello('bb', 'aa', 'e'));
      await aa.linked('bb');
      bb.deafen();
      const talk = setInterval(() => bb.send('{"type":"ping","id":1}'), 20);
      // Over and over the same, so that it is coalesced and never fills the queue.
      const names = Array.from({ length: 2_000 }, (_, n) => `${'9'.repeat(60)}${n}`);
      for (let round = 0; aa.mesh.status().counters.statesCoalesced < 10_000; round++) {
        const state = round % 2 === 0 ? 'BUSY' : 'INUSE';
        aa.mesh.publish(
          'all',
          names.map((name) => entry(name, state)),
        );
        await new Promise((resolve) => setImmediate(resolve));
        assert.ok(round < 1_000, 'never congested');
      }
      // Twice as long as silence may last.
      await settle(6 * FAST.pingEveryMs);
      clearInterval(talk);
      assert.deepEqual(aa.downs, []);
    });

    test('a broker that stops says bye and is gone; when it is back, it is linked again', async () => {
      const world = newWorld();
      const [aa, bb] = await brokers(world, ['aa', 'bb'], (from) => ({ dial: from === 'aa' }));
      assert.ok(aa && bb);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      aa.mesh.bye(false);
      await aa.close();
      await until(() => bb.downs.length === 1, 'down');
      assert.deepEqual(bb.messages('aa', 'bye'), [{ type: 'bye', final: false }]);
      const peers = [world.peer('bb', { dial: true })];
      const next = new Broker('aa', await world.transport('aa', { listen: true }), peers, {
        ...FAST,
        epoch: 'the-next-run',
      });
      await next.start();
      await until(() => bb.ups.length === 2, 'linked again');
      assert.equal(bb.ups[1]?.epoch, 'the-next-run');
    });
  });
}
