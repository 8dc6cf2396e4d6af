// What somebody does who has no key, but time, or many connections, or what a peer once said.
import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { CONNECT_BURST, CONNECTS_PER_SECOND } from '../../src/mesh/arrivals.ts';
import { PATH } from '../../src/mesh/websocket-server.ts';
import { replayIsWorthNothing } from './replay.ts';
import { bb, closeAll, dialler, listener, rest, served, toClose } from './tcp-ends.ts';
import { never, until } from './until.ts';
import { proof, tlsTo } from './websocket-ends.ts';

afterEach(closeAll);

/** What a client of TLS begins with. */
async function clientHello(): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const server = net.createServer((socket) =>
    socket.once('data', (data) => {
      bytes = data;
      socket.destroy();
    }),
  );
  await tlsTo(await served(server), proof).catch(() => {});
  assert.ok(bytes.length > 100);
  return bytes;
}

describe('somebody without a key', () => {
  test('no session is resumed: a ticket opens nothing, ours or one of a server with the same key', async () => {
    const { port, refusals, channels } = await listener();
    const { certificate: cert, key } = bb;
    const generous = await served(tls.createServer({ cert, key }, (socket) => socket.end('x')));
    const tickets: Buffer[] = [];
    for (const at of [port, generous]) {
      const before = tickets.length;
      const socket = await tlsTo(at, proof);
      socket.on('session', (ticket: Buffer) => tickets.push(ticket));
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await rest(socket);
      assert.ok(tickets.length > before, 'there is something to try');
    }
    for (const session of tickets) {
      assert.equal((await tlsTo(port, { ...proof, session })).isSessionReused(), false);
      // With the ticket of a peer, but without its certificate.
      const thief = await tlsTo(port, { session });
      assert.equal(thief.isSessionReused(), false);
      assert.equal(await rest(thief), '');
    }
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      tickets.map(() => 'no-certificate'),
    );
    assert.deepEqual(channels, []);
  });

  test('one that says everything right, a byte at a time, gets no more time than one that is silent', async () => {
    const { port, refusals, channels } = await listener({ handshakeTimeoutMs: 300 });
    const drip = (socket: net.Socket, bytes: Buffer): void => {
      let at = 0;
      const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 5);
      socket.once('close', () => clearInterval(timer));
    };
    const hello = net.connect(port, '127.0.0.1');
    toClose.push(() => hello.destroy());
    hello.on('error', () => {});
    drip(hello, await clientHello());
    const upgrade = await tlsTo(port, proof);
    const request = `GET ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    drip(upgrade, Buffer.from(`${request}Sec-WebSocket-Version: 13\r\n${'X: y\r\n'.repeat(100)}`));
    const since = performance.now();
    assert.deepEqual(await Promise.all([hello, upgrade].map(rest)), ['', '']);
    assert.ok(performance.now() - since < 2_000);
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      ['handshake-timeout', 'handshake-timeout'],
    );
    assert.deepEqual(channels, []);
  });

  test('what a peer said is worth nothing when somebody else says it again', async () => {
    const far = await listener();
    const to = { tag: 'bb', fingerprint: bb.fingerprint };
    // TLS, the upgrade and a message.
    await replayIsWorthNothing(
      far,
      (port) => dialler().dial({ ...to, url: `wss://127.0.0.1:${port}` }, never()),
      500,
    );
  });

  test('a flood from one address, with the bounds that brokers have: a peer elsewhere gets in at once', async () => {
    const far = await listener({ arrivals: { burst: CONNECT_BURST, perSecond: CONNECTS_PER_SECOND } });
    let flooding = true;
    const knock = (): void => {
      const socket = net.connect({ port: far.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
      toClose.push(() => socket.destroy());
      socket.on('error', () => {});
      if (flooding) socket.once('close', () => setImmediate(knock));
    };
    for (let n = 0; n < 100; n++) knock();
    await until(() => far.refusals.some(({ reason }) => reason === 'too-often'), 'more come than are taken');
    const to = { tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${far.port}` };
    for (let n = 0; n < 5; n++) await dialler().dial(to, never());
    await until(() => far.channels.length === 5, 'five times');
    flooding = false;
    assert.ok(far.refusals.every(({ remote }) => remote === '127.0.0.2'));
  });
});
