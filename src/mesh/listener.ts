/**
 * The one port that peers dial, with a bound on everything that somebody unproved can hold. Owns connections from
 * their first packet until they are proved, and which of the two protocols the first byte belongs to. Who is who
 * is decided elsewhere: by TLS and trust.ts, or by CURVE and zeromq-keys.ts.
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { type ArrivalLimits, Arrivals } from './arrivals.ts';
import type { Refusal, RefusalReason } from './contract.ts';
import { printable } from './frames.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** From the first packet on. */
  readonly handshakeTimeoutMs: number;
  /** Connections that are not proved yet, all together. */
  readonly maxUnproved: number;
  /** Connections of one address, proved or not; and those of one IPv6 /64 that are not proved yet. */
  readonly maxPerAddress: number;
  /** How often one address, or one IPv6 /64, may connect. */
  readonly arrivals: ArrivalLimits;
}

export interface ListenerHandlers {
  /** The guest has said something, which its socket still gives; it flows from the next turn on. */
  websocket(guest: Guest): void;
  /** The same, but the socket is paused. */
  zeromq(guest: Guest): void;
  refused(refusal: Refusal): void;
}

/** Longest text of a refusal that is told or read, characters: parts of it may be the other side's own words. */
export const MAX_REFUSAL_TEXT = 300;

/** What a ZMTP greeting begins with (rfc.zeromq.org/spec/23); neither TLS nor HTTP ever does. */
const ZMTP_SIGNATURE = 0xff;

/** A connection that somebody made to us. */
export class Guest {
  /** Without port. */
  readonly address: string;
  /** With port. */
  readonly remote: string;
  readonly socket: Socket;
  readonly #refused: (refusal: Refusal) => void;
  readonly #timer: NodeJS.Timeout;
  #state: 'unproved' | 'proved' | 'refused' = 'unproved';

  constructor(socket: Socket, timeoutMs: number, refused: (refusal: Refusal) => void) {
    this.address = plainAddress(socket.remoteAddress);
    this.remote = remoteOf(socket);
    this.socket = socket;
    this.#refused = refused;
    this.#timer = setTimeout(() => {
      this.dismiss('handshake-timeout', `not a peer within ${timeoutMs} ms`);
    }, timeoutMs);
    socket.once('close', () => clearTimeout(this.#timer));
  }

  /** Also while it is told that it is refused. */
  get unproved(): boolean {
    return this.#state !== 'proved';
  }

  /** It has proved who it is. False: it was refused meanwhile. */
  proved(): boolean {
    if (this.#state !== 'unproved') return false;
    this.#state = 'proved';
    clearTimeout(this.#timer);
    return true;
  }

  /** Tells of the refusal, once; the connection may still be told so, within the time it was given. */
  refuse(reason: RefusalReason, text: string): void {
    if (this.#state !== 'unproved') return;
    this.#state = 'refused';
    this.#refused({ reason, remote: this.address, text: printable(text, MAX_REFUSAL_TEXT) });
  }

  /** Refuses it and hangs up. */
  dismiss(reason: RefusalReason, text: string): void {
    this.refuse(reason, text);
    if (this.#state === 'refused') this.socket.destroy();
  }
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #handlers: ListenerHandlers;
  readonly #server: Server;
  readonly #guests = new Set<Guest>();
  /** By address and port: a port may be used again before the old connection is seen to be gone. */
  readonly #byPort = new Map<string, Guest>();
  readonly #perAddress = new Map<string, number>();
  readonly #arrivals: Arrivals;

  constructor(options: ListenerOptions, handlers: ListenerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#arrivals = new Arrivals(options.arrivals);
    this.#server = createServer((socket) => this.#arrived(socket));
  }

  get address(): { host: string; port: number } | undefined {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return undefined;
    return { host: address.address, port: address.port };
  }

  /** Rejects when the address cannot be had. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.on('error', (error: NodeJS.ErrnoException) => {
        const inUse = error.code === 'EADDRINUSE';
        const why = inUse ? 'another program listens there; mend listen.port' : error.message;
        reject(new Error(`cannot listen on ${host}:${port}: ${why}`, { cause: error }));
      });
      this.#server.listen({ host, port }, resolve);
    });
  }

  /** Whose connection this is: the guest's own socket, or a TLS socket on it. */
  guestOf(socket: Socket): Guest | undefined {
    return this.#byPort.get(remoteOf(socket));
  }

  /** Resolves when the port is free and no connection is left. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.#guests) socket.destroy();
    await closed;
  }

  #arrived(socket: Socket): void {
    // Whoever hangs up is told of by 'close'.
    socket.on('error', () => {});
    // It was reset before we took it.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const { maxUnproved, maxPerAddress, handshakeTimeoutMs } = this.#options;
    if (this.#comesTooOften(socket)) return;
    const guest = new Guest(socket, handshakeTimeoutMs, this.#handlers.refused);
    const { address, remote } = guest;
    const here = this.#perAddress.get(address) ?? 0;
    const unproved = [...this.#guests].filter((other) => other.unproved);
    // Whoever has one IPv6 address has a /64 of them; but many peers may live in one, so the proved do not count.
    const network = networkOf(address);
    const strangers = unproved.filter((other) => networkOf(other.address) === network).length;
    if (here >= maxPerAddress || strangers >= maxPerAddress) {
      const text = `more than ${maxPerAddress} connections of ${here >= maxPerAddress ? 'one address' : network}`;
      return guest.dismiss('too-many-connections', text);
    }
    // A flood of silent connections must not lock the peers out: those are proved in a few milliseconds.
    if (unproved.length >= maxUnproved) {
      const text = `more than ${maxUnproved} connections that have not proved who they are`;
      unproved[0]?.dismiss('too-many-connections', text);
    }
    this.#guests.add(guest);
    this.#byPort.set(remote, guest);
    this.#perAddress.set(address, here + 1);
    socket.once('close', () => {
      this.#guests.delete(guest);
      if (this.#byPort.get(remote) === guest) this.#byPort.delete(remote);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
    socket.once('data', (first) => this.#spoke(guest, first));
  }

  /** Before anything is spent on it: no timer, no TLS, and a reset, so that the kernel keeps nothing of it either. */
  #comesTooOften(socket: Socket): boolean {
    const remote = plainAddress(socket.remoteAddress);
    const network = networkOf(remote);
    if (this.#arrivals.admit(network)) return false;
    const text = `more than ${this.#options.arrivals.perSecond} connections a second of ${network}`;
    this.#handlers.refused({ reason: 'too-often', remote, text });
    socket.resetAndDestroy();
    return true;
  }

  #spoke(guest: Guest, first: Buffer): void {
    const { socket } = guest;
    socket.pause();
    if (first[0] === ZMTP_SIGNATURE) {
      socket.unshift(first);
      this.#handlers.zeromq(guest);
    } else {
      // Node's servers take what was read before in the next tick, if it is put back after they were given the socket.
      this.#handlers.websocket(guest);
      socket.unshift(first);
      process.nextTick(() => socket.resume());
    }
  }
}

/** An IPv4 address that came in through an IPv6 socket is an IPv4 address. */
function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}

/** Whose an address is, as far as one can tell: an IPv4 address stands for itself, an IPv6 address for its /64. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [host = ''] = address.split('%');
  const [head = [], tail = []] = host
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

/** Address and port of the other end, as it stands in a URL. */
function remoteOf(socket: Socket): string {
  const address = plainAddress(socket.remoteAddress);
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
