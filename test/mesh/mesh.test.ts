// What is published, and what a slow or hostile peer cannot do to the others; on the transport in memory.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MAX_BATCH_STATES } from '../../src/mesh/batches.ts';
import { HIGH_WATER_BYTES, MAX_FRAME_STATES } from '../../src/mesh/contract.ts';
import { Broker, entry, words } from './broker.ts';
import { MemoryNetwork } from './memory.ts';
import { end, FAST, pair, star } from './memory-mesh.ts';
import { settle, until } from './until.ts';

afterEach(Broker.closeAll);

describe('what is published', () => {
  test('RINGING and INUSE of one turn arrive both, in order, in one frame', async () => {
    const { msk, others } = await star(1);
    msk.mesh.publish('all', [entry('1001', 'RINGING')]);
    msk.mesh.publish('all', [entry('1002', 'BUSY')]);
    msk.mesh.publish('all', [entry('1001', 'INUSE')]);
    const [site] = others;
    assert.ok(site);
    await until(() => site.messages('msk', 'change').length > 0, 'heard');
    assert.deepEqual(site.changes('msk'), ['1001 RINGING', '1002 BUSY', '1001 INUSE']);
    assert.equal(site.messages('msk', 'change').length, 1);
  });

  test('turns stay apart, and keep their order', async () => {
    const { msk, others } = await star(1);
    for (const state of ['RINGING', 'INUSE', 'NOT_INUSE'] as const) {
      msk.mesh.publish('all', [entry('1001', state)]);
      await settle(5);
    }
    await until(() => others[0]?.messages('msk', 'change').length === 3, 'three frames');
    assert.deepEqual(others[0]?.changes('msk'), ['1001 RINGING', '1001 INUSE', '1001 NOT_INUSE']);
  });

  test('a batch is encoded once, however many links it goes to', async () => {
    const { msk, others } = await star(8);
    const before = msk.mesh.status().counters.framesEncoded;
    const entries = Array.from({ length: 450 }, (_, n) => entry(`${n}`, 'BUSY'));
    msk.mesh.publish('all', entries);
    await until(() => others.every((other) => other.changes('msk').length === 450), 'all heard');
    assert.equal(msk.mesh.status().counters.framesEncoded - before, 3);
    for (const other of others) {
      assert.deepEqual(
        other.messages('msk', 'change').map((message) => message.entries.length),
        [200, 200, 50],
      );
      assert.deepEqual(other.changes('msk'), entries.map(words));
    }
  });

  test('nobody there: nothing is encoded', async () => {
    const network = new MemoryNetwork();
    const msk = await new Broker('msk', network.transport('msk'), [network.peer('spb')], FAST).start();
    msk.mesh.publish('all', [entry('1', 'BUSY')]);
    await settle(10);
    assert.equal(msk.mesh.status().counters.framesEncoded, 0);
  });

  test('a very large turn does not wait for its end', async () => {
    const { network, msk, others } = await star(1);
    const channel = end(network, 'msk', 'site0');
    const before = channel.sent.length;
    for (let n = 0; n < MAX_BATCH_STATES; n++) msk.mesh.publish('all', [entry(`${n}`, 'BUSY')]);
    assert.equal(channel.sent.length - before, MAX_BATCH_STATES / MAX_FRAME_STATES);
    await until(() => others[0]?.changes('msk').length === MAX_BATCH_STATES, 'heard');
  });

  test('a peer hears its own view only', async () => {
    const network = new MemoryNetwork();
    const peers = [network.peer('spb'), network.peer('kzn')];
    const spb = await new Broker('spb', network.transport('spb'), [network.peer('msk', false)], FAST).start();
    const kzn = await new Broker('kzn', network.transport('kzn'), [network.peer('msk', false)], FAST).start();
    const msk = new Broker('msk', network.transport('msk'), peers, FAST);
    msk.viewOf = (peer) => (peer === 'spb' ? 'open' : 'closed');
    await msk.start();
    await until(() => spb.heard.length + kzn.heard.length === 2, 'in sync');
    msk.mesh.publish('open', [entry('1', 'BUSY')]);
    msk.mesh.publish('closed', [entry('2', 'BUSY')]);
    msk.mesh.publish('nobody', [entry('3', 'BUSY')]);
    await until(() => spb.heard.length + kzn.heard.length === 4, 'heard');
    assert.deepEqual([spb.changes('msk'), kzn.changes('msk')], [['1 BUSY'], ['2 BUSY']]);
    msk.mesh.snapshot(msk.link('kzn'), 'open', []);
    msk.mesh.publish('open', [entry('4', 'BUSY')]);
    msk.mesh.publish('closed', [entry('5', 'BUSY')]);
    await until(
      () => spb.changes('msk').includes('4 BUSY') && kzn.changes('msk').includes('4 BUSY'),
      'moved',
    );
    assert.equal(kzn.changes('msk').includes('5 BUSY'), false);
  });

  test('before its snapshot a link hears neither changes nor alive; after it, what came before is not told twice', async () => {
    const { aa, bb } = await pair();
    aa.entries = undefined;
    aa.mesh.drop(aa.link('bb'), 'once more, without a snapshot');
    await until(() => aa.ups.length === 2 && bb.ups.length === 2, 'linked again');
    bb.heard.length = 0;
    aa.mesh.publish('all', [entry('1', 'RINGING')]);
    aa.mesh.alive();
    await settle(30);
    assert.equal(bb.heard.length, 0);
    aa.mesh.publish('all', [entry('1', 'INUSE')]);
    aa.mesh.snapshot(aa.link('bb'), 'all', [entry('1', 'INUSE')]);
    aa.mesh.publish('all', [entry('1', 'NOT_INUSE')]);
    aa.mesh.alive();
    await until(() => bb.messages('aa', 'alive').length === 1, 'alive');
    assert.deepEqual(
      bb.heard.map(({ seq, message }) => [seq, message.type]),
      [
        [1, 'snapshot'],
        [2, 'change'],
        [3, 'alive'],
      ],
    );
    assert.deepEqual(bb.changes('aa'), ['1 NOT_INUSE']);
  });

  test('alive vouches for what was published in the same turn: it comes after it', async () => {
    const { aa, bb } = await pair();
    aa.mesh.publish('all', [entry('1', 'BUSY')]);
    aa.mesh.alive();
    await until(() => bb.messages('aa', 'alive').length === 1, 'alive');
    assert.deepEqual(
      bb.heard.map(({ message }) => message.type),
      ['snapshot', 'change', 'alive'],
    );
  });

  test('a second snapshot on a link comes after the changes published before it', async () => {
    const { aa, bb } = await pair();
    aa.mesh.publish('all', [entry('1', 'BUSY')]);
    aa.mesh.snapshot(aa.link('bb'), 'all', [entry('2', 'BUSY')]);
    await until(() => bb.messages('aa', 'snapshot').length === 2, 'the second');
    assert.deepEqual(
      bb.heard.map(({ message }) => message.type),
      ['snapshot', 'change', 'snapshot'],
    );
  });

  test('to a link that is gone nothing is said, and nothing breaks', async () => {
    const { aa } = await pair();
    const link = aa.link('bb');
    aa.mesh.drop(link, 'gone');
    aa.mesh.drop(link, 'twice');
    aa.mesh.snapshot(link, 'all', [entry('1', 'BUSY')]);
    assert.equal(aa.downs.length, 1);
  });
});

describe('a peer that is slow or hostile disturbs nobody else', () => {
  test('one that does not read coalesces, then loses its link; the others hear everything at once', async () => {
    // Long enough that the one that does not read never finds the other side silent, on a busy machine either.
    const { network, msk, others } = await star(3, { pingEveryMs: 10_000 });
    const [slow, ...fast] = others;
    assert.ok(slow);
    end(network, 'site0', 'msk').frozen = true;
    let said = 0;
    while (msk.downs.length === 0) {
      const chunk = Array.from({ length: 1_000 }, (_, n) => entry(`${said + n}`, 'BUSY'));
      said += chunk.length;
      msk.mesh.publish('all', chunk);
      await until(() => fast.every((one) => one.changes('msk').length === said), 'the others hear all');
      assert.ok(said < 50_000, 'the slow one is never dropped');
    }
    assert.deepEqual([msk.downs[0]?.peer, msk.downs[0]?.why.reason], ['site0', 'queue-full']);
    assert.equal(msk.status('site0').drops['queue-full'], 1);
    await until(
      () => msk.up.has('site0') && slow.messages('msk', 'snapshot').length === 2,
      'it is back, in sync',
    );
    assert.equal(msk.downs.length, 1);
    for (const one of fast) assert.deepEqual(one.downs, []);
  });

  test('one that reads again in time has the latest state of everything', async () => {
    const { network, msk, others } = await star(1);
    const [slow] = others;
    assert.ok(slow);
    const far = end(network, 'site0', 'msk');
    far.frozen = true;
    const latest = new Map<string, string>();
    for (let round = 0; round < 60; round++) {
      const state = round % 2 === 0 ? 'INUSE' : 'NOT_INUSE';
      const entries = Array.from({ length: 300 }, (_, n) => entry(`${(round * 7 + n) % 900}`, state));
      for (const one of entries) latest.set(one.extension, words(one));
      msk.mesh.publish('all', entries);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(msk.mesh.status().counters.statesCoalesced > 1_000);
    assert.ok((msk.status('site0').link?.queueBytes ?? 0) > HIGH_WATER_BYTES);
    msk.mesh.alive();
    far.thaw();
    await until(() => slow.messages('msk', 'alive').length === 1, 'all caught up');
    const heard = new Map(slow.changes('msk').map((word) => [word.split(' ')[0], word]));
    assert.deepEqual([...heard.values()].sort(), [...latest.values()].sort());
    assert.deepEqual([msk.downs, slow.downs], [[], []]);
  });

  for (const [what, attack, reason, noted] of [
    ['garbage', 'not json', 'bad-frame', 'bad-frame'],
    [
      'a forged state word',
      '{"seq":1,"type":"change","entries":[["device","1","FREE"]]}',
      'bad-frame',
      'bad-frame',
    ],
    ['an oversized message', 'oversize', 'oversize', 'oversize'],
    ['a binary message', 'not-text', 'not-text', 'not-text'],
  ] as const) {
    test(`${what}: the link goes, it is noted once, another peer's link goes on`, async () => {
      const { network, msk, others } = await star(2);
      for (let round = 1; round <= 4; round++) {
        await until(() => msk.up.has('site0'), 'linked');
        const near = end(network, 'msk', 'site0');
        if (attack === 'oversize' || attack === 'not-text') near.breakRule(attack);
        else near.onMessage(attack);
        await until(() => msk.downs.length === round, 'dropped');
        assert.equal(msk.downs.at(-1)?.why.reason, reason);
      }
      assert.deepEqual(
        msk.notes.map((note) => [note.kind, note.reason, note.who, note.count]),
        [['refused', noted, 'site0', 1]],
      );
      assert.equal(msk.mesh.status().counters.refusals[noted], 4);
      msk.mesh.publish('all', [entry('1', 'BUSY')]);
      await until(() => others[1]?.changes('msk').length === 1, 'the other peer hears');
      assert.deepEqual(others[1]?.downs, []);
    });
  }
});
