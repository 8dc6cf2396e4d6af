// A SIP phone's lamps: one UDP socket that subscribes to many extensions, to `dialog` where nothing else is said, and
// keeps every NOTIFY.
// Owns its subscriptions; makes no calls. It answers each NOTIFY at once, as Asterisk repeats unanswered ones.
import { createSocket, type Socket } from 'node:dgram';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { header, type SipMessage, tagOf, token, writeOk, writeRequest } from './sip.ts';
import { connectSip } from './sip-socket.ts';

/** What a dialog-info lamp can show (RFC 4235), as Asterisk uses it. */
export type LampState = 'early' | 'confirmed' | 'terminated';

/** What a phone subscribes to, and how it reads what it is sent; `undefined`: that is no state. */
export interface Package<State extends string> {
  readonly event: string;
  readonly accept: string;
  read(body: string): State | undefined;
}

const DIALOG: Package<LampState> = {
  event: 'dialog',
  accept: 'application/dialog-info+xml',
  read: (body) => {
    const state = /<state>(\w+)<\/state>/.exec(body)?.[1];
    return state === 'early' || state === 'confirmed' || state === 'terminated' ? state : undefined;
  },
};

export interface Notify<State extends string = LampState> {
  /** `performance.now()` of its arrival. */
  readonly at: number;
  readonly state: State;
  readonly body: string;
}

/** A request over UDP that is not answered is repeated after this (T1 of RFC 3261 doubled). */
const RETRY_MS = 1_000;
const SUBSCRIBE_TIMEOUT_MS = 30_000;
/** Answers can come in a burst of thousands; the system's default buffer holds some hundreds. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

interface Subscription<State extends string> {
  readonly extension: string;
  readonly callId: string;
  readonly fromTag: string;
  readonly notifies: Notify<State>[];
  cseq: number;
  /** Code of the final answer to the SUBSCRIBE. */
  code: number;
  toTag: string;
  /** CSeq of the last NOTIFY, to tell repeated ones. */
  heard: number;
}

export class BlfPhone<State extends string = LampState> {
  readonly user: string;
  readonly pbx: Asterisk;
  /** NOTIFYs that came more than once: the answer to the first was late or lost. */
  repeated = 0;
  /** All NOTIFYs, of all extensions. */
  total = 0;
  #socket: Socket;
  #local = '';
  #byCall = new Map<string, Subscription<State>>();
  #byExtension = new Map<string, Subscription<State>>();
  #package: Package<State>;

  /** `user` must be an endpoint of `pbx`. */
  constructor(pbx: Asterisk, user: string, read: Package<State>) {
    this.#package = read;
    this.pbx = pbx;
    this.user = user;
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
  }

  /** One that subscribes to `dialog`. */
  static dialog(pbx: Asterisk, user: string): BlfPhone {
    return new BlfPhone(pbx, user, DIALOG);
  }

  async open(): Promise<void> {
    this.#local = await connectSip(this.#socket, this.pbx, (message) => this.#heard(message));
  }

  #heard(message: SipMessage): void {
    const subscription = this.#byCall.get(message.callId);
    if (message.code > 0) {
      if (!subscription || message.code < 200 || message.cseq !== subscription.cseq) return;
      subscription.code = message.code;
      subscription.toTag = tagOf(header(message, 'to'));
      return;
    }
    if (message.method !== 'NOTIFY') return;
    this.#socket.send(writeOk(message));
    if (!subscription) return;
    if (message.cseq <= subscription.heard) {
      this.repeated += 1;
      return;
    }
    subscription.heard = message.cseq;
    const state = this.#package.read(message.body);
    if (state === undefined) return;
    this.total += 1;
    subscription.notifies.push({ at: performance.now(), state, body: message.body });
  }

  /** Returns when Asterisk has accepted and sent the first NOTIFY; fails when it refuses. */
  async subscribe(extension: string): Promise<void> {
    const subscription: Subscription<State> = {
      extension,
      callId: token(),
      fromTag: token(),
      notifies: [],
      cseq: 1,
      code: 0,
      toTag: '',
      heard: -1, // Asterisk numbers from any number, 0 included
    };
    this.#byCall.set(subscription.callId, subscription);
    this.#byExtension.set(extension, subscription);
    const request = writeRequest({
      method: 'SUBSCRIBE',
      uri: this.pbx.uri(extension),
      user: this.user,
      local: this.#local,
      extra: [`Event: ${this.#package.event}`, `Accept: ${this.#package.accept}`, 'Expires: 3600'],
      ...subscription,
    });
    let sent = Number.NEGATIVE_INFINITY;
    await until(
      () => `SUBSCRIBE ${extension} answered and notified (answer so far: ${subscription.code})`,
      () => {
        if (subscription.code >= 300) throw new Error(`SUBSCRIBE ${extension}: ${subscription.code}`);
        if (subscription.code === 0 && performance.now() - sent > RETRY_MS) {
          sent = performance.now();
          this.#socket.send(request);
        }
        return subscription.code >= 200 && subscription.notifies.length > 0;
      },
      SUBSCRIBE_TIMEOUT_MS,
    );
  }

  #of(extension: string): Subscription<State> {
    const subscription = this.#byExtension.get(extension);
    if (!subscription) throw new Error(`phone ${this.user} has no lamp ${extension}`);
    return subscription;
  }

  notifies(extension: string): readonly Notify<State>[] {
    return this.#of(extension).notifies;
  }

  /** The states shown one after another, each once however often it was repeated. */
  shown(extension: string): State[] {
    const states: State[] = [];
    for (const { state } of this.notifies(extension)) if (state !== states.at(-1)) states.push(state);
    return states;
  }

  /** What the lamp shows now. */
  lamp(extension: string): State | undefined {
    return this.notifies(extension).at(-1)?.state;
  }

  /** Waits until the lamp shows `state`. */
  async shows(extension: string, state: State, ms?: number): Promise<void> {
    await until(
      () => `lamp ${extension} shows ${state}; so far: ${this.shown(extension).join(', ')}`,
      () => this.lamp(extension) === state,
      ms,
    );
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
