// One end of a WebSocket connection as Hintmesh makes it, and the other as a test wants it to be.
import assert from 'node:assert/strict';
import type net from 'node:net';
import tls from 'node:tls';
import { WebSocket } from 'ws';
import { type Channel, DialError, type PeerAddress, type Refusal } from '../../src/mesh/contract.ts';
import { type WebSocketOptions, WebSocketTransport } from '../../src/mesh/websocket.ts';
import { PATH } from '../../src/mesh/websocket-listener.ts';
import { until } from './until.ts';
import { identityOf } from './websocket-world.ts';

export const bb = await identityOf('bb');
export const aa = await identityOf('aa');
export const stranger = await identityOf('stranger');

export const toClose: (() => unknown)[] = [];
/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of toClose.splice(0).reverse()) await close();
}

/** A started listener `bb` that knows `aa`. */
export async function listener(
  options: Partial<WebSocketOptions> = {},
  peers: PeerAddress[] = [{ tag: 'aa', fingerprint: aa.fingerprint }],
) {
  const transport = new WebSocketTransport({
    tag: 'bb',
    identity: bb,
    listen: { host: '127.0.0.1', port: 0 },
    ...options,
  });
  toClose.push(() => transport.close());
  const channels: Channel[] = [];
  const refusals: Refusal[] = [];
  const seen = { got: [] as string[], closed: [] as [string, string | undefined][] };
  transport.setPeers(peers);
  await transport.start({
    channel: (channel) => {
      channels.push(channel);
      channel.onMessage = (text) => seen.got.push(text);
      channel.onClose = (why, fault) => seen.closed.push([why, fault]);
    },
    refused: (refusal) => refusals.push(refusal),
  });
  const port = transport.address?.port ?? 0;
  return { transport, channels, refusals, seen, port };
}

/** TLS to a listener with what a test wants to be wrong. */
export async function tlsTo(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  toClose.push(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** All that a socket says until it ends. */
export async function rest(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  await until(() => socket.destroyed || socket.readableEnded, 'the socket ends');
  return text;
}

export const proof = { cert: aa.certificate, key: aa.key };
export const strange = { cert: stranger.certificate, key: stranger.key };

/** A plain ws client with the key of `aa`. */
export async function client(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${PATH}`, { ...proof, rejectUnauthorized: false });
  toClose.push(() => socket.terminate());
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

export async function refusal(attempt: Promise<unknown>): Promise<Refusal> {
  const error = await attempt.then(
    () => assert.fail('not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DialError, String(error));
  return error.refusal;
}

export function dialler(options: Partial<WebSocketOptions> = {}): WebSocketTransport {
  const transport = new WebSocketTransport({ tag: 'aa', identity: aa, ...options });
  toClose.push(() => transport.close());
  return transport;
}

/** A TCP or TLS server of a test's own; resolves to its port. */
export async function served(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  toClose.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}
