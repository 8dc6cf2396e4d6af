// One peer of the broker under test: the real mesh and transport, with the states of many extensions and no Asterisk.
// Owns what it tells, and what it was told.
import type { Entry } from '../../../src/core/message.ts';
import { Replica } from '../../../src/core/replica.ts';
import type { DeviceState } from '../../../src/core/state.ts';
import type { Channel, PeerAddress, Transport } from '../../../src/mesh/contract.ts';
import { loadIdentity } from '../../../src/mesh/identity.ts';
import { Mesh } from '../../../src/mesh/mesh.ts';
import { TcpTransport } from '../../../src/mesh/tcp.ts';
import { extensionOf } from './names.ts';
import { dialFrom } from './wire.ts';

const ALIVE_EVERY_MS = 1_000;
const VIEW = 'all';

export interface PeerOptions {
  readonly tag: string;
  readonly pem: string;
  /** Where it dials from. */
  readonly address: string;
  readonly hub: PeerAddress;
  readonly extensions: number;
}

/** What all peers of a process were told. */
export interface Heard {
  /** States that were other than before. */
  changes: number;
  /** Change frames, and their characters. */
  frames: number;
  characters: number;
}

export class BenchPeer {
  readonly replica = new Replica();
  readonly #mesh: Mesh;
  readonly #states: DeviceState[];
  #up = false;
  #alive: NodeJS.Timeout | undefined;

  constructor(options: PeerOptions, heard: Heard) {
    const { tag, pem, address, hub } = options;
    const identity = loadIdentity(pem);
    dialFrom(address, identity.certificate);
    this.#states = Array.from({ length: options.extensions }, () => 'NOT_INUSE');
    const transport = counted(new TcpTransport({ tag, identity }), heard);
    this.#mesh = new Mesh({ tag, epoch: `run-of-${tag}`, peers: [hub] }, transport, {
      admit: () => 'yes',
      linkUp: (_peer, link) => {
        this.#up = true;
        this.replica.begin();
        const entries = this.#states.map((_, n) => this.#entry(n));
        this.#mesh.snapshot(link, VIEW, entries);
      },
      heard: (_peer, _link, seq, message) => {
        const accepted = this.replica.accept(seq, message);
        if (accepted.result === 'broken') throw new Error(accepted.why);
        if (accepted.result === 'applied') heard.changes += accepted.changed.length;
        if (accepted.result === 'replaced') {
          for (const change of accepted.changes) if (change !== undefined) heard.changes += 1;
        }
      },
      linkDown: () => {
        this.#up = false;
      },
      note: () => {},
    });
  }

  /** Dials, and goes on doing so whenever its link is lost. */
  async start(): Promise<void> {
    await this.#mesh.start();
    // As brokers that were started at different times: not all in the same breath.
    this.#alive = setTimeout(() => {
      this.#alive = setInterval(() => this.#mesh.alive(), ALIVE_EVERY_MS);
    }, Math.random() * ALIVE_EVERY_MS);
  }

  /** It has a link, and was told everything over it. */
  get linked(): boolean {
    return this.#up && this.replica.synced;
  }

  /** Extension `n` changes; without a link only the next snapshot tells. */
  change(n: number, state: DeviceState = this.#states[n] === 'INUSE' ? 'NOT_INUSE' : 'INUSE'): void {
    this.#states[n] = state;
    this.#mesh.publish(VIEW, [this.#entry(n)]);
  }

  /** All of them, while there is no link. */
  changeAll(): void {
    const state = this.#states[0] === 'INUSE' ? 'NOT_INUSE' : 'INUSE';
    this.#states.fill(state);
  }

  #entry(n: number): Entry {
    return { kind: 'device', extension: extensionOf(n, this.#states.length), state: this.#states[n] ?? null };
  }
}

/** The same transport; each change frame that arrives is counted. */
function counted(transport: TcpTransport, heard: Heard): Transport {
  return {
    start: (handlers) => transport.start(handlers),
    setPeers: (peers) => transport.setPeers(peers),
    close: () => transport.close(),
    address: transport.address,
    dial: async (peer, signal) => tapped(await transport.dial(peer, signal), heard),
  };
}

function tapped(channel: Channel, heard: Heard): Channel {
  let onMessage = channel.onMessage;
  Object.defineProperty(channel, 'onMessage', {
    set: (next: (text: string) => void) => {
      onMessage = next;
    },
    get: () => (text: string) => {
      if (text.includes('"type":"change"')) {
        heard.frames += 1;
        heard.characters += text.length;
      }
      onMessage(text);
    },
  });
  return channel;
}
