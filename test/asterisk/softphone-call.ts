// One call of a softphone, made or taken: its dialog (RFC 3261) and what the person at the phone can do to it.
// Owns tags, sequence numbers and answers; the socket is the phone's. Nothing is sent twice but answers to
// repeated requests: on loopback nothing is lost.

import { until } from '../until.ts';
import {
  header,
  newBranch,
  type Request,
  type SipMessage,
  tagOf,
  token,
  uriOf,
  writeAnswer,
  writeOk,
  writeRequest,
} from './sip.ts';

/** `ringing`: at this phone. A call that this phone makes is `calling` until it is answered. */
export type CallState = 'calling' | 'ringing' | 'talking' | 'ended';

/** What a call needs of its phone. */
export interface Line {
  readonly user: string;
  /** `host:port` of the phone, as the PBX sees it. */
  readonly local: string;
  send(text: string): void;
}

/** What the phone would do with sound. No sound is ever sent, so nobody listens there: port 9 discards. */
type Direction = 'sendrecv' | 'sendonly' | 'recvonly';

export class Call {
  readonly callId: string;
  state: CallState;
  /** Whether the far end rings; only of calls that this phone makes. */
  rang = false;
  /** The final answer to the INVITE that this phone sent. */
  code = 0;
  #line: Line;
  #localTag = token();
  #remoteTag = '';
  #target: string;
  #cseq = 0;
  #sdpVersion = 0;
  /** Of this phone's first INVITE, which CANCEL and a refused one's ACK repeat. */
  #branch = newBranch();
  /** The INVITE that made this phone ring. */
  #invite: SipMessage | undefined;
  /** What the PBX last said of how a transfer goes: a code as in an answer (RFC 3515). */
  #transfer = 0;
  /** Final answers to this phone's requests, by CSeq. */
  #answers = new Map<number, number>();
  /** What was answered to the PBX's requests, by CSeq and method. */
  #answered = new Map<string, string>();

  private constructor(line: Line, callId: string, target: string, state: CallState) {
    this.#line = line;
    this.callId = callId;
    this.#target = target;
    this.state = state;
  }

  /** Calls `uri`. */
  static make(line: Line, uri: string): Call {
    const call = new Call(line, token(), uri, 'calling');
    call.#cseq = 1;
    call.#send('INVITE', 1, { branch: call.#branch, body: call.#sdp('sendrecv') });
    return call;
  }

  /** Rings. */
  static take(line: Line, invite: SipMessage): Call {
    const call = new Call(line, invite.callId, uriOf(header(invite, 'contact')), 'ringing');
    call.#remoteTag = tagOf(header(invite, 'from'));
    call.#invite = invite;
    call.#answer(invite, '180 Ringing');
    return call;
  }

  /** Each newer than the one before: PBXs ignore others (RFC 4566). */
  #sdp(direction: Direction): string {
    this.#sdpVersion += 1;
    const host = this.#line.local.split(':')[0];
    const from = ['v=0', `o=phone 1 ${this.#sdpVersion} IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0'];
    return [...from, 'm=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', `a=${direction}`, ''].join('\r\n');
  }

  #send(method: string, cseq: number, more: Partial<Request> = {}): void {
    const { user, local } = this.#line;
    const dialog = this.#remoteTag === '' ? {} : { toTag: this.#remoteTag };
    const own = { uri: this.#target, user, local, fromTag: this.#localTag, callId: this.callId };
    this.#line.send(writeRequest({ method, cseq, ...own, ...dialog, ...more }));
  }

  /** `direction`: with SDP. */
  #answer(request: SipMessage, status: string, direction?: Direction): void {
    const { user, local } = this.#line;
    const body = direction === undefined ? {} : { body: this.#sdp(direction) };
    const rest = { toTag: this.#localTag, contact: `sip:${user}@${local}`, ...body };
    const text = writeAnswer(request, status, rest);
    this.#answered.set(`${request.cseq} ${request.method}`, text);
    this.#line.send(text);
  }

  /** Sends a request inside the dialog and awaits that the PBX agrees. */
  async #request(method: string, more: Partial<Request> = {}): Promise<void> {
    this.#cseq += 1;
    const cseq = this.#cseq;
    this.#send(method, cseq, more);
    const what = `${this.#line.user}: answer to ${method}`;
    const code = await until(what, () => this.#answers.get(cseq));
    if (code >= 300) throw new Error(`${what}: ${code}`);
  }

  heard(message: SipMessage): void {
    if (message.code > 0) this.#heardAnswer(message);
    else this.#heardRequest(message);
  }

  #heardAnswer(message: SipMessage): void {
    const { code, method, cseq } = message;
    if (code === 180 && method === 'INVITE') this.rang = true;
    if (code < 200) return;
    if (method === 'INVITE') {
      if (code < 300) {
        this.#remoteTag = tagOf(header(message, 'to'));
        this.#target = uriOf(header(message, 'contact')) || this.#target;
        this.#send('ACK', cseq);
      } else {
        // A refusal belongs to the INVITE's own transaction, and so does its ACK.
        this.#send('ACK', cseq, { branch: this.#branch, toTag: tagOf(header(message, 'to')) });
      }
      if (this.state === 'calling') {
        this.state = code < 300 ? 'talking' : 'ended';
        this.code = code;
      }
    }
    this.#answers.set(cseq, code);
  }

  #heardRequest(message: SipMessage): void {
    const { method, cseq } = message;
    if (method === 'ACK') return;
    const before = this.#answered.get(`${cseq} ${method}`);
    if (before !== undefined) {
      this.#line.send(before);
      return;
    }
    if (method === 'INVITE') {
      const held = /a=(sendonly|inactive)/.test(message.body);
      this.#answer(message, '200 OK', held ? 'recvonly' : 'sendrecv');
      return;
    }
    this.#line.send(writeOk(message));
    if (method === 'NOTIFY') this.#transfer = Number(/^SIP\/2\.0 (\d{3})/.exec(message.body)?.[1] ?? 0);
    if (method === 'BYE') this.state = 'ended';
    if (method === 'CANCEL' && this.state === 'ringing' && this.#invite) {
      this.state = 'ended';
      this.#answer(this.#invite, '487 Request Terminated');
    }
  }

  /** Waits until the call is in `state`. */
  async is(state: CallState): Promise<void> {
    await until(
      () => `${this.#line.user}: call is ${state}; it is ${this.state} ${this.code || ''}`,
      () => this.state === state,
    );
  }

  /** Waits until the far end rings. */
  async rings(): Promise<void> {
    await until(`${this.#line.user}: the far end rings`, () => this.rang);
  }

  /** Takes a call that rings. */
  answer(): void {
    if (!this.#invite || this.state !== 'ringing') throw new Error(`${this.#line.user}: nothing rings`);
    this.state = 'talking';
    this.#answer(this.#invite, '200 OK', 'sendrecv');
  }

  /** Refuses a call that rings. */
  decline(): void {
    if (!this.#invite || this.state !== 'ringing') throw new Error(`${this.#line.user}: nothing rings`);
    this.state = 'ended';
    this.#answer(this.#invite, '486 Busy Here');
  }

  /** Gives up a call that nobody has answered yet. */
  async cancel(): Promise<void> {
    this.#send('CANCEL', 1, { branch: this.#branch });
    await this.is('ended');
  }

  async hangUp(): Promise<void> {
    await this.#request('BYE');
    this.state = 'ended';
  }

  hold(): Promise<void> {
    return this.#direct('sendonly');
  }

  unhold(): Promise<void> {
    return this.#direct('sendrecv');
  }

  async #direct(direction: Direction): Promise<void> {
    await this.#request('INVITE', { body: this.#sdp(direction) });
  }

  /**
   * Connects the far ends of this call and of `other`, both of this phone (REFER with Replaces, RFC 3891); hangs up
   * this one when the PBX says that it is done, and leaves the other to it.
   */
  async transferTo(other: Call): Promise<void> {
    // Tags as the PBX, which gets the Replaces, sees them.
    const replaces = `${other.callId};to-tag=${other.#remoteTag};from-tag=${other.#localTag}`;
    const referTo = `Refer-To: <${other.#target}?Replaces=${encodeURIComponent(replaces)}>`;
    const referredBy = `Referred-By: <sip:${this.#line.user}@${this.#line.local}>`;
    await this.#request('REFER', { extra: [referTo, referredBy] });
    await until(`${this.#line.user}: the transfer is over`, () => this.#transfer >= 200);
    if (this.#transfer >= 300) throw new Error(`${this.#line.user}: the transfer failed: ${this.#transfer}`);
    if (this.state === 'talking') await this.hangUp();
  }
}
