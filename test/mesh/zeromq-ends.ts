// The other end of a ZeroMQ connection, as a test wants it to be: a socket of the library itself, or bare bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import * as zeromq from 'zeromq';
import type { Channel, PeerAddress } from '../../src/mesh/contract.ts';
import type { Identity } from '../../src/mesh/identity.ts';
import type { TcpOptions, TcpTransport } from '../../src/mesh/tcp.ts';
import { aa, bb, dialler, listener, served, tcpTo, toClose } from './tcp-ends.ts';
import { never, until } from './until.ts';

export function curveOf({ curve }: Identity) {
  return curve ?? assert.fail('an identity without CURVE');
}

/** How a peer of ZeroMQ stands in the list of another. */
export function entry(tag: string, identity: Identity, more: Partial<PeerAddress> = {}): PeerAddress {
  return { tag, transport: 'zeromq', curveKey: curveOf(identity).publicKey, ...more };
}

/** `bb` as `aa` dials it. */
export function there(port: number, more: Partial<PeerAddress> = {}): PeerAddress {
  return entry('bb', bb, { url: `tcp://127.0.0.1:${port}`, ...more });
}

/** A started `bb` that takes `aa` over ZeroMQ. */
export function zeromqListener(options: Partial<TcpOptions> = {}, peers = [entry('aa', aa)]) {
  return listener(options, peers);
}

/** A channel from `aa` to a fresh `bb`, and both its ends. */
export async function connected(options: Partial<TcpOptions> = {}, dialOptions: Partial<TcpOptions> = {}) {
  const far = await zeromqListener(options);
  const transport = dialler(dialOptions);
  return { far, transport, ...(await dialled(transport, far)) };
}

export async function dialled(
  transport: TcpTransport,
  far: Awaited<ReturnType<typeof listener>>,
  port = far.port,
) {
  const before = far.channels.length;
  const near: Channel = await transport.dial(there(port), never());
  const seen = { got: [] as string[], closed: [] as [string, string | undefined][], drained: 0 };
  near.onMessage = (text) => seen.got.push(text);
  near.onClose = (why, fault) => seen.closed.push([why, fault]);
  near.onDrain = () => {
    seen.drained += 1;
  };
  await until(() => far.channels.length > before, 'accepted');
  return { near, seen, accepted: far.channels[before] ?? assert.fail() };
}

/** What makes a socket of the library a client of CURVE: as `identity`, looking for `server`. */
export function curve(identity: Identity, server: Identity = bb) {
  const { publicKey, secretKey } = curveOf(identity);
  return {
    curvePublicKey: publicKey,
    curveSecretKey: secretKey,
    curveServerKey: curveOf(server).publicKey,
  };
}

/** Connects a socket of the library and records what happens to it. */
export function connect<S extends zeromq.Socket & { linger: number; reconnectInterval: number }>(
  socket: S,
  port: number,
): { socket: S; events: string[] } {
  socket.linger = 0;
  socket.reconnectInterval = -1;
  const events: string[] = [];
  void (async () => {
    for await (const { type } of socket.events) events.push(type);
  })();
  socket.connect(`tcp://127.0.0.1:${port}`);
  toClose.push(() => socket.close());
  return { socket, events };
}

/** A DEALER that `bb` takes for `aa`, under no rule of ours. */
export async function rawPeer(port: number, options: zeromq.SocketOptions<zeromq.Dealer> = {}) {
  const raw = connect(new zeromq.Dealer({ ...curve(aa), ...options }), port);
  await until(() => raw.events.includes('handshake'), 'its handshake is done');
  return raw;
}

/** Two ends of one TCP connection. */
export async function tcpPair(): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer();
  const arrived = once(server, 'connection');
  const near = await tcpTo(await served(server));
  const [far] = (await arrived) as [net.Socket];
  return { near, far };
}

/** The 64 bytes that ZMTP begins with (rfc.zeromq.org/spec/37). */
export function greeting({ version = [3, 1], mechanism = 'CURVE', asServer = false } = {}): Buffer {
  return Buffer.concat([
    Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, ...version]),
    Buffer.from(mechanism.padEnd(20, '\0')),
    Buffer.from([asServer ? 1 : 0]),
    Buffer.alloc(31),
  ]);
}

/** Open descriptors of this process. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** TCP ports (IPv4) on which this process listens. */
export function listeningPorts(): number[] {
  const ours = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const [, ...rows] = readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((cells) => cells[3] === '0A' && ours.has(cells[9] ?? ''))
    .map((cells) => Number.parseInt(cells[1]?.split(':')[1] ?? '', 16));
}
