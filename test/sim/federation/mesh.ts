/**
 * The mesh of one broker: a link to each peer, dialled again and again, and of several the right one
 * (docs/protocol.md, §6 and §7). Written from that page. What a frame means is the core's affair.
 */
import type { Entry } from '../../../src/core/message.ts';
import type { Timer } from './agenda.ts';
import type { NetPlan, PeerPlan, TimingPlan } from './history.ts';
import { Link, type LinkEnd } from './link.ts';
import type { Connection, Frame, Side, View } from './wire.ts';

const CONNECT_TIMEOUT_MS = 5_000;

export interface MeshHandlers {
  readonly tag: string;
  readonly epoch: string;
  readonly net: NetPlan;
  now(): number;
  timer(ms: number, run: () => void): Timer;
  /** A connection to the PBX that is known under this tag. */
  connect(tag: string): Connection;
  admits(peer: string, epoch: string): boolean;
  linkUp(peer: string, link: number, epoch: string): void;
  heard(peer: string, link: number, frame: Frame): void;
  linkDown(peer: string, link: number, why: LinkEnd): void;
  count(what: string): void;
}

export class Mesh {
  readonly #handlers: MeshHandlers;
  readonly #peers = new Map<string, PeerLinks>();
  #timing: TimingPlan;
  #linkIds = 0;
  #leaving = false;

  constructor(handlers: MeshHandlers, timing: TimingPlan) {
    this.#handlers = handlers;
    this.#timing = timing;
  }

  /** Links of peers that went end now; new ones are dialled. */
  setPeers(peers: readonly PeerPlan[], timing: TimingPlan): void {
    this.#timing = timing;
    for (const [tag, peer] of [...this.#peers]) {
      if (peers.some((plan) => plan.tag === tag && plan.dial === peer.dials)) continue;
      this.#peers.delete(tag);
      peer.stop('peer-changed');
    }
    if (this.#leaving) return;
    for (const { tag, dial } of peers) {
      if (this.#peers.has(tag)) continue;
      const peer = new PeerLinks(tag, dial, this.#handlers, {
        timing: () => this.#timing,
        nextLink: () => ++this.#linkIds,
      });
      this.#peers.set(tag, peer);
      peer.dial();
    }
  }

  inbound(tag: string, connection: Connection): boolean {
    const peer = this.#peers.get(tag);
    if (peer === undefined || this.#leaving) return false;
    connection.flow('acceptor').send({ kind: 'open' });
    peer.take(connection, 'acceptor');
    return true;
  }

  /** The link that is up. */
  link(tag: string): Link | undefined {
    return this.#peers.get(tag)?.up;
  }

  /** One more link, although there is one. */
  dialAgain(tag: string): void {
    if (!this.#leaving) this.#peers.get(tag)?.attempt();
  }

  changes(entries: readonly Entry[], view: View): void {
    for (const peer of this.#peers.values()) peer.up?.outbox.changes(entries, view);
  }

  snapshot(link: number, entries: readonly Entry[], view: View): void {
    this.#byId(link)?.outbox.snapshot(entries, view);
  }

  alive(): void {
    for (const peer of this.#peers.values()) peer.up?.outbox.alive();
  }

  drop(link: number): void {
    this.#byId(link)?.close('dropped');
  }

  /** Says bye and lets go of every link. */
  leave(final: boolean): void {
    this.#leaving = true;
    for (const peer of this.#peers.values()) {
      peer.up?.outbox.bye(final);
      peer.stop('stopped');
    }
  }

  /** The process is gone; `told`: its kernel still says so. */
  die(told: boolean): void {
    this.#leaving = true;
    for (const peer of this.#peers.values()) peer.stop('stopped', told);
  }

  #byId(id: number): Link | undefined {
    for (const { up } of this.#peers.values()) if (up?.id === id) return up;
    return undefined;
  }
}

interface Shared {
  timing(): TimingPlan;
  nextLink(): number;
}

/** The links to one peer, of which at most one is up. */
class PeerLinks {
  readonly tag: string;
  readonly dials: boolean;
  up: Link | undefined;
  /** One that we dialled, and the newest that the peer dialled, before they are up. */
  #ours: Link | undefined;
  #theirs: Link | undefined;
  readonly #handlers: MeshHandlers;
  readonly #shared: Shared;
  #dialling: { readonly timer: Timer; readonly connection?: Connection } | undefined;
  #delayMs = 0;
  #attempts = 0;
  #stopped = false;

  constructor(tag: string, dials: boolean, handlers: MeshHandlers, shared: Shared) {
    this.tag = tag;
    this.dials = dials;
    this.#handlers = handlers;
    this.#shared = shared;
  }

  /** Dials after the delay that is due. */
  dial(): void {
    if (!this.dials || this.#dialling !== undefined || this.#stopped) return;
    const { redialMin, redialMax } = this.#shared.timing();
    this.#attempts += 1;
    // Jitter without chance: between half and all of the delay, never twice the same.
    const jitter = 0.5 + ((this.#attempts * 0.618) % 1) / 2;
    const delay = Math.min(redialMax, this.#delayMs) * jitter;
    this.#delayMs = Math.min(redialMax, Math.max(redialMin, this.#delayMs * 2));
    this.#dialling = { timer: this.#handlers.timer(delay, () => this.attempt()) };
  }

  attempt(): void {
    if (this.#dialling?.connection !== undefined || this.#stopped) return;
    this.#dialling?.timer.cancel();
    const connection = this.#handlers.connect(this.tag);
    const failed = (told: boolean): void => {
      connection.detach('dialler', told);
      if (this.#dialling?.connection !== connection) return;
      this.#dialling = undefined;
      this.dial();
    };
    const timer = this.#handlers.timer(CONNECT_TIMEOUT_MS, () => failed(true));
    this.#dialling = { timer, connection };
    connection.attach('dialler', {
      receive: ({ kind }) => {
        if (kind !== 'open') return failed(false);
        timer.cancel();
        if (this.#dialling?.connection !== connection) return connection.detach('dialler', true);
        this.#dialling = undefined;
        this.take(connection, 'dialler');
      },
      drained: () => {},
    });
    connection.flow('dialler').send({ kind: 'open' });
  }

  take(connection: Connection, side: Side): void {
    const { epoch, net } = this.#handlers;
    const { alive: pingEveryMs } = this.#shared.timing();
    const link = new Link(
      { id: this.#shared.nextLink(), peer: this.tag, connection, side, epoch, pingEveryMs, net },
      {
        timer: (ms, run) => this.#handlers.timer(ms, run),
        hello: (of, said) => this.#greeted(of, said),
        heard: ({ id }, frame) => this.#handlers.heard(this.tag, id, frame),
        closed: (of, why) => this.#closed(of, why),
        count: (what) => this.#handlers.count(what),
      },
    );
    if (side === 'dialler') this.#ours = link;
    else {
      this.#theirs?.close('replaced');
      this.#theirs = link;
    }
  }

  stop(why: LinkEnd, told = true): void {
    this.#stopped = true;
    this.#rest();
    for (const link of [this.#ours, this.#theirs, this.up]) link?.close(why, told);
  }

  #greeted(link: Link, epoch: string): void {
    if (!this.#handlers.admits(this.tag, epoch)) {
      this.#handlers.count('links refused, tag in use');
      return link.refuse();
    }
    if (this.#mustWait(link, epoch)) return this.#handlers.count('hellos that had to wait');
    if (this.#ours === link) this.#ours = undefined;
    if (this.#theirs === link) this.#theirs = undefined;
    this.up?.close('replaced');
    this.#ours?.close('duplicate');
    if (!this.#decides) this.#theirs?.close('duplicate');
    if (this.#stopped) return link.close('stopped');
    this.#rest();
    this.up = link;
    link.accept(this.#handlers.now());
    this.#handlers.linkUp(this.tag, link.id, epoch);
  }

  get #decides(): boolean {
    return this.#handlers.tag < this.tag;
  }

  /** Our own dialled link is granted; the peer's hello waits until that one is dead. */
  #mustWait(link: Link, epoch: string): boolean {
    if (!this.#decides || link.dialled) return false;
    return this.#ours !== undefined || (this.up?.dialled === true && this.up.epoch === epoch);
  }

  #closed(link: Link, why: LinkEnd): void {
    if (this.#ours === link) this.#ours = undefined;
    if (this.#theirs === link) this.#theirs = undefined;
    this.#handlers.count(`links ended: ${why}`);
    if (this.up === link) {
      this.up = undefined;
      const { redialMin, redialMax } = this.#shared.timing();
      if (this.#handlers.now() - (link.upAt ?? 0) >= redialMax) this.#delayMs = redialMin;
      this.#handlers.linkDown(this.tag, link.id, why);
    }
    if (this.#stopped || this.up !== undefined) return;
    const waiting = this.#theirs;
    if (waiting?.epoch !== undefined) this.#greeted(waiting, waiting.epoch);
    if (this.up === undefined && this.#ours === undefined) this.dial();
  }

  #rest(): void {
    this.#dialling?.timer.cancel();
    this.#dialling?.connection?.detach('dialler', true);
    this.#dialling = undefined;
  }
}
