// The WebSocket transport: the contract, an open channel, dialling, and plaintext.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import tls from 'node:tls';
import {
  CLOSE_TIMEOUT_MS,
  HIGH_WATER_BYTES,
  MAX_FRAME_BYTES,
  type PeerAddress,
} from '../../src/mesh/contract.ts';
import { TcpTransport } from '../../src/mesh/tcp.ts';
import { transportContract } from './contract.ts';
import { aa, bb, closeAll, dialler, listener, refusal, served, stranger, toClose } from './tcp-ends.ts';
import { TcpWorld } from './tcp-world.ts';
import { never, settle, until } from './until.ts';
import { client } from './websocket-ends.ts';

afterEach(closeAll);

transportContract('websocket', async () => new TcpWorld());

describe('an open WebSocket', () => {
  test('nothing is compressed, although the other side offers it', async () => {
    const { port } = await listener();
    assert.equal((await client(port)).extensions, '');
  });

  for (const [what, data, fault, code] of [
    ['a message that is too large', 'x'.repeat(MAX_FRAME_BYTES + 1), 'oversize', 1009],
    ['a binary message', Buffer.from('{}'), 'not-text', 1003],
  ] as const) {
    test(`${what} closes the channel, with that reason at both ends`, async () => {
      const { port, seen } = await listener();
      const socket = await client(port);
      let closed: number | undefined;
      socket.on('close', (reason) => {
        closed = reason;
      });
      socket.send('first');
      socket.send(data);
      socket.send('after');
      await until(() => seen.closed.length === 1 && closed !== undefined, 'closed');
      assert.equal(seen.closed[0]?.[1], fault);
      assert.equal(closed, code);
      assert.deepEqual(seen.got, ['first']);
    });
  }

  test('text that is not UTF-8 closes the channel', async () => {
    const { port, seen } = await listener();
    const socket = await client(port);
    socket.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false });
    await until(() => seen.closed.length === 1, 'closed');
    assert.equal(seen.closed[0]?.[1], 'not-text');
  });

  test('a peer that does not read: buffered stays, close gives up after its time, terminate at once', async () => {
    for (const how of ['close', 'terminate'] as const) {
      const { port, channels, seen } = await listener();
      const socket = await client(port);
      await until(() => channels.length === 1, 'accepted');
      const [channel] = channels;
      assert.ok(channel);
      socket.pause();
      while (channel.buffered < HIGH_WATER_BYTES * 4) {
        channel.send('x'.repeat(100_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const before = channel.buffered;
      await settle(50);
      assert.ok(channel.buffered > HIGH_WATER_BYTES && channel.buffered <= before);
      const since = performance.now();
      channel[how]('enough');
      await until(() => seen.closed.length === 1, 'closed');
      const took = performance.now() - since;
      assert.deepEqual(seen.closed, [['enough', undefined]]);
      if (how === 'terminate') assert.ok(took < CLOSE_TIMEOUT_MS / 2);
      else assert.ok(took >= CLOSE_TIMEOUT_MS - 20 && took < CLOSE_TIMEOUT_MS * 3, `took ${took} ms`);
    }
  });

  test('a close in the middle of a frame, or without a word, is a connection lost', async () => {
    const { port, seen } = await listener();
    const socket = await client(port);
    socket.terminate();
    await until(() => seen.closed.length === 1, 'closed');
    assert.deepEqual(seen.closed, [['connection lost', undefined]]);
  });
});

describe('dialling', () => {
  const pinned = (url: string): PeerAddress => ({ tag: 'bb', fingerprint: bb.fingerprint, url });

  test('a server with another key hears not one byte from us', async () => {
    let heard = 0;
    const { certificate: cert, key } = stranger;
    const server = tls.createServer({ cert, key, requestCert: true, rejectUnauthorized: false });
    server.on('secureConnection', (socket) =>
      socket.on('data', (data: Buffer) => (heard += data.length)).on('error', () => {}),
    );
    const port = await served(server);
    const refused = await refusal(dialler().dial(pinned(`wss://127.0.0.1:${port}`), never()));
    assert.equal(refused.reason, 'wrong-key');
    assert.ok(refused.text.includes(stranger.fingerprint) && refused.text.includes(bb.fingerprint));
    await settle(50);
    assert.equal(heard, 0);
  });

  test('one that takes the connection and says nothing: given up in time, at whatever step', async () => {
    const mute = await served(net.createServer());
    const { certificate: cert, key } = bb;
    const muteTls = await served(
      tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => socket.on('error', () => {})),
    );
    const transport = dialler({ handshakeTimeoutMs: 100 });
    for (const [port, reason] of [
      [mute, 'unreachable'],
      [muteTls, 'handshake-timeout'],
    ] as const) {
      const since = performance.now();
      assert.equal(
        (await refusal(transport.dial(pinned(`wss://127.0.0.1:${port}`), never()))).reason,
        reason,
      );
      assert.ok(performance.now() - since < 1_000);
    }
  });

  test('something else that listens there is called by its name', async () => {
    const { certificate: cert, key } = bb;
    const plain = await served(http.createServer((_, response) => response.end('hello')));
    const web = await served(
      https.createServer({ cert, key }, (_, response) => response.writeHead(500).end('x'.repeat(100_000))),
    );
    const hangsUp = await served(tls.createServer({ cert, key }, (socket) => socket.destroy()));
    for (const [port, reason, says] of [
      [plain, 'bad-handshake', /no TLS 1\.3 there/],
      [web, 'bad-handshake', /answers HTTP 500/],
      [hangsUp, 'refused-by-peer', new RegExp(aa.fingerprint)],
    ] as const) {
      const refused = await refusal(dialler().dial(pinned(`wss://127.0.0.1:${port}`), never()));
      assert.equal(refused.reason, reason, refused.text);
      assert.match(refused.text, says);
    }
  });

  test('a refusal of the peer is passed on, cut and printable', async () => {
    const { certificate: cert, key } = bb;
    const rude = https.createServer({ cert, key });
    rude.on('upgrade', (_, socket) => {
      const text = `\x1b[31mgo away ${'x'.repeat(5_000)}`;
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    });
    const refused = await refusal(dialler().dial(pinned(`wss://127.0.0.1:${await served(rude)}`), never()));
    assert.equal(refused.reason, 'refused-by-peer');
    assert.match(refused.text, /refuses us: \?\[31mgo away x+/);
    assert.ok(refused.text.length < 500);
  });

  test('a URL that cannot be dialled is refused with the reason', async () => {
    for (const [url, says] of [
      ['nonsense', /not a URL/],
      ['https://127.0.0.1', /starts with wss/],
      ['ws://127.0.0.1:1', /insecure/],
      ['wss://127.0.0.1:1', /ECONNREFUSED/],
      ['wss://no-such-host.invalid:1', /ENOTFOUND|EAI_AGAIN/],
    ] as const) {
      const refused = await refusal(dialler().dial(pinned(url), never()));
      assert.equal(refused.reason, 'unreachable');
      assert.match(refused.text, says);
      assert.ok(refused.text.includes(url), 'it names the URL');
    }
  });
});

describe('insecure: true', () => {
  test('plaintext on loopback: the peer is whoever it says it is, if that is a peer', async () => {
    const { port, channels, refusals } = await listener({ insecure: true });
    const transport = new TcpTransport({ tag: 'aa', insecure: true });
    toClose.push(() => transport.close());
    const channel = await transport.dial({ tag: 'bb', url: `ws://127.0.0.1:${port}` }, never());
    await until(() => channels.length === 1, 'accepted');
    assert.deepEqual([channel.peer, channels[0]?.peer], ['bb', 'aa']);
    const other = new TcpTransport({ tag: 'cc', insecure: true });
    const refused = await refusal(other.dial({ tag: 'bb', url: `ws://127.0.0.1:${port}` }, never()));
    assert.deepEqual([refused.reason, refusals[0]?.reason], ['refused-by-peer', 'unknown-key']);
    await other.close();
  });

  test('it neither listens nor dials beyond loopback', async () => {
    const open = new TcpTransport({ tag: 'bb', insecure: true, listen: { host: '0.0.0.0', port: 0 } });
    await assert.rejects(open.start({ channel: () => {}, refused: () => {} }), /plaintext/);
    await open.close();
    const transport = dialler({ insecure: true });
    for (const url of ['ws://192.0.2.1:1', 'ws://example.com:1', 'ws://127.0.0.1.example.com:1']) {
      const refused = await refusal(transport.dial({ tag: 'bb', url }, never()));
      assert.match(refused.text, /loopback/, url);
    }
  });

  test('listening with neither an identity nor insecure is refused', async () => {
    const bare = new TcpTransport({ tag: 'bb', listen: { host: '127.0.0.1', port: 0 } });
    await assert.rejects(bare.start({ channel: () => {}, refused: () => {} }), /identity/);
    const { port } = await listener();
    const taken = new TcpTransport({ tag: 'cc', identity: bb, listen: { host: '127.0.0.1', port } });
    await assert.rejects(
      taken.start({ channel: () => {}, refused: () => {} }),
      /cannot listen on 127\.0\.0\.1:\d+/,
    );
    await taken.close();
  });
});
