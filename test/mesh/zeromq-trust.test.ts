// Who gets in over ZeroMQ, and who does not.
import assert from 'node:assert/strict';
import type net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import * as zeromq from 'zeromq';
import { replayIsWorthNothing } from './replay.ts';
import { aa, bb, closeAll, dialler, listener, refusal, stranger, tcpTo } from './tcp-ends.ts';
import { identityOf } from './tcp-world.ts';
import { never, settle, until } from './until.ts';
import {
  connect,
  curve,
  curveOf,
  dialled,
  entry,
  greeting,
  listeningPorts,
  there,
  zeromqListener,
} from './zeromq-ends.ts';

afterEach(closeAll);

const cc = await identityOf('cc');
const KEY_OF_NOBODY = curveOf(stranger).publicKey;

type Client = zeromq.Socket & { linger: number; reconnectInterval: number };

describe('who may come in over ZeroMQ', () => {
  for (const [what, make, reason, says] of [
    [
      'an unknown key',
      () => new zeromq.Dealer(curve(stranger)),
      'unknown-key',
      `unknown key ${KEY_OF_NOBODY} : add it to peers, as curve_key`,
    ],
    [
      'the key of a peer of WebSocket',
      () => new zeromq.Dealer(curve(cc)),
      'unknown-key',
      'it is that of peer cc, which has no transport: zeromq',
    ],
    [
      'one that looks for another key',
      () => new zeromq.Dealer(curve(aa, cc)),
      'bad-handshake',
      `another key than ours, which is ${curveOf(bb).publicKey} :`,
    ],
    ['a DEALER without CURVE', () => new zeromq.Dealer(), 'bad-handshake', 'without CURVE'],
    ['a ROUTER without CURVE', () => new zeromq.Router(), 'bad-handshake', 'without CURVE'],
    ['a REQ without CURVE', () => new zeromq.Request(), 'bad-handshake', 'without CURVE'],
    ['a SUB without CURVE', () => new zeromq.Subscriber(), 'bad-handshake', 'without CURVE'],
    [
      'a client of PLAIN',
      () => new zeromq.Dealer({ plainUsername: 'aa', plainPassword: 'aa' }),
      'bad-handshake',
      'without CURVE',
    ],
    ['a REQ with the right key', () => new zeromq.Request(curve(aa)), 'bad-handshake', 'no DEALER'],
    ['a PUB with the right key', () => new zeromq.Publisher(curve(aa)), 'bad-handshake', 'no DEALER'],
    ['a SUB with the right key', () => new zeromq.Subscriber(curve(aa)), 'bad-handshake', 'no DEALER'],
    ['a PUSH with the right key', () => new zeromq.Push(curve(aa)), 'bad-handshake', 'no DEALER'],
    ['a PAIR with the right key', () => new zeromq.Pair(curve(aa)), 'bad-handshake', 'no DEALER'],
  ] as [string, () => Client, string, string][]) {
    test(`${what} is refused, once, and nothing of it is heard`, async () => {
      const { port, refusals, channels, seen } = await zeromqListener({}, [
        entry('aa', aa),
        { tag: 'cc', fingerprint: cc.fingerprint, curveKey: curveOf(cc).publicKey },
      ]);
      const knock = async () => {
        const { socket, events } = connect(make(), port);
        if (socket instanceof zeromq.Dealer || socket instanceof zeromq.Push) {
          void socket.send('let me in').catch(() => {});
        }
        await until(() => events.includes('disconnect'), 'it is cut');
        await settle(30);
      };
      await knock();
      // One without CURVE may see from our greeting that nothing will come of it, and hang up before it said so.
      for (let again = 0; refusals.length === 0 && again < 20; again++) await knock();
      await settle(30);
      assert.deepEqual(
        refusals.map(({ reason, remote }) => [reason, remote]),
        [[reason, '127.0.0.1']],
      );
      assert.ok(refusals[0]?.text.includes(says), refusals[0]?.text);
      assert.deepEqual([channels, seen.got], [[], []]);
    });
  }

  for (const [what, bytes, says] of [
    ['garbage', Buffer.concat([Buffer.from([0xff]), Buffer.alloc(200, 'x')]), 'or none at all'],
    [
      'a greeting and garbage',
      Buffer.concat([greeting(), Buffer.alloc(200, 'x')]),
      'without CURVE, or none at all',
    ],
    ['an unknown mechanism', greeting({ mechanism: 'NONSUCH' }), 'without CURVE'],
    [
      'a HELLO that is none',
      Buffer.concat([greeting(), Buffer.from([4, 10, 5]), Buffer.from('HELLOxxxx')]),
      'without CURVE',
    ],
    ['ZMTP 2.0', Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0]), 'older than ZMTP 3'],
    ['ZMTP 1.0', Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x61, 0, 0]), 'older than ZMTP 3'],
  ] as const) {
    test(`${what}: refused and cut`, async () => {
      const { port, refusals, channels } = await zeromqListener();
      const socket = await tcpTo(port);
      socket.write(bytes);
      socket.resume();
      await until(() => socket.closed && refusals.length > 0, 'cut and told');
      await settle(30);
      assert.deepEqual(
        refusals.map(({ reason, remote }) => [reason, remote]),
        [['bad-handshake', '127.0.0.1']],
      );
      assert.ok(refusals[0]?.text.includes(says), refusals[0]?.text);
      assert.deepEqual(channels, []);
    });
  }

  test('whoever does not get through in time is cut, at whatever step it stops, and told of once each', async () => {
    const { port, refusals, channels } = await zeromqListener({ handshakeTimeoutMs: 200 });
    const sockets: net.Socket[] = [];
    for (const bytes of [
      Buffer.from([0xff]),
      greeting().subarray(0, 30),
      greeting(),
      greeting({ asServer: true }),
      greeting({ version: [4, 0] }),
    ]) {
      const socket = await tcpTo(port);
      socket.write(bytes);
      sockets.push(socket);
    }
    const loris = await tcpTo(port);
    let at = 0;
    const drip = setInterval(() => loris.write(greeting().subarray(at, ++at)), 20);
    sockets.push(loris);
    for (const socket of sockets) socket.resume();
    await until(() => sockets.every((socket) => socket.closed), 'all are cut');
    clearInterval(drip);
    assert.deepEqual(
      refusals.map(({ reason, text }) => [reason, text]),
      sockets.map(() => ['handshake-timeout', 'not a peer within 200 ms']),
    );
    assert.deepEqual(channels, []);
  });

  test('what a peer said is worth nothing when somebody else says it again', async () => {
    const far = await zeromqListener();
    // Greeting, HELLO, INITIATE and a message.
    await replayIsWorthNothing(far, async (port) => (await dialled(dialler(), far, port)).near, 300);
  });

  test('without a peer of ZeroMQ, or without a key of our own, nobody is let in, and it says so', async () => {
    const { curve: _, ...keyless } = bb;
    for (const [identity, peers, says] of [
      [
        bb,
        [{ tag: 'aa', fingerprint: aa.fingerprint, curveKey: curveOf(aa).publicKey }],
        'none of our peers has transport: zeromq',
      ],
      [keyless, [entry('aa', aa)], 'our identity has no CURVE key'],
    ] as const) {
      const { port, refusals } = await listener({ identity }, [...peers]);
      const refused = await refusal(dialler().dial(there(port), never()));
      assert.equal(refused.reason, 'bad-handshake');
      assert.match(refused.text, /^tcp:.*: hung up on ZeroMQ: no peer there has transport: zeromq/);
      assert.deepEqual(
        refusals.map(({ reason }) => reason),
        ['bad-handshake'],
      );
      assert.ok(refusals[0]?.text.includes(says), refusals[0]?.text);
    }
  });

  test('a secret key stands in no text', async () => {
    const { port, refusals, seen } = await zeromqListener({}, [entry('aa', aa)]);
    const texts: string[] = [];
    for (const identity of [stranger, cc, aa]) {
      for (const more of [
        {},
        { curveKey: KEY_OF_NOBODY },
        { url: 'nonsense' },
        { curveKey: 'x'.repeat(40) },
      ]) {
        const transport = dialler({ identity });
        const error = await transport.dial(there(port, more), never()).catch((reason: unknown) => reason);
        if (error instanceof Error) texts.push(String(error), String(error.stack), JSON.stringify(error));
        await transport.close();
      }
    }
    texts.push(JSON.stringify(refusals), JSON.stringify(seen.closed));
    assert.ok(refusals.length > 5, texts.join('\n'));
    for (const identity of [aa, bb, cc, stranger]) {
      for (const text of texts) assert.ok(!text.includes(curveOf(identity).secretKey), 'a secret key');
    }
  });
});

describe('an impostor: cc, which is a peer, would like to be aa', () => {
  const both = [entry('aa', aa), entry('cc', cc)];

  test('its routing id, and its second connection, change nothing: each channel is of its own key', async () => {
    const far = await zeromqListener({}, both);
    const { near } = await dialled(dialler(), far);
    for (let n = 0; n < 2; n++) {
      const { socket } = connect(new zeromq.Dealer({ ...curve(cc), routingId: 'aa' }), far.port);
      await socket.send(`from cc ${n}`);
    }
    await until(() => far.seen.got.length === 2, 'heard');
    near.send('from aa');
    far.channels[0]?.send('to aa');
    await until(() => far.seen.got.length === 3, 'aa is heard');
    assert.deepEqual(
      far.channels.map(({ peer }) => peer),
      ['aa', 'cc', 'cc'],
    );
    assert.deepEqual(far.seen.from.toSorted(), [
      ['aa', 'from aa'],
      ['cc', 'from cc 0'],
      ['cc', 'from cc 1'],
    ]);
    assert.deepEqual(far.seen.closed, []);
  });

  test('no door is left open beside: once it is in, nobody can reach its socket over loopback', async () => {
    const far = await zeromqListener({}, both);
    await dialled(dialler(), far);
    assert.deepEqual(listeningPorts(), [far.port]);
  });
});
