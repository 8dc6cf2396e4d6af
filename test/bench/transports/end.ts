// One end of what is measured, in a process of its own: a real TcpTransport, and on it real links or a real mesh.
// Does what pair.ts asks for; owns the list of what can be asked.
import { readdirSync } from 'node:fs';
import type { Channel, PeerAddress, TransportHandlers } from '../../../src/mesh/contract.ts';
import { generateIdentity, loadIdentity } from '../../../src/mesh/identity.ts';
import { Mesh } from '../../../src/mesh/mesh.ts';
import { TcpTransport } from '../../../src/mesh/tcp.ts';
import { until } from '../../until.ts';
import { machineMs, type Protocol } from './figures.ts';
import { Line } from './line.ts';

const HOST = '127.0.0.1';

/** By this process, now. */
export interface Held {
  readonly rssBytes: number;
  /** 0 where the system does not tell. */
  readonly descriptors: number;
}

let ours: { readonly tag: string; readonly transport: TcpTransport } | undefined;
let peer: PeerAddress | undefined;
const lines: Line[] = [];
/** When the link of our mesh came up and went down, by `machineMs`. */
const ups: number[] = [];
const downs: number[] = [];

const commands = {
  /** First of all. What the other end's list of peers says of us, but for the url. */
  async make(tag: string, protocol: Protocol, listens: boolean): Promise<PeerAddress> {
    const identity = loadIdentity(await generateIdentity(tag));
    const listen = listens && { listen: { host: HOST, port: 0 } };
    // All links of a round come from one address.
    const limits = { maxPerAddress: 10_000, arrivals: { burst: 10_000, perSecond: 10_000 } };
    ours = { tag, transport: new TcpTransport({ tag, identity, ...limits, ...listen }) };
    const { fingerprint, curve } = identity;
    return { tag, transport: protocol, fingerprint, ...(curve && { curveKey: curve.publicKey }) };
  },

  /** From now on the other end may dial us, and every connection becomes a link. Where it can dial us. */
  async open(other: PeerAddress, pingEveryMs: number): Promise<string> {
    peer = other;
    transport().setPeers([other]);
    await transport().start(handlers((channel) => newLine(channel, pingEveryMs)));
    return url();
  },

  /** The same with a mesh, which makes the links itself. */
  async openMesh(other: PeerAddress): Promise<string> {
    const tag = ours?.tag ?? '';
    const peers = [{ ...other, view: 'all' }];
    const mesh: Mesh = new Mesh({ tag, epoch: `run-of-${tag}`, peers }, transport(), {
      admit: () => 'yes',
      linkUp: (_peer, link) => {
        ups.push(machineMs());
        mesh.snapshot(link, 'all', []);
      },
      heard: () => {},
      linkDown: () => downs.push(machineMs()),
      note: () => {},
    });
    await mesh.start();
    return url();
  },

  /** When a link of the mesh came up after `since`. */
  up: (since: number) => until('the link is up', () => ups.find((at) => at > since), 20_000),
  down: (since: number) => until('the link is down', () => downs.find((at) => at > since), 20_000),

  /** Dials and hangs up, one after another; how long each took to become a channel, ms. */
  async connect(count: number): Promise<number[]> {
    const took: number[] = [];
    while (took.length < count) {
      const start = performance.now();
      const channel = await dial();
      took.push(performance.now() - start);
      channel.terminate('measured');
    }
    return took;
  },

  /** So many more links, all up; what follows is of the last one. */
  async link(count: number, pingEveryMs: number): Promise<void> {
    for (let more = 0; more < count; more++) await newLine(await dial(), pingEveryMs).up;
  },

  trips: (count: number, pauseMs: number) => newest().trips(count, pauseMs),
  bulk: (states: number, ms: number, tripEveryMs?: number) => newest().bulk(states, ms, tripEveryMs),
  hidden: (states: number) => newest().hidden(states),
  hangUp: () => newest().hangUp(),

  /** From now on each frame that is heard takes this end so long. */
  slow(ms: number): void {
    newest().slowMs = ms;
  },

  /** Of this process so far, ms. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },

  /** With everything let go that nobody holds. */
  held(): Held {
    globalThis.gc?.();
    return { rssBytes: process.memoryUsage.rss(), descriptors: descriptors() };
  },
};

export type Commands = typeof commands;

export interface Asked {
  readonly id: number;
  readonly name: keyof Commands;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

process.on('message', (asked: Asked) => void answer(asked));

async function answer({ id, name, args }: Asked): Promise<void> {
  const command = commands[name] as (...args: readonly unknown[]) => unknown;
  try {
    process.send?.({ id, result: await command(...args) } satisfies Answer);
  } catch (error) {
    process.send?.({ id, error: (error as Error).message } satisfies Answer);
  }
}

function transport(): TcpTransport {
  if (ours === undefined) throw new Error('not made yet');
  return ours.transport;
}

function handlers(channel: (channel: Channel) => void): TransportHandlers {
  return {
    channel,
    refused: ({ text }) => {
      throw new Error(text);
    },
  };
}

function url(): string {
  const { address } = transport();
  return address === undefined ? '' : `wss://${HOST}:${address.port}`;
}

function dial(): Promise<Channel> {
  if (peer === undefined) throw new Error('nobody to dial yet');
  return transport().dial(peer, new AbortController().signal);
}

function newLine(channel: Channel, pingEveryMs: number): Line {
  const line = new Line({ id: lines.length + 1, channel, tag: ours?.tag ?? '', pingEveryMs });
  lines.push(line);
  return line;
}

function newest(): Line {
  const line = lines.at(-1);
  if (line === undefined) throw new Error('no link yet');
  return line;
}

function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
