// A SIP phone that registers and has several calls at a time: one UDP socket. Owns the registration and which
// call a message belongs to; what one call says is in softphone-call.ts. For what SIPp (sipp.ts) is too stiff:
// hold and second calls at the test's word, transfers that name two dialogs.
import { createSocket, type Socket } from 'node:dgram';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { header, type SipMessage, tagOf, token, writeOk, writeRequest } from './sip.ts';
import { connectSip } from './sip-socket.ts';
import { Call } from './softphone-call.ts';

export class Softphone {
  readonly user: string;
  readonly pbx: Asterisk;
  #socket: Socket = createSocket('udp4');
  #local = '';
  #calls = new Map<string, Call>();
  #registration = token();
  /** Code of the final answer to the REGISTER. */
  #registered = 0;

  /** `user` must be an endpoint of `pbx`. */
  constructor(pbx: Asterisk, user: string) {
    this.pbx = pbx;
    this.user = user;
  }

  /** Registers with its PBX. */
  async open(): Promise<void> {
    this.#local = await connectSip(this.#socket, this.pbx, (message) => this.#heard(message));
    const { user, pbx } = this;
    this.send(
      writeRequest({
        method: 'REGISTER',
        uri: pbx.uri(user),
        user,
        fromTag: token(),
        local: this.#local,
        callId: this.#registration,
        cseq: 1,
        extra: ['Expires: 3600'],
      }),
    );
    const code = await until(`${user} is registered at ${pbx.name}`, () => this.#registered);
    if (code >= 300) throw new Error(`REGISTER ${user} at ${pbx.name}: ${code}`);
  }

  get local(): string {
    return this.#local;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  #heard(message: SipMessage): void {
    const call = this.#calls.get(message.callId);
    if (call) {
      call.heard(message);
    } else if (message.callId === this.#registration) {
      if (message.code >= 200) this.#registered = message.code;
    } else if (message.method === 'INVITE' && tagOf(header(message, 'to')) === '') {
      this.#calls.set(message.callId, Call.take(this, message));
    } else if (message.code === 0 && message.method !== 'ACK') {
      this.send(writeOk(message));
    }
  }

  /** Calls `to`; returns at once. */
  call(to: string): Call {
    const call = Call.make(this, this.pbx.uri(to));
    this.#calls.set(call.callId, call);
    return call;
  }

  /** Waits for a call that rings here. */
  ringing(): Promise<Call> {
    return until(`${this.user} at ${this.pbx.name} rings`, () =>
      [...this.#calls.values()].find(({ state }) => state === 'ringing'),
    );
  }

  /** Ends every call that is left. */
  async hangUpAll(): Promise<void> {
    for (const call of this.#calls.values()) {
      if (call.state === 'ringing') call.decline();
      else if (call.state === 'calling') await call.cancel();
      else if (call.state === 'talking') await call.hangUp();
    }
    this.#calls.clear();
  }

  /** Calls that the other end has lost without a word. */
  forgetCalls(): void {
    this.#calls.clear();
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
