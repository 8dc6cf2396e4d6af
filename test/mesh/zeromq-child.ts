// A broker's mesh or transport in a process of its own, told by its parent what to do: for what only a process can
// show, its end, its event loop, its descriptors.
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, PeerAddress } from '../../src/mesh/contract.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { TcpTransport } from '../../src/mesh/tcp.ts';
import { Broker } from './broker.ts';
import { never } from './until.ts';

export type Order =
  | { readonly do: 'start'; readonly tag: string; readonly peers: readonly PeerAddress[] }
  | { readonly do: 'mesh'; readonly tag: string; readonly peers: readonly PeerAddress[] }
  | { readonly do: 'dial'; readonly peer: PeerAddress }
  | { readonly do: 'send'; readonly bytes: number; readonly times: number }
  | { readonly do: 'block'; readonly ms: number }
  /** Closes all, and then does nothing more: no `process.exit`. */
  | { readonly do: 'close' };

/** What it says when an order is done. */
export interface Answer {
  readonly curveKey: string;
  readonly port: number | undefined;
}

/** Longest message that it sends. */
const PIECE = 100_000;

// The parent knows nothing of it but the public key.
const identity = loadIdentity(await generateIdentity('child'));
let transport: TcpTransport | undefined;
let broker: Broker | undefined;
const channels: Channel[] = [];

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'start':
    case 'mesh': {
      const listen = { host: '127.0.0.1', port: 0 };
      transport = new TcpTransport({ tag: order.tag, identity, listen });
      if (order.do === 'mesh') {
        broker = await new Broker(order.tag, transport, order.peers, {
          redialMinMs: 20,
          redialMaxMs: 100,
        }).start();
        return;
      }
      transport.setPeers(order.peers);
      return transport.start({ channel: (channel) => channels.push(channel), refused: () => {} });
    }
    case 'dial':
      // Nobody may be left to hear of a failure.
      await transport?.dial(order.peer, never()).then(
        (channel) => channels.push(channel),
        () => {},
      );
      return;
    case 'send':
      if (channels.length === 0) throw new Error('no channel');
      for (let left = order.bytes * order.times; left > 0; left -= PIECE) {
        for (const channel of channels) channel.send('x'.repeat(Math.min(left, PIECE)));
        await pause(0);
      }
      return;
    case 'block':
      // In the next turn: the parent shall hear that it was heard.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms));
      return;
    case 'close':
      await (broker ?? transport)?.close();
      process.disconnect();
  }
}

process.on('message', (order: Order) => {
  void obey(order).then(() => {
    const answer: Answer = { curveKey: identity.curve?.publicKey ?? '', port: transport?.address?.port };
    if (process.connected) process.send?.(answer);
  });
});
process.on('SIGTERM', () => void obey({ do: 'close' }));
