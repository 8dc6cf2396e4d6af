/**
 * One end of a connection as a link (docs/protocol.md, §3 to §5): hello, numbered frames, pings, and the silence after
 * which it is given up. Which link of a peer counts is mesh.ts.
 */
import type { Timer } from './agenda.ts';
import type { NetPlan } from './history.ts';
import { Outbox } from './outbox.ts';
import type { Connection, End, Fault, Frame, Packet, Side } from './wire.ts';

const SILENT_BEATS = 3;
const STALLED_BEATS = 30;
const HELLO_TIMEOUT_MS = 5_000;

export type LinkEnd =
  | 'closed'
  | 'silence'
  | 'stalled'
  | 'queue-full'
  | 'hello-timeout'
  | 'refused'
  | 'duplicate'
  | 'replaced'
  | 'dropped'
  | 'peer-changed'
  | 'stopped';

export interface LinkOptions {
  readonly id: number;
  readonly peer: string;
  readonly connection: Connection;
  readonly side: Side;
  readonly epoch: string;
  readonly pingEveryMs: number;
  readonly net: NetPlan;
}

export interface LinkHandlers {
  /** Of the process: it does not fire while that is frozen. */
  timer(ms: number, run: () => void): Timer;
  hello(link: Link, epoch: string): void;
  heard(link: Link, frame: Frame): void;
  closed(link: Link, why: LinkEnd): void;
  count(what: string): void;
}

export class Link implements End {
  readonly id: number;
  readonly peer: string;
  readonly dialled: boolean;
  readonly outbox: Outbox;
  /** What the peer said in its hello. */
  epoch: string | undefined;
  upAt: number | undefined;
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  #isClosed = false;
  #silent = 0;
  #stalled = 0;
  #timer: Timer;

  constructor(options: LinkOptions, handlers: LinkHandlers) {
    this.id = options.id;
    this.peer = options.peer;
    this.dialled = options.side === 'dialler';
    this.#options = options;
    this.#handlers = handlers;
    this.outbox = new Outbox(options.connection.flow(options.side), options.net, {
      full: () => this.close('queue-full'),
      coalesced: () => handlers.count('states coalesced for a slow peer'),
    });
    options.connection.attach(options.side, this);
    this.#timer = handlers.timer(HELLO_TIMEOUT_MS, () =>
      this.close(this.epoch === undefined ? 'hello-timeout' : 'duplicate'),
    );
    if (this.dialled) this.#send({ kind: 'hello', epoch: options.epoch });
  }

  /** From now on it is up. */
  accept(now: number): void {
    if (!this.dialled) this.#send({ kind: 'hello', epoch: this.#options.epoch });
    this.upAt = now;
    this.#timer.cancel();
    this.#beat();
  }

  refuse(): void {
    this.#send({ kind: 'refuse' });
    this.close('refused');
  }

  /** `told`: the other end hears of it after all that was said. */
  close(why: LinkEnd, told = true): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer.cancel();
    this.outbox.end();
    this.#options.connection.detach(this.#options.side, told);
    this.#handlers.closed(this, why);
  }

  receive(packet: Packet): void {
    if (this.#isClosed) return;
    this.#silent = 0;
    switch (packet.kind) {
      case 'hello':
        this.epoch = packet.epoch;
        return this.#handlers.hello(this, packet.epoch);
      case 'refuse':
        return this.close('refused');
      case 'end':
        return this.close('closed');
      case 'frame':
        return this.#handlers.heard(this, packet);
    }
  }

  /** Something is done to the next frame that it sends. */
  spoil(fault: Fault): void {
    this.#options.connection.flow(this.#options.side).fault = fault;
    this.#handlers.count(`frames: ${fault}`);
  }

  drained(): void {
    if (!this.#isClosed) this.outbox.pump();
  }

  /** Counts pings, not time: a pause of our own is no silence of the peer's. */
  #beat(): void {
    this.#silent += 1;
    if (this.#silent > SILENT_BEATS + 1) return this.close('silence');
    const { congested } = this.outbox;
    this.#stalled = congested ? this.#stalled + 1 : 0;
    if (this.#stalled > STALLED_BEATS) return this.close('stalled');
    if (!congested) this.#send({ kind: 'ping' });
    this.#timer = this.#handlers.timer(this.#options.pingEveryMs, () => this.#beat());
  }

  #send(packet: Packet): void {
    this.#options.connection.flow(this.#options.side).send(packet);
  }
}
