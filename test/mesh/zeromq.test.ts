// The ZeroMQ transport: the contract, an open channel, and dialling.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import tls from 'node:tls';
import * as zeromq from 'zeromq';
import { HANDSHAKE_TIMEOUT_MS, MAX_FRAME_BYTES } from '../../src/mesh/contract.ts';
import { MAX_MESSAGE_BYTES, MAX_UNHEARD_BYTES } from '../../src/mesh/zeromq-socket.ts';
import { transportContract } from './contract.ts';
import { Relay } from './relay.ts';
import { aa, bb, closeAll, dialler, refusal, served } from './tcp-ends.ts';
import { TcpWorld } from './tcp-world.ts';
import { never, until } from './until.ts';
import { curveOf, dialled, rawPeer, there, zeromqListener } from './zeromq-ends.ts';

afterEach(closeAll);

transportContract('zeromq', async () => new TcpWorld({}, 'zeromq'));

describe('an open ZeroMQ connection', () => {
  for (const [what, parts, fault, says] of [
    [
      'a message that is too large',
      ['x'.repeat(MAX_FRAME_BYTES + 1)],
      'oversize',
      /larger than 262144 bytes/,
    ],
    ['a message that is not UTF-8', [Buffer.from([0xff, 0xfe, 0xfd])], 'not-text', /not UTF-8/],
    ['a message of two parts', ['clone', 'enough'], 'not-text', /several parts/],
    ['a farewell of three parts', ['close', 'enough', 'and more'], 'not-text', /several parts/],
    ['a message of many parts', Array<string>(1_000).fill(''), 'not-text', /several parts/],
  ] as const) {
    test(`${what} closes the channel, and the other side is told why`, async () => {
      const { port, seen } = await zeromqListener();
      const { socket } = await rawPeer(port);
      const told = socket.receive();
      for (const one of [['first'], parts, ['after']]) await socket.send([...one]);
      await until(() => seen.closed.length === 1, 'closed');
      assert.equal(seen.closed[0]?.[1], fault);
      assert.match(seen.closed[0]?.[0] ?? '', says);
      assert.deepEqual(seen.got, ['first']);
      const [word, why] = (await told).map(String);
      assert.equal(word, 'close');
      assert.match(why ?? '', says);
    });
  }

  test('a message far too large is not even taken in, and the log can say what may have been', async () => {
    const { port, seen } = await zeromqListener();
    const { socket, events } = await rawPeer(port);
    for (const one of ['first', Buffer.alloc(MAX_MESSAGE_BYTES + 1, 'x'), 'after']) await socket.send(one);
    await until(() => seen.closed.length === 1 && events.includes('disconnect'), 'closed');
    assert.match(seen.closed[0]?.[0] ?? '', /a message far too large, or tampered with/);
    assert.ok(!seen.got.includes('after'));
  });

  test('a message without an end is cut, before it fills the memory', async () => {
    const { port, seen } = await zeromqListener();
    const { socket, events } = await rawPeer(port);
    const part = Buffer.alloc(MAX_FRAME_BYTES);
    const before = process.memoryUsage().rss;
    void socket.send(Array<Buffer>(1_000).fill(part)).catch(() => {});
    await until(() => seen.closed.length === 1 && events.includes('disconnect'), 'cut');
    assert.deepEqual(seen.closed, [
      [`more than ${MAX_UNHEARD_BYTES} bytes without the end of a message`, 'oversize'],
    ]);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 8 * MAX_UNHEARD_BYTES, `${grown} bytes, of ${1_000 * MAX_FRAME_BYTES} that were sent`);
  });

  test('a farewell is passed on, cut and printable', async () => {
    const { port, seen } = await zeromqListener();
    const { socket } = await rawPeer(port);
    await socket.send(['close', `\x1b[31mgo away ${'x'.repeat(5_000)}`]);
    await until(() => seen.closed.length === 1, 'closed');
    const [[why = '', fault] = []] = seen.closed;
    assert.match(why, /^the other side closed: \?\[31mgo away x+/);
    assert.ok(why.length < 300);
    assert.equal(fault, undefined);
  });

  test('a close without a word is a connection lost', async () => {
    const { port, seen } = await zeromqListener();
    const { socket } = await rawPeer(port);
    socket.close();
    await until(() => seen.closed.length === 1, 'closed');
    assert.deepEqual(seen.closed, [['connection lost', undefined]]);
  });

  test('a byte that was changed on its way ends the connection, and nothing false is heard', async () => {
    const far = await zeromqListener();
    const relay = await Relay.to(far.port);
    const { near, seen } = await dialled(dialler(), far, relay.port);
    near.send('true');
    await until(() => far.seen.got.length === 1, 'heard');
    relay.change = (piece) => {
      piece[piece.length - 1] = (piece.at(-1) ?? 0) ^ 1;
      return piece;
    };
    near.send('false');
    await until(() => far.seen.closed.length === 1 && seen.closed.length === 1, 'closed');
    assert.match(far.seen.closed[0]?.[0] ?? '', /tampered with/);
    assert.deepEqual(far.seen.got, ['true']);
  });
});

describe('dialling with ZeroMQ', () => {
  test('a server that does not have the secret of the key we look for hears nothing that matters, and is refused', async () => {
    const server = new zeromq.Dealer({ curveServer: true, curveSecretKey: curveOf(aa).secretKey, linger: 0 });
    await server.bind('tcp://127.0.0.1:*');
    const heard: string[] = [];
    void (async () => {
      for await (const parts of server) heard.push(...parts.map(String));
    })();
    const port = Number(server.lastEndpoint?.split(':').at(-1));
    const refused = await refusal(dialler().dial(there(port), never()));
    assert.equal(refused.reason, 'wrong-key');
    assert.ok(refused.text.includes(curveOf(bb).publicKey), refused.text);
    assert.deepEqual(heard, []);
    server.close();
  });

  test('one that takes the connection and says nothing: given up in time, at whatever step', async () => {
    const mute = await served(net.createServer());
    const deaf = await Relay.to((await zeromqListener()).port);
    deaf.stop();
    const transport = dialler({ handshakeTimeoutMs: 100 });
    for (const port of [mute, deaf.port]) {
      const since = performance.now();
      const refused = await refusal(transport.dial(there(port), never()));
      assert.equal(refused.reason, 'handshake-timeout');
      assert.match(refused.text, /no answer within 100 ms/);
      assert.ok(performance.now() - since < HANDSHAKE_TIMEOUT_MS);
    }
  });

  test('something else that listens there is called by its name', async () => {
    const { certificate: cert, key } = bb;
    const web = await served(http.createServer((_, response) => response.end('hello')));
    const secure = await served(tls.createServer({ cert, key }));
    const hangsUp = await served(net.createServer((socket) => socket.destroy()));
    const chatty = await served(net.createServer((socket) => socket.write('220 mail.example.com ESMTP\r\n')));
    const plain = new zeromq.Router({ linger: 0 });
    await plain.bind('tcp://127.0.0.1:*');
    const other = Number(plain.lastEndpoint?.split(':').at(-1));
    for (const [port, says] of [
      [web, /no ZeroMQ|hung up on ZeroMQ/],
      [secure, /no ZeroMQ|hung up on ZeroMQ/],
      [hangsUp, /hung up on ZeroMQ: no peer there has transport: zeromq, or it is no broker/],
      [chatty, /no ZeroMQ|hung up on ZeroMQ/],
      [other, /no ZeroMQ with CURVE there|hung up on ZeroMQ/],
    ] as const) {
      const refused = await refusal(dialler({ handshakeTimeoutMs: 1_000 }).dial(there(port), never()));
      assert.deepEqual([refused.reason, refused.remote], ['bad-handshake', 'bb'], refused.text);
      assert.match(refused.text, says);
    }
    plain.close();
  });

  test('a peer that cannot be dialled is refused with the reason', async () => {
    const { curve: _, ...keyless } = aa;
    for (const [more, identity, says] of [
      [{ url: 'nonsense' }, aa, /tcp:\/\/HOST:PORT/],
      [{ url: 'https://127.0.0.1:1' }, aa, /tcp:\/\/HOST:PORT/],
      [{ url: 'tcp://127.0.0.1' }, aa, /tcp:\/\/HOST:PORT/],
      [{ curveKey: undefined }, aa, /no curve_key/],
      [{}, keyless, /keygen/],
      [{ url: 'tcp://127.0.0.1:1' }, aa, /ECONNREFUSED/],
      [{ url: 'wss://127.0.0.1:1' }, aa, /ECONNREFUSED/],
      [{ url: 'tcp://[::1]:1' }, aa, /ECONNREFUSED|EADDRNOTAVAIL/],
      [{ url: 'tcp://no-such-host.invalid:1' }, aa, /ENOTFOUND|EAI_AGAIN/],
    ] as const) {
      const peer = { ...there(1), ...more } as ReturnType<typeof there>;
      const refused = await refusal(dialler({ identity }).dial(peer, never()));
      assert.deepEqual([refused.reason, refused.remote], ['unreachable', 'bb']);
      assert.match(refused.text, says);
      assert.ok(refused.text.startsWith(`${peer.url}: `), 'it names the URL');
    }
  });

  test('a key that is none leaves no connection behind', async () => {
    const gone: net.Socket[] = [];
    const server = net.createServer((socket) => socket.resume().once('close', () => gone.push(socket)));
    const port = await served(server);
    const refused = await refusal(dialler().dial(there(port, { curveKey: '~'.repeat(40) }), never()));
    assert.equal(refused.reason, 'unreachable');
    await until(() => gone.length === 1, 'it hung up');
  });
});
