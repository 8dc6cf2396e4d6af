// At most one link a peer, whoever dialled (src/mesh/peer.ts).
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Broker } from './broker.ts';
import { MemoryNetwork } from './memory.ts';
import { settle, until } from './until.ts';

/** A small seeded generator (mulberry32): the same seed, the same network. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const FAST = { redialMinMs: 10, redialMaxMs: 40, pingEveryMs: 50, helloTimeoutMs: 400 };

function pair(network: MemoryNetwork, options = FAST, aaDials = true, bbDials = true) {
  const aa = new Broker('aa', network.transport('aa'), [network.peer('bb', aaDials)], options);
  const bb = new Broker('bb', network.transport('bb'), [network.peer('aa', bbDials)], options);
  return { aa, bb };
}

describe('duplicate links', () => {
  afterEach(Broker.closeAll);

  test('two that dial each other at the same moment settle on the link of the smaller tag, and nobody flaps', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const network = new MemoryNetwork();
      const next = random(seed);
      network.delay = () => Math.floor(next() * 12);
      const { aa, bb } = pair(network, { ...FAST, ...{ random: next } });
      await Promise.all([aa.start(), bb.start()]);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      await settle(60);
      const said = `seed ${seed}`;
      assert.deepEqual([aa.ups.length, bb.ups.length], [1, 1], said);
      assert.deepEqual([aa.downs.length, bb.downs.length], [0, 0], said);
      assert.notEqual(aa.status('bb').link?.dialled, bb.status('aa').link?.dialled, said);
      assert.equal(network.ends.filter((end) => end.open).length, 2, `${said}: one channel is open`);
      aa.mesh.alive();
      bb.mesh.alive();
      await until(() => aa.messages('bb', 'alive').length + bb.messages('aa', 'alive').length === 2, said);
      network.end();
      await Broker.closeAll();
    }
  });

  test('with both dials in flight together, the link of the smaller tag is the one', async () => {
    const network = new MemoryNetwork();
    network.delay = () => 5;
    const { aa, bb } = pair(network);
    await Promise.all([aa.start(), bb.start()]);
    await Promise.all([aa.linked('bb'), bb.linked('aa')]);
    await settle(100);
    assert.equal(aa.status('bb').link?.dialled, true);
    assert.equal(bb.status('aa').link?.dialled, false);
    const dials = network.listeners.get('bb')?.dials.length;
    await settle(150);
    assert.equal(
      network.listeners.get('bb')?.dials.length,
      dials,
      'the side that lost does not redial while linked',
    );
    assert.deepEqual(aa.notes.concat(bb.notes), [], 'and nobody is told of it as of a fault');
  });

  test('three that all dial each other have three links, and keep them', async () => {
    const network = new MemoryNetwork();
    const next = random(7);
    network.delay = () => Math.floor(next() * 8);
    const tags = ['aa', 'bb', 'cc'];
    const brokers = tags.map((tag) => {
      const others = tags.filter((other) => other !== tag).map((other) => network.peer(other));
      return new Broker(tag, network.transport(tag), others, FAST);
    });
    for (const broker of brokers) await broker.start();
    await until(() => brokers.every((broker) => broker.up.size === 2), 'all linked');
    await settle(150);
    for (const broker of brokers) assert.deepEqual([broker.ups.length, broker.downs.length], [2, 0]);
  });

  for (const [who, aaDials, bbDials] of [
    ['smaller', true, false],
    ['larger', false, true],
  ] as const) {
    test(`it works when only the ${who} tag can dial, and comes back after a break`, async () => {
      const network = new MemoryNetwork();
      const { aa, bb } = pair(network, FAST, aaDials, bbDials);
      await Promise.all([aa.start(), bb.start()]);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      for (const end of network.ends) end.terminate('a cable is pulled');
      await until(() => aa.ups.length === 2 && bb.ups.length === 2, 'linked again');
      assert.equal(aa.downs[0]?.why.reason, 'closed');
      network.end();
      await Broker.closeAll();
    });
  }

  test('when the link dies unnoticed at one end, the other end dials and gets through', async () => {
    // Each end once: the end that notices first dials while the other still believes in the old link.
    for (const [notices, other] of [
      ['aa', 'bb'],
      ['bb', 'aa'],
    ] as const) {
      const network = new MemoryNetwork();
      const { aa, bb } = pair(network);
      await Promise.all([aa.start(), bb.start()]);
      await Promise.all([aa.linked('bb'), bb.linked('aa')]);
      await settle(50);
      const end = network.ends.find((channel) => channel.open && channel.peer === other);
      assert.ok(end?.other);
      end.cut = true;
      end.other.cut = true;
      const noticing = notices === 'aa' ? aa : bb;
      noticing.mesh.drop(noticing.link(other), 'found out');
      await until(() => aa.ups.length === 2 && bb.ups.length === 2, `${notices} noticed, linked again`);
      await settle(300);
      assert.deepEqual([aa.ups.length, bb.ups.length], [2, 2]);
      network.end();
      await Broker.closeAll();
    }
  });

  test('whatever breaks while both dial, they end up with one link', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const network = new MemoryNetwork();
      const next = random(1000 + seed);
      network.delay = () => Math.floor(next() * 10);
      const { aa, bb } = pair(network, { ...FAST, ...{ random: next } });
      await Promise.all([aa.start(), bb.start()]);
      for (let round = 0; round < 25; round++) {
        await settle(Math.floor(next() * 12));
        const end = network.ends.filter((channel) => channel.open).at(Math.floor(next() * 2));
        if (end === undefined) continue;
        const kind = next();
        if (kind < 0.4) end.terminate('broken');
        else if (kind < 0.7) end.cut = true;
        else if (kind < 0.85) end.frozen = true;
        else if (bb.up.has('aa')) bb.mesh.drop(bb.link('aa'), 'dropped');
      }
      await until(() => {
        const [a, b] = [aa.status('bb').link, bb.status('aa').link];
        return a !== undefined && b !== undefined && network.ends.filter((end) => end.open).length === 2;
      }, `seed ${seed}: one link`);
      aa.heard.length = 0;
      bb.heard.length = 0;
      await until(() => {
        aa.mesh.alive();
        bb.mesh.alive();
        return aa.messages('bb', 'alive').length > 2 && bb.messages('aa', 'alive').length > 2;
      }, `seed ${seed}: it carries both ways`);
      network.end();
      await Broker.closeAll();
    }
  });
});
