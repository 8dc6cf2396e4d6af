// Links come, go, are refused and replaced; on the transport in memory.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Mesh } from '../../src/mesh/mesh.ts';
import { Broker, entry } from './broker.ts';
import { MemoryNetwork } from './memory.ts';
import { end, FAST, pair, star } from './memory-mesh.ts';
import { settle, until } from './until.ts';

afterEach(Broker.closeAll);

describe('two brokers with one tag', () => {
  /** `hub` with an incumbent `msk`, and a second broker of that tag and key, which dials too. */
  async function rivals() {
    const network = new MemoryNetwork();
    const hub = new Broker('hub', network.transport('hub'), [network.peer('msk', false)], FAST);
    let incumbent: string | undefined;
    hub.admit = (_peer, epoch) => (incumbent === undefined || incumbent === epoch ? 'yes' : 'tag-in-use');
    await hub.start();
    const join = (epoch: string) =>
      new Broker('msk', network.transport('msk', { listen: false }), [network.peer('hub')], {
        ...FAST,
        epoch,
      }).start();
    const first = await join('first');
    await until(() => hub.up.has('msk') && first.up.has('hub'), 'the incumbent is linked');
    incumbent = 'first';
    return { network, hub, first, join, free: () => (incumbent = undefined) };
  }

  test('the newcomer is refused while the incumbent is heard, and both sides say so, once', async () => {
    const { hub, first, join } = await rivals();
    const second = await join('second');
    await until(
      () => (hub.mesh.status().counters.refusals['tag-in-use'] ?? 0) > 2,
      'refused again and again',
    );
    assert.deepEqual(
      hub.notes.map((note) => [note.kind, note.reason, note.who]),
      [['refused', 'tag-in-use', 'msk']],
    );
    assert.deepEqual(
      second.notes.map((note) => [note.kind, note.reason, note.who]),
      [['refused-by-peer', 'tag-in-use', 'hub']],
    );
    assert.match(second.notes[0]?.text ?? '', /another broker with the tag "msk" is alive/);
    assert.equal(second.status('hub').problem?.reason, 'tag-in-use');
    assert.deepEqual([second.ups, first.downs, hub.downs], [[], [], []], 'nobody flaps');
  });

  test('the newcomer takes over when it is admitted, and the old link goes down first', async () => {
    const { hub, first, join, free } = await rivals();
    const second = await join('second');
    await until(() => second.notes.length > 0, 'refused');
    free();
    await until(() => hub.ups.length === 2, 'taken');
    assert.deepEqual(
      hub.downs.map(({ why }) => why.reason),
      ['replaced'],
    );
    assert.equal(hub.ups[1]?.epoch, 'second');
    await until(() => second.up.has('hub'), 'up there too');
    assert.equal(second.status('hub').problem, undefined, 'and no problem is left');
    await until(() => first.downs.length === 1, 'the old one knows');
  });

  test('a newcomer that dials in is judged at once, although the link to the incumbent was dialled by us', async () => {
    const network = new MemoryNetwork();
    // Long enough that it is not this that ends a link that nobody judged.
    const PATIENT = { ...FAST, helloTimeoutMs: 20_000 };
    const hub = new Broker('hub', network.transport('hub'), [network.peer('msk')], PATIENT);
    let taken = 'first';
    hub.admit = (_peer, epoch) => (epoch === taken ? 'yes' : 'tag-in-use');
    const first = new Broker('msk', network.transport('msk'), [network.peer('hub', false)], {
      ...PATIENT,
      epoch: 'first',
    });
    await first.start();
    await hub.start();
    await until(() => hub.up.has('msk'), 'the incumbent is linked');
    assert.equal(hub.status('msk').link?.dialled, true);
    const second = new Broker('msk', network.transport('msk', { listen: false }), [network.peer('hub')], {
      ...PATIENT,
      epoch: 'second',
    });
    await second.start();
    await until(() => second.notes.length > 0, 'refused');
    assert.equal(second.notes[0]?.reason, 'tag-in-use');
    taken = 'second';
    await until(() => second.up.has('hub'), 'taken');
    assert.deepEqual(
      hub.downs.map(({ why }) => why.reason),
      ['replaced'],
    );
  });

  test('the same epoch on a new link of the same direction replaces the old link', async () => {
    const { network, hub } = await rivals();
    const near = end(network, 'msk', 'hub');
    near.cut = true;
    near.onClose('lost at this end only'); // the hub still believes in its own
    await until(() => hub.ups.length === 2, 'a new link');
    assert.deepEqual(
      hub.downs.map(({ why }) => why.reason),
      ['replaced'],
    );
    await settle(50);
    assert.deepEqual([hub.ups.length, hub.up.size], [2, 1]);
  });
});

describe('links come and go', () => {
  test('drop ends the link before it returns, says why to both, and it is dialled again', async () => {
    const { aa, bb } = await pair();
    assert.equal(aa.status('bb').link?.transport, 'memory');
    aa.mesh.drop(aa.link('bb'), 'seq gap: 5 after 3');
    assert.deepEqual(aa.downs[0]?.why, { reason: 'dropped', text: 'seq gap: 5 after 3' });
    await until(() => bb.downs.length === 1, 'the peer hears');
    assert.match(bb.downs[0]?.why.text ?? '', /seq gap/);
    await until(() => aa.ups.length === 2, 'linked again');
    assert.notEqual(aa.ups[0]?.link, aa.ups[1]?.link);
    assert.equal(aa.status('bb').linksUp, 2);
    assert.equal(aa.status('bb').drops.dropped, 1);
  });

  test('a peer that is not there is dialled with growing delays, told once, and linked when it comes', async () => {
    const network = new MemoryNetwork();
    const transport = network.transport('aa', { listen: false });
    const options = { ...FAST, redialMinMs: 10, redialMaxMs: 80, random: () => 0.999 };
    const aa = await new Broker('aa', transport, [network.peer('bb')], options).start();
    await until(() => transport.dials.length > 6, 'dialled again and again');
    for (const [n, least] of [10, 20, 40, 80, 80].entries()) {
      const delay = (transport.dials[n + 1] ?? 0) - (transport.dials[n] ?? 0);
      assert.ok(delay > least - 3 && delay < least + 100, `delay ${n} is ${delay}, about ${least} expected`);
    }
    assert.deepEqual(
      aa.notes.map((note) => [note.kind, note.reason, note.who, note.count]),
      [['unreachable', 'unreachable', 'bb', 1]],
    );
    assert.equal(aa.status('bb').problem?.kind, 'unreachable');
    await new Broker('bb', network.transport('bb'), [network.peer('aa', false)], FAST).start();
    await aa.linked('bb');
    assert.equal(aa.status('bb').problem, undefined);
  });

  test('other delays between dials are taken up without touching a link', async () => {
    const network = new MemoryNetwork();
    const transport = network.transport('aa', { listen: false });
    const options = { ...FAST, redialMinMs: 10, redialMaxMs: 10, random: () => 0.999 };
    const peers = [network.peer('bb'), network.peer('cc')];
    const cc = await new Broker('cc', network.transport('cc'), [network.peer('aa', false)], FAST).start();
    const aa = await new Broker('aa', transport, peers, options).start();
    await until(() => aa.up.has('cc') && transport.dials.length > 5, 'one is linked, the other dialled');
    aa.mesh.setPeers(peers, { minMs: 60_000, maxMs: 60_000 });
    await settle(50);
    const dials = transport.dials.length;
    await settle(50);
    assert.equal(transport.dials.length, dials, 'it waits now');
    aa.mesh.setPeers(peers, { minMs: 10, maxMs: 20 });
    assert.deepEqual([aa.downs, cc.downs], [[], []]);
    aa.mesh.drop(aa.link('cc'), 'to see it dialled');
    await until(() => aa.ups.length === 2, 'linked again, by the new delays');
  });

  test('bye is heard as the last word, and nobody is dialled after it', async () => {
    const { network, aa, bb } = await pair();
    aa.mesh.publish('all', [entry('1', 'BUSY')]);
    aa.mesh.bye(true);
    await until(() => bb.messages('aa', 'bye').length === 1, 'bye');
    assert.deepEqual(
      bb.heard.map(({ message }) => message.type),
      ['snapshot', 'change', 'bye'],
    );
    assert.deepEqual(bb.messages('aa', 'bye'), [{ type: 'bye', final: true }]);
    const { dials } = end(network, 'aa', 'bb').owner;
    assert.equal(dials.length, 1);
    network.end();
    await settle(100);
    assert.deepEqual([dials.length, aa.up.size], [1, 0]);
  });

  test('bye and close in one breath: the bye is flushed, every link goes down once, close may be called twice', async () => {
    const { aa, bb } = await pair();
    aa.mesh.bye(false);
    await Promise.all([aa.close(), aa.mesh.close()]);
    await aa.mesh.close();
    await until(() => bb.downs.length === 1, 'down');
    assert.deepEqual(bb.messages('aa', 'bye'), [{ type: 'bye', final: false }]);
    assert.deepEqual(
      aa.downs.map(({ why }) => why.reason),
      ['stopped'],
    );
  });

  test('a mesh that was never started can be closed', async () => {
    const network = new MemoryNetwork();
    await new Broker('aa', network.transport('aa'), [network.peer('bb')]).mesh.close();
  });

  test('a peer taken out loses its link, a changed one is linked afresh, the others keep theirs', async () => {
    const { network, msk, others } = await star(3);
    const links = new Map(msk.up);
    const peers = [
      // The key of a transport that is not used makes no difference.
      { ...network.peer('site0'), curveKey: 'its key for ZeroMQ' },
      { ...network.peer('site1'), next: { fingerprint: 'its next key' } },
    ];
    msk.entries = undefined;
    msk.mesh.setPeers(peers);
    assert.deepEqual(msk.downs.map(({ peer, why }) => [peer, why.reason]).sort(), [
      ['site1', 'peer-changed'],
      ['site2', 'peer-changed'],
    ]);
    await until(() => msk.up.has('site1'), 'the changed one is linked again');
    assert.equal(msk.up.get('site0'), links.get('site0'));
    assert.notEqual(msk.up.get('site1'), links.get('site1'));
    await until(() => others[2]?.downs.length === 1, 'the one taken out knows');
    await settle(50);
    assert.equal(msk.up.has('site2'), false);
    assert.deepEqual(
      msk.mesh.status().peers.map(({ peer }) => peer),
      ['site0', 'site1'],
    );
    msk.mesh.setPeers([...peers, network.peer('site2')]);
    await until(() => msk.up.has('site2'), 'put back, it is linked');
  });

  test('a silent peer is dropped, dialled again, and the round trip of a good one is known', async () => {
    const { network, aa, bb } = await pair({ pingEveryMs: 15 });
    await until(() => aa.status('bb').link?.roundTripMs !== undefined, 'a round trip');
    const near = end(network, 'aa', 'bb');
    near.cut = true;
    if (near.other) near.other.cut = true;
    await until(() => aa.ups.length === 2 && bb.ups.length === 2, 'linked again');
    assert.ok(aa.downs.concat(bb.downs).some(({ why }) => why.reason === 'silence'));
  });

  test('what this version does not know is ignored, counted, and told once', async () => {
    const { network, aa } = await pair();
    const near = end(network, 'aa', 'bb');
    near.onMessage('{"type":"sing"}');
    near.onMessage('{"type":"dance"}');
    const seq = aa.heard.length + 1;
    near.onMessage(`{"seq":${seq},"type":"change","entries":[["mwi","1","x"],["mwi","2","x"]]}`);
    const { skippedFrames, skippedKinds } = aa.mesh.status().counters;
    assert.deepEqual([skippedFrames, skippedKinds], [2, 2]);
    assert.deepEqual(
      aa.notes.map((note) => [note.kind, note.reason]),
      [
        ['skipped', 'unknown-frame'],
        ['skipped', 'unknown-kind'],
      ],
    );
    assert.deepEqual(aa.downs, []);
  });

  test('a peer that dials often without a hello holds one channel, not many', async () => {
    const network = new MemoryNetwork();
    const aa = await new Broker('aa', network.transport('aa'), [network.peer('bb', false)], FAST).start();
    const rogue = network.transport('bb', { listen: false });
    rogue.setPeers([network.peer('aa')]);
    for (let n = 0; n < 20; n++) await rogue.dial(network.peer('aa'), new AbortController().signal);
    await settle(20);
    assert.equal(network.ends.filter((one) => one.owner.tag === 'aa' && one.open).length, 1);
    await until(() => aa.notes.length > 0, 'the last one is closed for want of a hello');
    assert.equal(aa.notes[0]?.reason, 'hello-timeout');
    await rogue.close();
  });

  test('a mesh does not start with itself, a peer twice, or a bad epoch', () => {
    const network = new MemoryNetwork();
    const make =
      (tags: string[], epoch = 'e') =>
      () =>
        new Mesh({ tag: 'aa', epoch, peers: tags.map((tag) => network.peer(tag)) }, network.transport('aa'), {
          admit: () => 'yes',
          linkUp() {},
          heard() {},
          linkDown() {},
          note() {},
        });
    assert.throws(make(['bb', 'aa']), /own tag/);
    assert.throws(make(['bb', 'bb']), /twice/);
    assert.throws(make(['bb'], 'a b'), /epoch/);
    make(['bb'])();
  });
});

test('a broker that rests refuses links and makes none until it resumes, and says bye when it rests again', async () => {
  const network = new MemoryNetwork();
  const hub = new Broker('hub', network.transport('hub'), [network.peer('msk', false)], FAST);
  const msk = new Broker('msk', network.transport('msk', { listen: false }), [network.peer('hub')], FAST);
  await hub.mesh.start(true);
  await msk.start();
  await until(() => msk.notes.length > 0, 'it is told');
  assert.deepEqual(
    msk.notes.map(({ kind, reason }) => [kind, reason]),
    [['unreachable', 'standby']],
  );
  assert.equal(hub.ups.length, 0);
  hub.mesh.resume();
  await until(() => hub.ups.length === 1 && msk.ups.length === 1, 'linked');
  hub.mesh.rest('it rests');
  assert.equal(hub.up.size, 0);
  await until(() => msk.up.size === 0, 'it is down there too');
  assert.ok(msk.heard.some(({ message }) => message.type === 'bye' && !message.final));
  hub.mesh.resume();
  await until(() => hub.ups.length === 2 && msk.ups.length === 2, 'linked again');
});

test('a peer that waits to be dialled is dialled at once when there is a hurry, and only then', async () => {
  const network = new MemoryNetwork();
  const slow = { redialMinMs: 60_000, redialMaxMs: 60_000 };
  const hub = new Broker('hub', network.transport('hub'), [network.peer('msk')], slow);
  await hub.start();
  await until(() => hub.notes.length === 1, 'nobody is there');
  const msk = await new Broker('msk', network.transport('msk'), [network.peer('hub', false)], FAST).start();
  assert.equal(hub.ups.length, 0);
  hub.mesh.hurry('msk');
  await until(() => hub.ups.length === 1 && msk.ups.length === 1, 'linked');
  hub.mesh.hurry('msk');
  hub.mesh.hurry('nobody');
  await settle();
  assert.equal(hub.ups.length, 1);
});
