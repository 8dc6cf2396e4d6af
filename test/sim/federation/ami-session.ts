/** What goes over one AMI connection, and Asterisk's side of it. */
import type { Message } from '../../../src/ami/message.ts';
import type { DeviceState } from '../../../src/core/state.ts';
import type { Agenda } from './agenda.ts';
import type { Asterisk } from './asterisk.ts';

export type AmiRequest =
  | { readonly type: 'login' | 'ping' | 'hints' | 'devices' | 'channels' }
  | { readonly type: 'ask'; readonly context: string; readonly extension: string }
  | {
      readonly type: 'set';
      readonly lamp: string;
      readonly state: DeviceState;
      /** The broker has not given up waiting for the answer. */
      readonly isAwaited: () => boolean;
    };

export type AmiPacket =
  | { readonly type: 'answer'; readonly id: number; readonly ok: boolean; readonly rows: readonly Message[] }
  | { readonly type: 'booted' }
  | { readonly type: 'event'; readonly message: Message }
  | { readonly type: 'closed' };

/** Asterisk's side of one AMI connection: one thread, which does one thing after another. */
export class AmiSession {
  readonly #agenda: Agenda;
  readonly #asterisk: Asterisk;
  readonly #receive: (packet: AmiPacket) => void;
  #loggedIn = false;
  readonly #inbox: { readonly id: number; readonly request: AmiRequest }[] = [];
  #works = false;
  /** Events that wait until its thread has answered what it was asked. */
  #events: AmiPacket[] = [];
  #lastOutAt = 0;
  /** Nobody at the other end is interested any more; what was asked for is still done. */
  #isOver = false;
  /** Asterisk has no such session, whatever the client knows. */
  isDead = false;

  constructor(agenda: Agenda, asterisk: Asterisk, receive: (packet: AmiPacket) => void) {
    this.#agenda = agenda;
    this.#asterisk = asterisk;
    this.#receive = receive;
  }

  /** What it was asked for is done, but for what is asked all the time. */
  get isIdle(): boolean {
    return this.isDead || this.#inbox.length + (this.#works ? 1 : 0) <= (this.#isOver ? 0 : 1);
  }

  request(id: number, request: AmiRequest): void {
    this.#agenda.after(this.#asterisk.amiMs, () => {
      // A kernel that knows no such connection says so, if the machine is there.
      if (this.isDead) return this.#asterisk.isRunning ? this.#send({ type: 'closed' }) : undefined;
      this.#inbox.push({ id, request });
      this.#work();
    });
  }

  event(packet: AmiPacket): void {
    if (!this.#loggedIn) return;
    if (this.#works) this.#events.push(packet);
    else this.#send(packet);
  }

  booted(): void {
    if (this.#loggedIn) this.#send({ type: 'booted' });
  }

  /** The client is gone; what it has asked for is still done, unless that is lost. */
  hangUp(lost = false): void {
    this.#isOver = true;
    if (lost) this.isDead = true;
    this.#agenda.after(this.#asterisk.amiMs, () => this.#asterisk.forget(this));
  }

  /** Asterisk is gone; `told`: its kernel says so. */
  kill(told: boolean): void {
    this.isDead = true;
    if (told) this.#send({ type: 'closed' });
  }

  #work(): void {
    const next = this.#works ? undefined : this.#inbox.shift();
    if (next === undefined) return;
    this.#works = true;
    this.#asterisk.whenAwake(() =>
      this.#agenda.after(this.#asterisk.answerMs, () => this.#asterisk.whenAwake(() => this.#perform(next))),
    );
  }

  #perform({ id, request }: { readonly id: number; readonly request: AmiRequest }): void {
    if (this.isDead) return;
    const { ok, rows } = this.#asterisk.perform(request);
    this.#send({ type: 'answer', id, ok, rows });
    if (request.type === 'login') {
      this.#loggedIn = true;
      if (this.#asterisk.isBooted) this.booted();
    }
    for (const event of this.#events.splice(0)) this.#send(event);
    this.#works = false;
    this.#work();
  }

  #send(packet: AmiPacket): void {
    this.#lastOutAt = Math.max(this.#lastOutAt, this.#agenda.now + this.#asterisk.amiMs);
    this.#agenda.after(this.#lastOutAt - this.#agenda.now, () => {
      if (!this.#isOver) this.#receive(packet);
    });
  }
}
