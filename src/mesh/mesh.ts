/**
 * The mesh: every peer's link behind one door. Owns the batches of each view, the link numbers, the counters, and
 * who is told what. What one link does is link.ts; which link of a peer counts is peer.ts; bytes are a transport.
 */
import type { Entry } from '../core/message.ts';
import { Batches } from './batches.ts';
import type { Channel, PeerAddress, Refusal, Transport } from './contract.ts';
import { encodeRefuse, isEpoch, type RefuseCode } from './frames.ts';
import type { Link } from './link.ts';
import { Peer, type PeerHandlers, type PeerOptions } from './peer.ts';
import { Refusals } from './refusals.ts';
import { sameCurveKeys, sameFingerprints } from './trust.ts';
import type { MeshHandlers, MeshStatus } from './types.ts';

export type * from './types.ts';

export const REDIAL_MIN_MS = 200;
export const REDIAL_MAX_MS = 2_000;
export const PING_EVERY_MS = 1_000;
/** A channel must become a link within this. */
export const HELLO_TIMEOUT_MS = 5_000;

/** After a link that was up this long, what goes wrong with its peer is told again as news. */
export const STEADY_MS = 60_000;

export interface MeshOptions {
  readonly tag: string;
  /** This run of this broker: [A-Za-z0-9_-]{1,64}, new at every start. */
  readonly epoch: string;
  readonly peers: readonly PeerAddress[];
  readonly redialMinMs?: number;
  readonly redialMaxMs?: number;
  /** A link that hears nothing for three of these is dropped. */
  readonly pingEveryMs?: number;
  readonly helloTimeoutMs?: number;
  /** For the jitter of redials: 0 ≤ x < 1. */
  readonly random?: () => number;
  /** What the peers are told as our clock: milliseconds, monotonic, at least 0. Absent: one with a random zero. */
  readonly clock?: () => number;
}

export class Mesh {
  readonly #options: MeshOptions;
  readonly #transport: Transport;
  readonly #handlers: MeshHandlers;
  /** Of peers; and of whoever else knocks, apart, so that they cannot crowd out news of peers. */
  readonly #refusals: Refusals;
  readonly #strangers: Refusals;
  #peers: ReadonlyMap<string, Peer>;
  /** Links that are up. */
  readonly #links = new Map<number, { readonly peer: Peer; readonly link: Link }>();
  readonly #clock: () => number;
  /** One for all peers. */
  readonly #redial: { minMs: number; maxMs: number; readonly random: () => number };
  readonly #batches: Batches;
  #lastLink = 0;
  #state: 'new' | 'running' | 'resting' | 'leaving' = 'new';
  #closed: Promise<void> | undefined;
  #statesCoalesced = 0;
  #skippedFrames = 0;
  #skippedKinds = 0;

  /** Throws when the epoch is none, a tag stands twice, or our own tag is among the peers. */
  constructor(options: MeshOptions, transport: Transport, handlers: MeshHandlers) {
    if (!isEpoch(options.epoch)) throw new Error(`"${options.epoch}" is not an epoch`);
    checkPeers(options.tag, options.peers);
    this.#options = options;
    this.#transport = transport;
    this.#handlers = handlers;
    this.#clock = options.clock ?? clockWithRandomZero();
    this.#redial = {
      minMs: options.redialMinMs ?? REDIAL_MIN_MS,
      maxMs: options.redialMaxMs ?? REDIAL_MAX_MS,
      random: options.random ?? Math.random,
    };
    this.#batches = new Batches(this.#clock, (view, batch) => {
      for (const { link } of this.#links.values()) if (link.view === view) link.batch(batch);
    });
    this.#refusals = new Refusals((note) => handlers.note(note));
    this.#strangers = new Refusals((note) => handlers.note(note));
    this.#peers = new Map(options.peers.map((peer) => [peer.tag, this.#newPeer(peer)]));
  }

  /** Listens and dials; `resting`: only listens until `resume`. Rejects when the transport cannot listen. */
  async start(resting = false): Promise<void> {
    this.#transport.setPeers([...this.#peers.values()].map((peer) => peer.config));
    await this.#transport.start({
      channel: (channel) => this.#inbound(channel),
      refused: (refusal) => this.#refused(refusal),
    });
    if (this.#state !== 'new') return;
    this.#state = 'resting';
    if (!resting) this.resume();
  }

  /** Dials, and takes links. */
  resume(): void {
    if (this.#state !== 'resting') return;
    this.#state = 'running';
    for (const peer of this.#peers.values()) peer.start();
  }

  /** Says bye and ends every link; none is made until `resume`. */
  rest(why: string): void {
    if (this.#state !== 'running') return;
    this.#state = 'resting';
    this.#batches.flush();
    for (const { link } of this.#links.values()) link.bye(false);
    for (const peer of this.#peers.values()) void peer.stop('stopped', why);
  }

  /** To every link that was given a snapshot of this view; soon (batches.ts), in order. */
  publish(view: string, entries: readonly Entry[]): void {
    this.#batches.add(view, entries);
  }

  /**
   * The whole view to one link, which from now on hears what is published there, and nothing else. Nothing happens
   * when the link is down already.
   */
  snapshot(link: number, view: string, entries: readonly Entry[]): void {
    const at = this.#links.get(link);
    if (at === undefined) return;
    this.#batches.flushView(view);
    at.link.view = view;
    at.link.snapshot(entries);
  }

  /** To every link that was given a snapshot: this origin is alive. */
  alive(): void {
    this.#batches.flush();
    for (const { link } of this.#links.values()) if (link.view !== undefined) link.alive();
  }

  /** A peer without a link is dialled now, not when its time has come. */
  hurry(peer: string): void {
    this.#peers.get(peer)?.hurry();
  }

  /** Ends a link; its linkDown is called before this returns, and it is dialled again. */
  drop(link: number, why: string): void {
    this.#links.get(link)?.link.close('dropped', why);
  }

  /** Says bye on every link; from now on no link is made. `close` comes next. */
  bye(final: boolean): void {
    this.#leave();
    this.#batches.flush();
    for (const { link } of this.#links.values()) link.bye(final);
  }

  /**
   * Replaces the peers: links of those that went or changed end now. Throws like the constructor. `redial`: other
   * delays, from the next wait on; links and attempts under way go on.
   */
  setPeers(peers: readonly PeerAddress[], redial: { minMs: number; maxMs: number } = this.#redial): void {
    checkPeers(this.#options.tag, peers);
    this.#redial.minMs = redial.minMs;
    this.#redial.maxMs = redial.maxMs;
    const before = this.#peers;
    const after = new Map<string, Peer>();
    for (const peer of peers) {
      const known = before.get(peer.tag);
      after.set(peer.tag, known && same(known.config, peer) ? known : this.#newPeer(peer));
    }
    this.#peers = after;
    for (const [tag, peer] of before) {
      if (after.get(tag) !== peer) void peer.stop('peer-changed', 'the configuration of this peer changed');
    }
    this.#transport.setPeers(peers);
    if (this.#state !== 'running') return;
    for (const [tag, peer] of after) if (before.get(tag) !== peer) peer.start();
  }

  status(): MeshStatus {
    return {
      peers: [...this.#peers.values()].map((peer) => peer.status),
      counters: {
        framesEncoded: this.#batches.framesEncoded,
        statesCoalesced: this.#statesCoalesced,
        skippedFrames: this.#skippedFrames,
        skippedKinds: this.#skippedKinds,
        refusals: sum(this.#refusals.counts, this.#strangers.counts),
      },
    };
  }

  /** Ends every link after what was said has gone out (at most CLOSE_TIMEOUT_MS), then the transport. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#leave();
    this.#batches.flush();
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop('stopped', 'this broker stops')));
    await this.#transport.close();
  }

  #leave(): void {
    this.#state = 'leaving';
    for (const peer of this.#peers.values()) peer.rest('stopped', 'this broker stops');
  }

  #inbound(channel: Channel): void {
    const peer = this.#peers.get(channel.peer);
    if (this.#state === 'resting')
      refuse(channel, 'standby', 'this broker takes no links now; it stands by, or just started');
    else if (peer === undefined || this.#state !== 'running') channel.terminate('not wanted');
    else peer.take(channel);
  }

  #refused({ reason, remote, text }: Refusal): void {
    this.#strangers.add({ kind: 'refused', reason, who: remote, text });
  }

  #newPeer(config: PeerAddress): Peer {
    const { tag, epoch, pingEveryMs, helloTimeoutMs } = this.#options;
    const options: PeerOptions = {
      tag,
      epoch,
      pingEveryMs: pingEveryMs ?? PING_EVERY_MS,
      helloTimeoutMs: helloTimeoutMs ?? HELLO_TIMEOUT_MS,
      redial: this.#redial,
      clock: this.#clock,
      nextLink: () => {
        this.#lastLink += 1;
        return this.#lastLink;
      },
    };
    const handlers: PeerHandlers = {
      admit: (of) => this.#handlers.admit(config.tag, of),
      linkUp: (link, hello) => {
        this.#links.set(link.id, { peer, link });
        this.#handlers.linkUp(config.tag, link.id, hello.epoch, link.transport);
      },
      heard: (link, seq, message) => this.#handlers.heard(config.tag, link.id, seq, message),
      linkDown: (link, end) => {
        this.#links.delete(link.id);
        if (link.upForMs >= STEADY_MS) this.#refusals.forget(config.tag);
        this.#handlers.linkDown(config.tag, link.id, end);
      },
      note: (note) => this.#refusals.add(note),
      skipped: (frames, kinds, example) => this.#skipped(config.tag, frames, kinds, example),
      coalesced: () => {
        this.#statesCoalesced += 1;
      },
    };
    const peer: Peer = new Peer(config, this.#transport, options, handlers);
    return peer;
  }

  #skipped(who: string, frames: number, kinds: number, example: string): void {
    this.#skippedFrames += frames;
    this.#skippedKinds += kinds;
    const reason = frames > 0 ? 'unknown-frame' : 'unknown-kind';
    const text = `peer ${who} sends what this version does not know: ${example}; ignored`;
    this.#refusals.add({ kind: 'skipped', reason, who, text }, frames + kinds);
  }
}

/** A channel that becomes no link. */
function refuse(channel: Channel, code: RefuseCode, text: string): void {
  channel.onMessage = () => {};
  channel.onDrain = () => {};
  channel.onClose = () => {};
  channel.send(encodeRefuse(code, text));
  channel.close(text);
}

/** Some days, milliseconds. */
const CLOCK_ZERO_MS = 1e9;

/** So it tells nobody how long this host or process runs; and in one process, too, a time that is not translated is wrong. */
function clockWithRandomZero(): () => number {
  const zero = Math.random() * CLOCK_ZERO_MS;
  return () => zero + performance.now();
}

type Counts = MeshStatus['counters']['refusals'];

function sum(a: Counts, b: Counts): Counts {
  const total: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) total[reason] = (total[reason] ?? 0) + count;
  return total;
}

function checkPeers(tag: string, peers: readonly PeerAddress[]): void {
  const seen = new Set<string>();
  for (const peer of peers) {
    // Law 4: a broker never takes states for its own tag, so it must not have itself as a peer.
    if (peer.tag === tag) throw new Error(`"${tag}" is this broker's own tag; it cannot be a peer`);
    if (seen.has(peer.tag)) throw new Error(`peer "${peer.tag}" stands twice`);
    seen.add(peer.tag);
  }
}

function same(a: PeerAddress, b: PeerAddress): boolean {
  const sameKeys = sameFingerprints(a, b) && (a.transport !== 'zeromq' || sameCurveKeys(a, b));
  return a.url === b.url && a.transport === b.transport && sameKeys;
}
