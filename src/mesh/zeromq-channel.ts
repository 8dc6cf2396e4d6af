/**
 * One open ZeroMQ connection as a Channel. A message of one part is a text; one of two parts, `close` and why, is
 * a farewell. Owns the queue before libzmq, which takes one send at a time; the bounded close; and the rules a text
 * channel has. Who the other side is was proved before.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Channel,
  type ChannelFault,
  CLOSE_TIMEOUT_MS,
  LOW_WATER_BYTES,
  MAX_CLOSE_REASON,
  MAX_FRAME_BYTES,
} from './contract.ts';
import { printable } from './frames.ts';
import { MAX_UNHEARD_BYTES, type ZeroMqSocket } from './zeromq-socket.ts';

/** First part of a farewell. */
export const CLOSE = 'close';
/** Messages taken in one turn: what libzmq has ready resolves at once, and would starve everything else. */
export const MESSAGES_A_TURN = 32;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ZeroMqChannel implements Channel {
  readonly peer: string;
  readonly dialled: boolean;
  readonly transport = 'zeromq';
  readonly remote: string;
  onMessage: (text: string) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (why: string, fault?: ChannelFault) => void = () => {};
  readonly #socket: ZeroMqSocket;
  /** `closing`: what was given still goes out, then a farewell; nothing is taken any more. */
  #state: 'open' | 'closing' | 'closed' = 'open';
  #why: string | undefined;
  #fault: ChannelFault | undefined;
  /** What libzmq has not taken yet, the one it is being given among it. */
  readonly #queue: { readonly parts: (string | Buffer)[]; readonly bytes: number }[] = [];
  #buffered = 0;
  #aboveLow = false;
  #sending = false;
  /** Messages read so far. */
  #taken = 0;
  #closeTimer: NodeJS.Timeout | undefined;
  #gone: Promise<void> = Promise.resolve();

  constructor(socket: ZeroMqSocket, about: { peer: string; dialled: boolean; remote: string }) {
    this.#socket = socket;
    this.peer = about.peer;
    this.dialled = about.dialled;
    this.remote = about.remote;
  }

  /** Delivers nothing before this turn, and what follows a dial's promise, have ended. */
  start(gone: () => void): this {
    this.#gone = this.#live().finally(gone);
    return this;
  }

  get buffered(): number {
    return this.#buffered;
  }

  send(text: string): void {
    if (this.#state !== 'open') return;
    const message = Buffer.from(text);
    if (message.length > MAX_FRAME_BYTES) {
      return this.terminate(`a message of our own larger than ${MAX_FRAME_BYTES} bytes`);
    }
    this.#give([message], message.length);
    if (this.#buffered >= LOW_WATER_BYTES) this.#aboveLow = true;
  }

  close(why: string): void {
    if (this.#state !== 'open') return;
    this.#why = why;
    this.#state = 'closing';
    this.#give([CLOSE, printable(why, MAX_CLOSE_REASON)], 0);
    // The other side hangs up when it has read that.
    this.#closeTimer = setTimeout(() => this.#socket.close(), CLOSE_TIMEOUT_MS);
  }

  terminate(why: string): void {
    this.#why ??= why;
    this.#state = 'closed';
    this.#socket.close();
  }

  /** Terminates; resolves when the socket is gone. */
  terminated(why: string): Promise<void> {
    this.terminate(why);
    return this.#gone;
  }

  async #live(): Promise<void> {
    await nextTurn();
    const reading = this.#read();
    await this.#socket.over;
    // What came over before the end is handed out; a `receive` that finds nothing would wait for ever.
    for (let before = -1; before !== this.#taken; await nextTurn()) before = this.#taken;
    if (this.#socket.endless) {
      this.#fault ??= 'oversize';
      this.#why ??= `more than ${MAX_UNHEARD_BYTES} bytes without the end of a message`;
    } else if (!this.#socket.closed && !this.#socket.lost) {
      this.#why ??=
        'ZeroMQ hung up on it: a message far too large, or tampered with, or a heartbeat of its own that ran out';
    }
    this.#socket.close();
    await reading;
    clearTimeout(this.#closeTimer);
    this.#state = 'closed';
    this.#queue.length = 0;
    this.#buffered = 0;
    this.onClose(this.#why ?? 'connection lost', this.#fault);
  }

  async #read(): Promise<void> {
    for (;;) {
      const parts = await this.#socket.receive().catch((error: Error) => this.#broken(error));
      if (parts === undefined) return;
      this.#take(parts);
      this.#taken += 1;
      if (this.#taken % MESSAGES_A_TURN === 0) await nextTurn();
    }
  }

  /** The socket was closed; or libzmq says something that was not foreseen, and that ends this link only. */
  #broken({ message }: Error): undefined {
    if (!this.#socket.closed) this.terminate(`ZeroMQ: ${printable(message, 200)}`);
  }

  #take([message, why, ...more]: Buffer[]): void {
    if (this.#state === 'closed' || message === undefined) return;
    if (why !== undefined) {
      const farewell = more.length === 0 && message.toString() === CLOSE;
      if (!farewell) {
        if (this.#state === 'open') this.#break('not-text', 'a message of several parts');
        return;
      }
      this.#why ??= `the other side closed: ${printable(why.toString(), 200)}`;
      this.#state = 'closed';
      return this.#socket.close();
    }
    if (this.#state === 'closing') return;
    if (message.length > MAX_FRAME_BYTES) {
      return this.#break('oversize', `a message larger than ${MAX_FRAME_BYTES} bytes`);
    }
    const text = decode(message);
    if (text === undefined) this.#break('not-text', 'a message that is not UTF-8');
    else this.onMessage(text);
  }

  #break(fault: ChannelFault, why: string): void {
    this.#fault ??= fault;
    this.close(why);
  }

  #give(parts: (string | Buffer)[], bytes: number): void {
    this.#queue.push({ parts, bytes });
    this.#buffered += bytes;
    if (!this.#sending) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#sending = true;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const sent = await this.#socket.send(next.parts).catch((error: Error) => this.#broken(error));
      if (sent !== true) break;
      this.#queue.shift();
      this.#buffered -= next.bytes;
      if (this.#aboveLow && this.#buffered < LOW_WATER_BYTES) {
        this.#aboveLow = false;
        if (this.#state === 'open') this.onDrain();
      }
    }
    this.#sending = false;
  }
}

function decode(message: Buffer): string | undefined {
  try {
    return UTF8.decode(message);
  } catch {
    return undefined;
  }
}
