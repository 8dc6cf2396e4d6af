// One link: hello, numbers, pings.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { HIGH_WATER_BYTES } from '../../src/mesh/contract.ts';
import { decode, encodeHello } from '../../src/mesh/frames.ts';
import { MAX_CHANGE_AGE_MS } from '../../src/mesh/peer-clock.ts';
import { SILENT_BEATS, STALLED_BEATS } from '../../src/mesh/pulse.ts';
import { entry } from './broker.ts';
import { batch, endAll, make, many, said, talk, up } from './held-link.ts';
import { settle, until } from './until.ts';

afterEach(endAll);

describe('hello', () => {
  test('the dialler speaks first; its link is up when the answer is accepted', () => {
    const { channel, link, events } = make({ dialled: true });
    assert.deepEqual(channel.sent, [decode(encodeHello('aa', 'bb', 'e1'))]);
    channel.onMessage(encodeHello('bb', 'aa', 'e2'));
    assert.deepEqual(events, ['hello bb e2']);
    assert.equal(link.isUp, false);
    link.accept();
    assert.equal(link.isUp, true);
    assert.deepEqual(
      channel.sent.map((frame) => frame.type),
      ['hello', 'ping'],
    );
  });

  test('the side that was dialled is silent until it accepts', () => {
    const { channel, link } = make();
    channel.onMessage(encodeHello('bb', 'aa', 'e2'));
    assert.equal(channel.sent.length, 0);
    link.accept();
    assert.deepEqual(
      channel.sent.map((frame) => frame.type),
      ['hello', 'ping'],
    );
  });

  test('nothing is published on a link that is not up', () => {
    const { channel, link } = make();
    link.snapshot([]);
    link.batch(batch(entry('1', 'BUSY')));
    link.alive();
    link.bye(true);
    assert.deepEqual(channel.sent, []);
  });

  test('no hello in time: the link ends', async () => {
    const { channel, events } = make({ helloTimeoutMs: 20 });
    await until(() => events.length > 0, 'closed');
    assert.deepEqual(events, ['closed hello-timeout']);
    assert.equal(channel.ended?.how, 'close');
  });

  test('a hello that is never answered here ends as a duplicate, not as a fault of the peer', async () => {
    const { channel, events } = make({ helloTimeoutMs: 20 });
    channel.onMessage(encodeHello('bb', 'aa', 'e2'));
    await until(() => events.length > 1, 'closed');
    assert.deepEqual(events, ['hello bb e2', 'closed duplicate']);
  });

  for (const [what, text, code] of [
    ['another tag than the key proves', encodeHello('cc', 'aa', 'e2'), 'wrong-tag'],
    ['a hello for somebody else', encodeHello('bb', 'cc', 'e2'), 'wrong-peer'],
    ['another version', '{"type":"hello","version":9}', 'version'],
    ['garbage', 'RINGING', 'bad-frame'],
    ['a change before hello', '{"seq":1,"type":"change","entries":[]}', 'bad-frame'],
    ['a ping before hello', '{"type":"ping","id":1}', 'bad-frame'],
  ] as const) {
    test(`${what}: told why, then closed`, () => {
      const { channel, events } = make();
      channel.onMessage(text);
      const [refusal] = channel.sent;
      assert.ok(refusal?.type === 'refuse');
      assert.equal(refusal.code, code);
      assert.equal(channel.ended?.how, 'close', 'the refusal is flushed');
      assert.equal(events.length, 2);
      assert.ok(events[0]?.startsWith(`refused ${code}: `));
      assert.equal(events[1], `closed ${code === 'bad-frame' ? 'bad-frame' : 'refused'}`);
    });
  }

  test('a second hello is against the rules', () => {
    const { channel, events } = up();
    channel.onMessage(encodeHello('bb', 'aa', 'e3'));
    assert.deepEqual(events, ['refused bad-frame: a second hello', 'closed bad-frame']);
  });

  test('a refusal by the peer is handed on, and ends the link', () => {
    const { channel, events } = make({ dialled: true });
    channel.onMessage('{"type":"refuse","code":"tag-in-use","text":"there is one"}');
    assert.deepEqual(events, ['refused by peer tag-in-use: there is one', 'closed refused-by-peer']);
  });
});

describe('frames on a link that is up', () => {
  test('numbered frames are handed on with their numbers, gaps and all: the core decides', () => {
    const { channel, events } = up();
    channel.onMessage('{"seq":1,"type":"snapshot","entries":[],"last":true}');
    channel.onMessage('{"seq":2,"type":"alive"}');
    channel.onMessage('{"seq":9,"type":"bye","final":false}');
    assert.deepEqual(events, ['heard 1 snapshot', 'heard 2 alive', 'heard 9 bye']);
  });

  test('what this version does not know is told and left out', () => {
    const { channel, events } = up();
    channel.onMessage('{"type":"sing"}');
    channel.onMessage('{"seq":1,"type":"change","entries":[["mwi","1",{}],["mwi","2",{}]]}');
    assert.deepEqual(events, [
      'skipped 1 0 frame type "sing"',
      'skipped 0 2 entries of an unknown kind',
      'heard 1 change',
    ]);
  });

  test('nothing is heard after a fault, although more was under way', () => {
    const { channel, events } = up();
    channel.onMessage('nonsense');
    channel.onMessage('{"seq":1,"type":"alive"}');
    assert.deepEqual(events.slice(1), ['closed bad-frame']);
  });

  test('the numbers of what we send are 1, 2, 3 … whatever the kind, and pings have none', () => {
    const { channel, link } = up({ clock: () => 1_234.56 });
    link.snapshot([entry('1', 'BUSY')]);
    channel.onMessage('{"type":"ping","id":41}');
    link.batch(batch(entry('1', 'INUSE'), entry('1', null)));
    link.alive();
    link.bye(false);
    link.alive();
    assert.deepEqual(said(channel), [
      '1 snapshot last 1 BUSY',
      '2 change 1 INUSE, 1 null',
      '3 alive',
      '4 bye',
    ]);
    assert.ok(channel.raw.includes('{"type":"pong","id":41,"clock":1234.6}'), 'with our clock, now');
  });

  test('an empty view is one empty part, marked last', () => {
    const { channel, link } = up();
    link.snapshot([]);
    assert.deepEqual(said(channel), ['1 snapshot last ']);
  });
});

describe('when the peer heard what it tells', () => {
  const change = (seq: number, at: number | string) =>
    `{"seq":${seq},"type":"change","entries":[["device","1","BUSY"]],"at":${at}}`;

  /** A link whose peer answered the first ping; its clock is ahead of ours by exactly `ahead`. */
  function answered(ahead: number) {
    const made = up();
    const receivedBy = performance.now();
    made.channel.onMessage(`{"type":"pong","id":1,"clock":${receivedBy + ahead}}`);
    return made;
  }

  test('is handed on in our own time, whatever the zero of its clock', () => {
    for (const ahead of [0, 7e12, 3.5]) {
      const { channel, link, heard } = answered(ahead);
      const at = performance.now();
      channel.onMessage(change(1, at + ahead));
      const [message] = heard;
      assert.ok(message?.type === 'change' && message.at !== undefined);
      const half = (link.roundTripMs ?? assert.fail('no round trip')) / 2;
      assert.ok(Math.abs(message.at - at) <= half + 0.01, `${message.at - at} ms wrong, ${half} allowed`);
    }
  });

  test('is not known before its first pong, nor from one that tells no clock, or that was not asked for', () => {
    const { channel, heard } = up();
    channel.onMessage(change(1, 5));
    channel.onMessage('{"type":"pong","id":77,"clock":5}');
    channel.onMessage(change(2, 5));
    channel.onMessage('{"type":"pong","id":1}');
    channel.onMessage(change(3, 5));
    channel.onMessage('{"type":"pong","id":1,"clock":5}');
    channel.onMessage(change(4, 5));
    assert.deepEqual(heard, Array(4).fill({ type: 'change', entries: [entry('1', 'BUSY')] }));
  });

  test('is not known of a change that does not say, nor of one older than a minute', () => {
    const { channel, heard } = answered(1e6);
    channel.onMessage('{"seq":1,"type":"change","entries":[]}');
    channel.onMessage(change(2, 1e6 + performance.now() - MAX_CHANGE_AGE_MS - 10));
    channel.onMessage(change(3, 0));
    assert.deepEqual(
      heard.map((message) => 'at' in message),
      [false, false, false],
    );
  });

  test('is now at the latest, and nonsense ends the link', () => {
    const { channel, heard, events } = answered(0);
    channel.onMessage(change(1, '1e300'));
    const [message] = heard;
    assert.ok(message?.type === 'change' && message.at !== undefined);
    assert.ok(message.at <= performance.now());
    channel.onMessage(change(2, '1e400'));
    assert.equal(events.at(-1), 'closed bad-frame');
  });
});

describe('pings', () => {
  test('the round trip is measured, also when it is longer than the interval', async () => {
    const { channel, link } = up({ pingEveryMs: 20 });
    await until(() => channel.sent.length >= 3, 'pings');
    channel.onMessage('{"type":"ping","id":1}');
    const ids = channel.sent.map((frame) => (frame.type === 'ping' ? frame.id : undefined));
    assert.deepEqual([...new Set(ids)], [1, undefined], 'the unanswered ping is repeated with its id');
    channel.onMessage('{"type":"pong","id":77}');
    assert.equal(link.roundTripMs, undefined, 'a pong to no ping of ours says nothing');
    channel.onMessage('{"type":"pong","id":1}');
    assert.ok((link.roundTripMs ?? 0) >= 40);
  });

  test('silence ends the link; any frame is a sign of life', async () => {
    const { channel, link, events } = up({ pingEveryMs: 20 });
    const talker = talk(channel, 10);
    await settle(200);
    clearInterval(talker);
    assert.equal(link.isUp, true);
    const since = performance.now();
    await until(() => channel.ended !== undefined, 'ended');
    assert.ok(performance.now() - since >= SILENT_BEATS * 20 - 15);
    assert.equal(channel.ended?.how, 'terminate', 'a dead peer is not waited for');
    assert.equal(events.at(-1), 'closed silence');
  });

  test('a broker that was busy itself does not take its peer for dead', async () => {
    const { channel, link } = up({ pingEveryMs: 20 });
    const end = performance.now() + 150;
    while (performance.now() < end); // the event loop stands still
    await new Promise((resolve) => setImmediate(resolve));
    channel.onMessage('{"type":"sing"}');
    await settle(30);
    assert.equal(link.isUp, true);
  });

  test('a peer that asks and asks but does not read is not answered without bound', () => {
    const { channel } = up();
    channel.slow = true;
    for (let id = 1; id < 20_000; id++) channel.onMessage(`{"type":"ping","id":${id}}`);
    assert.ok(channel.buffered < HIGH_WATER_BYTES + 100);
  });

  test('a channel that takes nothing for long ends the link, although the peer talks', async () => {
    const { channel, link, events } = up({ pingEveryMs: 2 });
    channel.slow = true;
    link.snapshot(many(5_000));
    talk(channel, 1);
    await settle(15);
    assert.equal(link.isUp, true);
    await until(() => channel.ended !== undefined, 'ended', STALLED_BEATS * 100);
    assert.equal(events.at(-1), 'closed stalled');
  });
});
