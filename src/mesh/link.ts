/**
 * One channel with hello, numbers and pings on it: a link. Owns the order of frames on one connection, in both
 * directions, and the decision to hang up. Does not know which of several links to one peer is wanted
 * (peer.ts), nor any transport.
 */
import type { Entry, Message } from '../core/message.ts';
import type { Batch } from './batches.ts';
import type { Channel, TransportName } from './contract.ts';
import {
  decode,
  encodeHello,
  encodePing,
  encodePong,
  encodeRefuse,
  type Frame,
  FrameError,
  type Hello,
  type NumberedFrame,
  type RefuseCode,
} from './frames.ts';
import { Outbox } from './outbox.ts';
import { PeerClock } from './peer-clock.ts';
import { Pulse } from './pulse.ts';
import type { LinkEnd, LinkEndReason } from './types.ts';

export interface LinkOptions {
  /** Unique in this broker's life. */
  readonly id: number;
  readonly channel: Channel;
  /** Our own tag and epoch. */
  readonly tag: string;
  readonly epoch: string;
  readonly pingEveryMs: number;
  readonly helloTimeoutMs: number;
  /** What the peer is told as our clock; see {@link MeshOptions.clock}. */
  readonly clock: () => number;
}

export interface LinkHandlers {
  /** The peer's hello, and it is what the key proved: answer with `accept`, `refuse`, or leave it waiting. */
  hello(link: Link, hello: Hello): void;
  /** `at` of a change is in milliseconds of our `performance.now()`. */
  heard(link: Link, seq: number, message: Message): void;
  /** We refused the peer, or it broke the protocol; `closed` follows. */
  refused(link: Link, code: RefuseCode, text: string): void;
  /** The peer refused us; `closed` follows. */
  refusedByPeer(link: Link, code: RefuseCode, text: string): void;
  /** Ignored: a frame of an unknown type (1, 0) or entries of an unknown kind (0, n). */
  skipped(link: Link, frames: number, kinds: number, example: string): void;
  coalesced(): void;
  /** Exactly once; nothing is called after it. */
  closed(link: Link, end: LinkEnd): void;
}

export class Link {
  readonly id: number;
  readonly peer: string;
  readonly dialled: boolean;
  readonly transport: TransportName;
  readonly remote: string;
  /** Resolves when the channel is gone too (a close flushes first). */
  readonly gone: Promise<void>;
  /** The view of which it was given a snapshot. */
  view: string | undefined;
  framesIn = 0;
  #options: LinkOptions;
  #handlers: LinkHandlers;
  #channel: Channel;
  #outbox: Outbox;
  #pulse: Pulse;
  #peerClock = new PeerClock();
  #state: 'opening' | 'greeted' | 'up' | 'closed' = 'opening';
  #hello: Hello | undefined;
  #upSince = 0;
  #helloTimer: NodeJS.Timeout | undefined;
  #unnumbered = 0;
  #resolveGone: () => void = () => {};

  constructor(options: LinkOptions, handlers: LinkHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#channel = options.channel;
    this.id = options.id;
    this.peer = options.channel.peer;
    this.dialled = options.channel.dialled;
    this.transport = options.channel.transport;
    this.remote = options.channel.remote;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#outbox = new Outbox(options.channel, {
      full: (bytes) => this.terminate('queue-full', `${bytes} bytes wait for it`),
      coalesced: handlers.coalesced,
    });
    this.#pulse = new Pulse(options.pingEveryMs, {
      ping: (id) => this.#send(encodePing(id)),
      load: () => ({ buffered: this.#channel.buffered, congested: this.#outbox.congested }),
      dead: (reason, text) => this.terminate(reason, text),
    });
  }

  /** Takes the channel's handlers: must be called in the turn in which the channel was given. */
  start(): void {
    this.#channel.onMessage = (text) => this.#receive(text);
    this.#channel.onDrain = () => this.#outbox.pump();
    this.#channel.onClose = (why, fault) => {
      this.#end(fault ?? 'closed', why);
      this.#resolveGone();
    };
    this.#helloTimer = setTimeout(() => this.#helloTimeout(), this.#options.helloTimeoutMs);
    if (this.dialled) this.#sayHello();
  }

  /** What the peer said in its hello, once it did. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Since it came up; 0 when it never did. */
  get upForMs(): number {
    return this.#upSince === 0 ? 0 : performance.now() - this.#upSince;
  }

  get framesOut(): number {
    return this.#unnumbered + this.#outbox.sent;
  }

  get roundTripMs(): number | undefined {
    return this.#pulse.roundTripMs;
  }

  get queueBytes(): number {
    return this.#outbox.bytes;
  }

  /** Answers the peer's hello: from now on the link is up. */
  accept(): void {
    if (this.#state !== 'greeted') return;
    if (!this.dialled) this.#sayHello();
    this.#state = 'up';
    this.#upSince = performance.now();
    clearTimeout(this.#helloTimer);
    this.#pulse.start();
  }

  /** The whole view; from now on the batches of that view are for this link too. */
  snapshot(entries: readonly Entry[]): void {
    if (this.isUp) this.#outbox.snapshot(entries);
  }

  batch(batch: Batch): void {
    if (this.isUp) this.#outbox.batch(batch);
  }

  alive(): void {
    if (this.isUp) this.#outbox.alive();
  }

  bye(final: boolean): void {
    if (this.isUp) this.#outbox.bye(final);
  }

  /** Tells the peer why, then hangs up. */
  refuse(code: RefuseCode, text: string, end: LinkEndReason = 'refused'): void {
    if (this.#state === 'closed') return;
    this.#send(encodeRefuse(code, text));
    this.#handlers.refused(this, code, text);
    this.close(end, text);
  }

  /** Hangs up after what was already given to the channel has gone out. */
  close(reason: LinkEndReason, text: string): void {
    this.#end(reason, text, () => this.#channel.close(text));
  }

  /** Hangs up now. */
  terminate(reason: LinkEndReason, text: string): void {
    this.#end(reason, text, () => this.#channel.terminate(text));
  }

  #end(reason: LinkEndReason, text: string, hangUp?: () => void): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#helloTimer);
    this.#pulse.stop();
    this.#outbox.end();
    this.#channel.onMessage = () => {};
    this.#channel.onDrain = () => {};
    hangUp?.();
    this.#handlers.closed(this, { reason, text });
  }

  #receive(text: string): void {
    this.framesIn += 1;
    this.#pulse.heard();
    let frame: Frame;
    try {
      frame = decode(text);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return this.refuse(error.code, error.message, error.code === 'bad-frame' ? 'bad-frame' : 'refused');
    }
    switch (frame.type) {
      case 'hello':
        return this.#greeted(frame);
      case 'refuse':
        this.#handlers.refusedByPeer(this, frame.code, frame.text);
        return this.close('refused-by-peer', `${frame.code}: ${frame.text}`);
      case 'unknown':
        return this.#handlers.skipped(this, 1, 0, `frame type "${frame.name}"`);
      default:
        if (!this.isUp) return this.refuse('bad-frame', `${frame.type} frame before hello`, 'bad-frame');
        return this.#receiveUp(frame);
    }
  }

  #receiveUp(frame: Exclude<Frame, { type: 'hello' | 'refuse' | 'unknown' }>): void {
    switch (frame.type) {
      case 'ping':
        // A peer that asks but does not read gets no answer, so that answers cannot pile up either.
        if (!this.#outbox.congested) this.#send(encodePong(frame.id, this.#options.clock()));
        return;
      case 'pong': {
        const trip = this.#pulse.pong(frame.id);
        if (trip && frame.clock !== undefined) this.#peerClock.answered(trip, frame.clock);
        return;
      }
      case 'numbered':
        if (frame.skipped > 0) this.#handlers.skipped(this, 0, frame.skipped, 'entries of an unknown kind');
        return this.#handlers.heard(this, frame.seq, this.#timed(frame));
    }
  }

  #timed({ message, at }: NumberedFrame): Message {
    if (message.type !== 'change' || at === undefined) return message;
    const ours = this.#peerClock.toOurs(at, performance.now());
    return ours === undefined ? message : { type: 'change', entries: message.entries, at: ours };
  }

  #greeted(hello: Hello): void {
    if (this.#state !== 'opening') return this.refuse('bad-frame', 'a second hello', 'bad-frame');
    if (hello.tag !== this.peer) {
      return this.refuse('wrong-tag', `its key is of "${this.peer}", but it calls itself "${hello.tag}"`);
    }
    if (hello.peer !== this.#options.tag) {
      return this.refuse('wrong-peer', `it looks for "${hello.peer}", but this is "${this.#options.tag}"`);
    }
    this.#state = 'greeted';
    this.#hello = hello;
    this.#handlers.hello(this, hello);
  }

  #helloTimeout(): void {
    if (this.#state === 'greeted') this.close('duplicate', 'another link to this peer stays');
    else this.close('hello-timeout', `no hello within ${this.#options.helloTimeoutMs} ms`);
  }

  #sayHello(): void {
    this.#send(encodeHello(this.#options.tag, this.peer, this.#options.epoch));
  }

  #send(text: string): void {
    this.#unnumbered += 1;
    this.#channel.send(text);
  }
}
