// What stands around a Mesh in these tests: a recorder in the place of the broker and its core.
import assert from 'node:assert/strict';
import type { Entry, Message } from '../../src/core/message.ts';
import type { DeviceState } from '../../src/core/state.ts';
import type { PeerAddress, Transport } from '../../src/mesh/contract.ts';
import { type LinkEnd, Mesh, type MeshNote, type MeshOptions } from '../../src/mesh/mesh.ts';
import { until } from './until.ts';

export interface Heard {
  readonly peer: string;
  readonly link: number;
  readonly seq: number;
  readonly message: Message;
}

export class Broker {
  readonly tag: string;
  readonly mesh: Mesh;
  readonly ups: { peer: string; link: number; epoch: string }[] = [];
  readonly downs: { peer: string; link: number; why: LinkEnd }[] = [];
  readonly heard: Heard[] = [];
  readonly notes: MeshNote[] = [];
  /** Links that are up now, by peer; a second one of a peer fails the test. */
  readonly up = new Map<string, number>();
  /** What a linkUp is answered with; undefined: no snapshot. */
  entries: readonly Entry[] | undefined = [];
  admit: (peer: string, epoch: string) => 'yes' | 'tag-in-use' = () => 'yes';
  onHeard: (heard: Heard) => void = () => {};
  /** Which view a peer is given. */
  viewOf: (peer: string) => string = () => 'all';
  /** Every broker made and not closed yet: a test that fails must not keep the process up. */
  static readonly #open = new Set<Broker>();
  readonly #nextSeq = new Map<number, number>();

  constructor(
    tag: string,
    transport: Transport,
    peers: readonly PeerAddress[],
    options: Partial<MeshOptions> = {},
  ) {
    this.tag = tag;
    this.mesh = new Mesh({ tag, epoch: `epoch-of-${tag}`, peers, ...options }, transport, {
      admit: (peer, epoch) => this.admit(peer, epoch),
      linkUp: (peer, link, epoch) => {
        assert.ok(!this.up.has(peer), `${tag}: two links to ${peer} are up`);
        this.up.set(peer, link);
        this.ups.push({ peer, link, epoch });
        if (this.entries) this.mesh.snapshot(link, this.viewOf(peer), this.entries);
      },
      heard: (peer, link, seq, message) => {
        assert.equal(this.up.get(peer), link, `${tag}: heard on a link that is not up`);
        const next = this.#nextSeq.get(link) ?? 1;
        assert.equal(seq, next, `${tag}: seq gap on the link of ${peer}`);
        this.#nextSeq.set(link, next + 1);
        const heard = { peer, link, seq, message };
        this.heard.push(heard);
        this.onHeard(heard);
      },
      linkDown: (peer, link, why) => {
        assert.equal(this.up.get(peer), link, `${tag}: a link goes down that was not up`);
        this.up.delete(peer);
        this.downs.push({ peer, link, why });
      },
      note: (note) => this.notes.push(note),
    });
  }

  /** For `afterEach`. */
  static async closeAll(): Promise<void> {
    await Promise.all([...Broker.#open].map((broker) => broker.close()));
  }

  async start(): Promise<this> {
    Broker.#open.add(this);
    await this.mesh.start();
    return this;
  }

  /** Other peers from now on. */
  expect(peers: readonly PeerAddress[]): void {
    this.mesh.setPeers(peers);
  }

  async close(): Promise<void> {
    await this.mesh.close();
    Broker.#open.delete(this);
  }

  link(peer: string): number {
    return this.up.get(peer) ?? assert.fail(`${this.tag} has no link to ${peer}`);
  }

  async linked(peer: string): Promise<number> {
    await until(() => this.up.has(peer), `${this.tag} has a link to ${peer}`);
    return this.link(peer);
  }

  status(peer: string) {
    return (
      this.mesh.status().peers.find((status) => status.peer === peer) ?? assert.fail(`${peer} is no peer`)
    );
  }

  /** `extension state` of every change heard from `peer`, in order. */
  changes(peer: string): string[] {
    return this.messages(peer, 'change').flatMap((message) => message.entries.map(words));
  }

  messages<T extends Message['type']>(peer: string, type: T): Extract<Message, { type: T }>[] {
    return this.heard
      .filter((heard) => heard.peer === peer && heard.message.type === type)
      .map((heard) => heard.message as Extract<Message, { type: T }>);
  }
}

export function entry(extension: string, state: DeviceState | null): Entry {
  return { kind: 'device', extension, state };
}

export function words({ extension, state }: Entry): string {
  return `${extension} ${state}`;
}
