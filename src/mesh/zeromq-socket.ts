/**
 * One ZeroMQ socket behind one TCP connection. libzmq would dial and listen by itself; here node:net does, and its
 * bytes are passed on to a DEALER of that connection alone, over loopback. So a socket is a connection, and the
 * key that CURVE proved for the one is that of the other; and names, limits and errors of the network are Node's,
 * as they are for WebSocket. Owns that pair and the traps of libzmq's sockets: nothing lingers, nothing is dialled
 * again behind our back, nothing waits for ever.
 */
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { devNull } from 'node:os';
import { CLOSE_TIMEOUT_MS, MAX_FRAME_BYTES } from './contract.ts';
import type { Context, Dealer, Event, Observer, SocketOptions, ZeroMqLibrary } from './zeromq-library.ts';

/** Messages that libzmq holds in each direction, beside what the kernel does. */
const HIGH_WATER_MESSAGES = 4;
/** Of the loopback connection, bytes: what waits there waits unseen. */
const INNER_BUFFER_BYTES = 64 * 1024;
/** Past this libzmq itself hangs up, without a word; so that we can say why, it lets more than we take pass. */
export const MAX_MESSAGE_BYTES = 2 * MAX_FRAME_BYTES;
/**
 * Most that may come in without a whole message among it: libzmq counts messages, never the parts of one. It is well
 * above what libzmq and the inner connection hold of an honest peer's messages that are not read yet.
 */
export const MAX_UNHEARD_BYTES = 16 * MAX_MESSAGE_BYTES;
/** A ZMTP greeting, and where in it things stand (rfc.zeromq.org/spec/37). */
const GREETING_BYTES = 64;
const MECHANISM_AT = [12, 32] as const;
const SIGNATURE_END_AT = 9;
const SIGNATURE_END = 0x7f;
/** Descriptors that must be free before a socket is made, which takes some seven. */
const SPARE_DESCRIPTORS = 16;
/** After it a message for which libzmq had no room is offered again, although nothing has moved. */
export const OFFER_AGAIN_MS = 100;

/** The end of CURVE that listens. */
export interface CurveServer {
  readonly secretKey: string;
  readonly zapDomain: string;
}

/** The end that dials. */
export interface CurveClient {
  readonly secretKey: string;
  readonly publicKey: string;
  readonly serverKey: string;
}

type CurveRole = CurveServer | CurveClient;

/** How the handshake ended. `lost`: somebody hung up; `protocol`: libzmq's code of what was wrong. */
export type Handshake =
  | { readonly result: 'done' | 'refused' | 'lost' }
  | { readonly result: 'protocol'; readonly code: string };

export class ZeroMqSocket {
  readonly handshake: Promise<Handshake>;
  /** Resolves when the connection is over and everything that came over it has been handed out or given up. */
  readonly over: Promise<void>;
  readonly #tcp: Socket;
  readonly #dealer: Dealer;
  #inner: Socket | undefined;
  #waiting: Server | undefined;
  /** Bytes that came in since the last whole message. */
  #unheard = 0;
  /** The first bytes that came in. */
  #greeting = Buffer.alloc(0);
  /** libzmq hung up first. */
  #dropped = false;
  #endTimer: NodeJS.Timeout | undefined;
  /** Something moved: a message that waits for room is offered again. */
  #moved: () => void = () => {};
  #shaken: (handshake: Handshake) => void = () => {};
  #ended: () => void = () => {};

  /** Throws when there is no socket left, in libzmq or on this machine; `tcp` stays the caller's then. */
  constructor({ Dealer }: ZeroMqLibrary, context: Context, tcp: Socket, role: CurveRole) {
    this.#tcp = tcp;
    this.handshake = new Promise((resolve) => {
      this.#shaken = resolve;
    });
    this.over = new Promise((resolve) => {
      this.#ended = resolve;
    });
    needDescriptors();
    this.#dealer = new Dealer({ context, linger: 0 });
    try {
      // Not given to the constructor: when that throws for one of them, the process crashes at its exit.
      Object.assign(this.#dealer, OPTIONS, curve(role));
      void this.#watch(this.#dealer.events);
    } catch (error) {
      this.#dealer.close();
      throw error;
    }
    tcp.setNoDelay(true);
    tcp.once('close', () => {
      if (this.#inner === undefined) this.close();
      else this.#inner.destroy();
    });
  }

  /** Begins to pass bytes; `tcp` is open. Rejects when this machine has no port or socket left. */
  async start(): Promise<void> {
    // The socket dials us, and nobody can dial it.
    const waiting = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      waiting.on('error', reject);
      waiting.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, resolve);
    });
    this.#waiting = waiting;
    waiting.once('connection', (inner) => {
      waiting.close();
      this.#pass(inner);
    });
    if (this.closed || this.#tcp.destroyed) return this.close();
    this.#dealer.connect(`tcp://127.0.0.1:${(waiting.address() as AddressInfo).port}`);
  }

  #pass(inner: Socket): void {
    this.#inner = inner;
    inner.on('error', () => {});
    inner.once('close', () => this.#innerClosed());
    this.#tcp.on('data', (data) => {
      this.#unheard += data.length;
      if (this.endless) this.close();
      if (this.#greeting.length < GREETING_BYTES) this.#greeting = Buffer.concat([this.#greeting, data]);
    });
    inner.on('data', () => this.#moved());
    this.#tcp.pipe(inner).pipe(this.#tcp);
    if (this.#tcp.destroyed) inner.destroy();
  }

  get closed(): boolean {
    return this.#dealer.closed;
  }

  /** The other side has hung up, or its machine has: not libzmq here. */
  get lost(): boolean {
    return !this.#dropped && this.#tcpEnded;
  }

  /** What the other side's greeting proposes; undefined: it has not said so much, or that is none. */
  get mechanism(): string | undefined {
    const isOne =
      this.#greeting.length >= GREETING_BYTES && this.#greeting[SIGNATURE_END_AT] === SIGNATURE_END;
    if (!isOne) return undefined;
    return this.#greeting.toString('latin1', ...MECHANISM_AT).replace(/\0+$/, '');
  }

  get #tcpEnded(): boolean {
    return this.#tcp.destroyed || this.#tcp.readableEnded;
  }

  /** It sent so much without a whole message that we hung up. */
  get endless(): boolean {
    return this.#unheard > MAX_UNHEARD_BYTES;
  }

  /** One at a time. Resolves when libzmq holds it; rejects when the socket is closed. */
  async send(parts: readonly (string | Buffer)[]): Promise<true> {
    while (!this.closed) {
      // Asked, libzmq looks at once for the room it was given; given a message, only every millisecond or so.
      void this.#dealer.writable;
      try {
        await this.#dealer.send([...parts]);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, OFFER_AGAIN_MS);
        this.#moved = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    throw new Error('closed');
  }

  /** One at a time. Rejects when the socket is closed. */
  async receive(): Promise<Buffer[]> {
    const parts = await this.#dealer.receive();
    this.#unheard = 0;
    return parts;
  }

  /** Whatever is under way is lost. */
  close(): void {
    if (!this.#dealer.closed) this.#dealer.close();
    this.#moved();
    this.#waiting?.close();
    this.#tcp.destroy();
    this.#inner?.destroy();
  }

  async #watch(events: Observer): Promise<void> {
    try {
      for await (const event of events) this.#saw(event);
    } catch {
      // Without its events nobody knows whether it lives.
      this.close();
    }
    this.#shaken({ result: 'lost' });
    this.#ended();
  }

  #saw(event: Event): void {
    switch (event.type) {
      case 'handshake':
        return this.#shaken({ result: 'done' });
      case 'handshake:error:auth':
        return this.#shaken({ result: 'refused' });
      case 'handshake:error:protocol':
        this.#shaken({ result: 'protocol', code: event.error.code });
        // Of a message that was tampered with it says so too, but then does not hang up.
        return this.#ended();
      case 'handshake:error:other':
      case 'disconnect':
      case 'end':
        this.#shaken({ result: 'lost' });
        return this.#ended();
    }
  }

  /** libzmq has hung up: what it said last still goes out. */
  #innerClosed(): void {
    this.#dropped = !this.#tcpEnded;
    this.#tcp.end();
    this.#endTimer = setTimeout(() => this.#tcp.destroy(), CLOSE_TIMEOUT_MS);
    this.#tcp.once('close', () => clearTimeout(this.#endTimer));
    if (this.#tcp.destroyed) clearTimeout(this.#endTimer);
  }
}

/**
 * Throws when there are few left. A socket's `events` are two sockets more; when only the first of them can be had,
 * the thread of libzmq that frees what is closed waits for the other one, and frees nothing ever again.
 */
function needDescriptors(): void {
  const spare: number[] = [];
  try {
    while (spare.length < SPARE_DESCRIPTORS) spare.push(openSync(devNull, 'r'));
  } finally {
    for (const descriptor of spare) closeSync(descriptor);
  }
}

const OPTIONS: SocketOptions<Dealer> = {
  // A process would not end while a message is not delivered.
  linger: 0,
  // One socket, one connection: the mesh dials again, with a new one.
  reconnectInterval: -1,
  // A send that waits would take the wake-up of the `receive` that waits beside it: that one would sleep for ever.
  sendTimeout: 0,
  sendHighWaterMark: HIGH_WATER_MESSAGES,
  receiveHighWaterMark: HIGH_WATER_MESSAGES,
  sendBufferSize: INNER_BUFFER_BYTES,
  receiveBufferSize: INNER_BUFFER_BYTES,
  maxMessageSize: MAX_MESSAGE_BYTES,
  // The attempt, or the guest, has a clock of its own.
  handshakeInterval: 0,
};

function curve(role: CurveRole): SocketOptions<Dealer> {
  if ('serverKey' in role) {
    const { publicKey, secretKey, serverKey } = role;
    return { curvePublicKey: publicKey, curveSecretKey: secretKey, curveServerKey: serverKey };
  }
  const { secretKey, zapDomain } = role;
  // Without `zapEnforceDomain` every key would get in, should nobody answer for this domain.
  return { curveServer: true, curveSecretKey: secretKey, zapDomain, zapEnforceDomain: true };
}
