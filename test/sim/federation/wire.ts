/**
 * The network: paths between sites, and connections over them that behave as TCP does. In order and whole, or not at
 * all; what is sent into a cut waits there. Losing, repeating and swapping frames inside a connection is what no TCP
 * does: it stands for a faulty transport, and the numbers of the frames must give it away. Knows no links.
 */
import type { Message } from '../../../src/core/message.ts';
import type { DeviceState } from '../../../src/core/state.ts';
import type { Agenda, Timer } from './agenda.ts';

/** As TCP sends a SYN again. */
const OPEN_AGAIN_MS = 1_000;

/** What an origin has published, at one moment. */
export type View = ReadonlyMap<string, DeviceState>;

export interface Frame {
  readonly kind: 'frame';
  readonly seq: number;
  readonly message: Message;
  /** All that the sender has published, if this frame and those before it tell it; for the laws, on no wire. */
  readonly view: View | undefined;
}

export type Packet =
  | { readonly kind: 'open' }
  | { readonly kind: 'hello'; readonly epoch: string }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'ping' }
  | Frame
  /** The connection is over: closed, or what came was for nobody. */
  | { readonly kind: 'end' };

export type Fault = 'lose' | 'repeat' | 'swap';

/** One direction between two sites. */
export class Path {
  open = true;
  latencyMs: number;
  /** What each packet takes beside that: a slow peer. */
  frameMs = 0;
  readonly #flows = new Set<Flow>();

  constructor(latencyMs: number) {
    this.latencyMs = latencyMs;
  }

  add(flow: Flow): void {
    this.#flows.add(flow);
  }

  remove(flow: Flow): void {
    this.#flows.delete(flow);
  }

  heal(): void {
    this.open = true;
    for (const flow of [...this.#flows]) flow.pump();
  }

  pace(latencyMs: number, frameMs: number): void {
    this.latencyMs = latencyMs;
    this.frameMs = frameMs;
    for (const flow of [...this.#flows]) flow.hurry();
  }
}

/** One direction of one connection. */
export class Flow {
  /** What is done to the next frame. */
  fault: Fault | undefined;
  readonly path: Path;
  readonly #agenda: Agenda;
  readonly #deliver: (packet: Packet) => void;
  #queue: { readonly packet: Packet; readonly at: number }[] = [];
  #held: Packet | undefined;
  #lastAt = 0;
  #timer: Timer | undefined;

  constructor(agenda: Agenda, path: Path, deliver: (packet: Packet) => void) {
    this.#agenda = agenda;
    this.path = path;
    this.#deliver = deliver;
    path.add(this);
  }

  /** Packets that are on their way. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** It is so slow that what is on its way piles up. */
  get isSlow(): boolean {
    return !this.path.open || this.path.frameMs > 0;
  }

  send(packet: Packet): void {
    if (packet.kind !== 'frame' || this.fault === undefined) {
      this.#put(packet);
      if (packet.kind === 'frame' && this.#held !== undefined) {
        this.#put(this.#held);
        this.#held = undefined;
      }
      return;
    }
    const { fault } = this;
    this.fault = undefined;
    if (fault === 'repeat') {
      this.#put(packet);
      this.#put(packet);
    } else if (fault === 'swap') this.#held = packet;
  }

  /** Delivers what is due, and comes back for the rest. */
  pump(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.path.open) {
      const next = this.#queue[0];
      if (next === undefined) return;
      if (next.at > this.#agenda.now) {
        this.#timer ??= this.#agenda.after(next.at - this.#agenda.now, () => this.pump());
        return;
      }
      this.#queue.shift();
      this.#deliver(next.packet);
    }
  }

  /** The path is faster now, also for what is on its way. */
  hurry(): void {
    const soon = this.#agenda.now + this.path.latencyMs;
    this.#lastAt = Math.min(this.#lastAt, soon);
    this.#queue = this.#queue.map(({ packet, at }) => ({ packet, at: Math.min(at, soon) }));
    this.pump();
  }

  #put(packet: Packet): void {
    const { latencyMs, frameMs } = this.path;
    this.#lastAt = Math.max(this.#lastAt + frameMs, this.#agenda.now + latencyMs);
    this.#queue.push({ packet, at: this.#lastAt });
    if (this.#timer === undefined) {
      this.#timer = this.#agenda.after(this.#lastAt - this.#agenda.now, () => this.pump());
    }
  }
}

/** What one end of a connection does with what arrives. */
export interface End {
  receive(packet: Packet): void;
  /** Something that was sent has arrived: there may be room again. */
  drained(): void;
}

export type Side = 'dialler' | 'acceptor';

/** A site as the network sees it. */
export interface Host {
  readonly key: string;
  /** Its process does this as soon as it runs (it may be frozen, or dead: then its kernel does). */
  post(work: () => void): void;
  /** The machine is gone: nothing answers, not even its kernel. */
  readonly hasVanished: boolean;
}

export class Connection {
  readonly dialler: Host;
  readonly acceptor: Host;
  readonly #flows: Readonly<Record<Side, Flow>>;
  readonly #ends: Record<Side, End | undefined> = { dialler: undefined, acceptor: undefined };
  readonly #agenda: Agenda;
  /** Both sides were there. */
  #met = false;
  /** The first packet at the acceptor's, before there is an end. */
  readonly #knock: (connection: Connection) => void;

  constructor(
    agenda: Agenda,
    dialler: Host,
    acceptor: Host,
    path: (from: Host, to: Host) => Path,
    knock: (connection: Connection) => void,
  ) {
    this.#agenda = agenda;
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.#knock = knock;
    this.#flows = {
      dialler: new Flow(agenda, path(dialler, acceptor), (packet) => this.#arrived('acceptor', packet)),
      acceptor: new Flow(agenda, path(acceptor, dialler), (packet) => this.#arrived('dialler', packet)),
    };
  }

  /** What this side sends on. */
  flow(side: Side): Flow {
    return this.#flows[side];
  }

  attach(side: Side, end: End): void {
    this.#ends[side] = end;
    this.#met ||= this.#ends[other(side)] !== undefined;
  }

  /** This side is closed; `told`: the other side will hear of it. */
  detach(side: Side, told: boolean): void {
    if (this.#ends[side] === undefined) return;
    this.#ends[side] = undefined;
    if (told) this.#flows[side].send({ kind: 'end' });
    if (this.#ends[other(side)] !== undefined) return;
    for (const flow of Object.values(this.#flows)) flow.path.remove(flow);
  }

  /** One side believes in it, and the other one does not. */
  get isHalfOpen(): boolean {
    return this.#met && (this.#ends.dialler === undefined) !== (this.#ends.acceptor === undefined);
  }

  #arrived(side: Side, packet: Packet): void {
    this[side].post(() => {
      if (this[side].hasVanished) return this.#lost(side, packet);
      this.#ends[other(side)]?.drained();
      const end = this.#ends[side];
      if (end !== undefined) end.receive(packet);
      else if (packet.kind === 'open' && side === 'acceptor') this.#knock(this);
      else if (packet.kind !== 'end') this.#flows[side].send({ kind: 'end' });
    });
  }

  /** Nobody is there: what opens a connection is sent again, the rest is found out to be lost later. */
  #lost(side: Side, packet: Packet): void {
    if (packet.kind !== 'open') return;
    this.#agenda.after(OPEN_AGAIN_MS, () => {
      if (this.#ends[other(side)] !== undefined) this.#flows[other(side)].send(packet);
    });
  }
}

function other(side: Side): Side {
  return side === 'dialler' ? 'acceptor' : 'dialler';
}
