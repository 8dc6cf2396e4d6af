// Meshes on real sockets, on loopback: brokers of both protocols, and peers that are none.
import { WebSocket } from 'ws';
import * as zeromq from 'zeromq';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import type { MeshOptions } from '../../src/mesh/mesh.ts';
import { PATH } from '../../src/mesh/websocket-server.ts';
import { Broker } from './broker.ts';
import { toClose } from './tcp-ends.ts';
import { identityOf, type Protocol, type TcpWorld } from './tcp-world.ts';
import { until } from './until.ts';
import { curveOf } from './zeromq-ends.ts';

export const FAST = { redialMinMs: 20, redialMaxMs: 100, pingEveryMs: 200, helloTimeoutMs: 1_000 };

/** How `from` stands to `to`: whether it dials it, and with what. */
export type Way = (from: string, to: string) => { dial: boolean; protocol?: Protocol };

/** Brokers that listen all; who dials whom is decided after every port is known. */
export async function brokers(
  world: TcpWorld,
  tags: string[],
  way: Way,
  options: Partial<MeshOptions> = FAST,
): Promise<Broker[]> {
  const made: Broker[] = [];
  for (const tag of tags) {
    made.push(await new Broker(tag, await world.transport(tag, { listen: true }), [], options).start());
  }
  for (const broker of made) broker.expect(peersOf(world, tags, broker.tag, way));
  return made;
}

export function peersOf(world: TcpWorld, tags: string[], tag: string, way: Way) {
  return tags.filter((other) => other !== tag).map((other) => ({ ...world.peer(other, way(tag, other)) }));
}

/** A peer with the right key that follows no rule but its protocol's. */
export interface RawPeer {
  readonly got: string[];
  /** The link is closed; for WebSocket: with that code. */
  readonly closed: number | true | undefined;
  send(text: string): void;
  /** Reads no more. */
  deafen(): void;
  terminate(): void;
}

export async function rawPeer(protocol: Protocol, tag: string, to: PeerAddress): Promise<RawPeer> {
  const peer = await (protocol === 'zeromq' ? rawZeroMq : rawWebSocket)(tag, to);
  toClose.push(() => peer.terminate());
  return peer;
}

async function rawWebSocket(tag: string, to: PeerAddress): Promise<RawPeer> {
  const { certificate: cert, key } = await identityOf(tag);
  const socket = new WebSocket(`${to.url}${PATH}`, { cert, key, rejectUnauthorized: false });
  const got: string[] = [];
  let closed: number | undefined;
  socket.on('error', () => {});
  socket.on('message', (data) => got.push(data.toString()));
  socket.on('close', (code) => {
    closed = code;
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    got,
    get closed() {
      return closed;
    },
    send: (text) => socket.send(text),
    deafen: () => socket.pause(),
    terminate: () => socket.terminate(),
  };
}

async function rawZeroMq(tag: string, to: PeerAddress): Promise<RawPeer> {
  const { publicKey, secretKey } = curveOf(await identityOf(tag));
  const socket = new zeromq.Dealer({
    curvePublicKey: publicKey,
    curveSecretKey: secretKey,
    ...(to.curveKey !== undefined && { curveServerKey: to.curveKey }),
    linger: 0,
    reconnectInterval: -1,
    // So that it holds little itself when it does not read.
    receiveHighWaterMark: 1,
    receiveBufferSize: 4_096,
  });
  const got: string[] = [];
  let [open, closed, deaf] = [false, false, false];
  void (async () => {
    for await (const { type } of socket.events) {
      if (type === 'handshake') open = true;
      if (type === 'disconnect') closed = true;
    }
    closed = true;
  })();
  void (async () => {
    while (!deaf) {
      const parts = (await socket.receive()).map(String);
      got.push(parts.join(' '));
      // A farewell: whoever reads it hangs up.
      if (parts.length === 2) return socket.close();
    }
  })().catch(() => {});
  socket.connect(`tcp://${new URL(to.url ?? '').host}`);
  await until(() => open, 'its handshake is done');
  let sending = Promise.resolve();
  return {
    got,
    get closed() {
      return closed || undefined;
    },
    send: (text) => {
      sending = sending.then(() => socket.send(text)).catch(() => {});
    },
    deafen: () => {
      deaf = true;
    },
    terminate: () => socket.close(),
  };
}
