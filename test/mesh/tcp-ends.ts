// A broker's end of a connection on the one TCP port, and what tests that stand at the other end have in common.
import assert from 'node:assert/strict';
import net from 'node:net';
import { type Channel, DialError, type PeerAddress, type Refusal } from '../../src/mesh/contract.ts';
import { type TcpOptions, TcpTransport } from '../../src/mesh/tcp.ts';
import { identityOf } from './tcp-world.ts';
import { until } from './until.ts';

export const bb = await identityOf('bb');
export const aa = await identityOf('aa');
export const stranger = await identityOf('stranger');

/** Everybody is 127.0.0.1 here, and comes as often as a test likes. */
export const OFTEN = { burst: 1e9, perSecond: 1e9 };

export const toClose: (() => unknown)[] = [];
/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of toClose.splice(0).reverse()) await close();
}

/** A started listener `bb` that knows `aa`. */
export async function listener(
  options: Partial<TcpOptions> = {},
  peers: PeerAddress[] = [{ tag: 'aa', fingerprint: aa.fingerprint }],
) {
  const transport = new TcpTransport({
    tag: 'bb',
    identity: bb,
    listen: { host: '127.0.0.1', port: 0 },
    arrivals: OFTEN,
    ...options,
  });
  toClose.push(() => transport.close());
  const channels: Channel[] = [];
  const refusals: Refusal[] = [];
  const seen = {
    got: [] as string[],
    /** The same, with the peer each came from. */
    from: [] as [string, string][],
    closed: [] as [string, string | undefined][],
  };
  transport.setPeers(peers);
  await transport.start({
    channel: (channel) => {
      channels.push(channel);
      channel.onMessage = (text) => {
        seen.got.push(text);
        seen.from.push([channel.peer, text]);
      };
      channel.onClose = (why, fault) => seen.closed.push([why, fault]);
    },
    refused: (refusal) => refusals.push(refusal),
  });
  const port = transport.address?.port ?? 0;
  return { transport, channels, refusals, seen, port };
}

export function dialler(options: Partial<TcpOptions> = {}): TcpTransport {
  const transport = new TcpTransport({ tag: 'aa', identity: aa, ...options });
  toClose.push(() => transport.close());
  return transport;
}

export async function refusal(attempt: Promise<unknown>): Promise<Refusal> {
  const error = await attempt.then(
    () => assert.fail('not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DialError, String(error));
  return error.refusal;
}

/** Plain TCP to a listener. */
export async function tcpTo(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  toClose.push(() => socket.destroy());
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
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
