/**
 * Scripted calls: which channels a call has, and what its phones do with it. No media, no signalling, no time; the
 * one who answers, holds, transfers or hangs up is the script. A phone is a device (`PJSIP/1001`) or the extension of
 * one (`1001`).
 */
import { BUSY, type Channel, type Channels, DOWN, deviceOf, RING, RINGING, UP } from './channels.ts';

const CAUSE_BUSY = 17;
const CAUSE_ELSEWHERE = 26;
const CAUSE_UNSPECIFIED = 127;

export class Call {
  readonly #channels: Channels;
  /** Lets Asterisk's other threads catch up, where a phone takes its time. */
  readonly #elapse: () => void;
  #caller: Channel | undefined;
  #callee: Channel | undefined;

  /** `from` calls `to`, which rings. */
  constructor(channels: Channels, elapse: () => void, from: string, to: string) {
    this.#channels = channels;
    this.#elapse = elapse;
    const extension = deviceNamed(to).split('/')[1] ?? '';
    this.#caller = channels.create(deviceNamed(from), RING, extension);
    this.#callee = channels.create(deviceNamed(to), DOWN, extension, this.#caller);
    channels.setState(this.#callee, RINGING);
  }

  answer(): void {
    if (this.#callee) this.#channels.setState(this.#callee, UP);
    if (this.#caller) this.#channels.setState(this.#caller, UP);
  }

  /** Called busy: the one who rings does not want it. */
  reject(): void {
    if (this.#caller) this.#channels.setState(this.#caller, BUSY);
    this.#elapse();
    this.#end(CAUSE_BUSY);
  }

  /** A phone of it holds; absent: the caller. chan_pjsip then shows the OTHER phone as on hold. */
  hold(phone?: string): void {
    this.#hold(phone, true);
  }

  resume(phone?: string): void {
    this.#hold(phone, false);
  }

  /** A phone of it hangs up; absent: the caller. What it held is let go first, without an Unhold. */
  hangup(phone?: string): void {
    const leg = phone === undefined ? this.#caller : this.#leg(phone);
    for (const other of this.#legs()) if (other !== leg) this.#channels.letGo(other);
    this.#elapse();
    this.#end(this.#callee?.state === RINGING ? CAUSE_UNSPECIFIED : 16);
  }

  /** While it rings: `by` takes it (the application Pickup). */
  pickUp(by: string): void {
    if (!this.#callee) return;
    const picker = this.#channels.create(deviceNamed(by), RING, `*8${this.#callee.extension}`);
    this.#channels.setState(picker, UP);
    if (this.#caller) this.#channels.setState(this.#caller, UP);
    this.#callee = this.#channels.masquerade(this.#callee, picker, CAUSE_ELSEWHERE);
  }

  /**
   * The phone that is in both calls connects the two others (REFER with Replaces), also while the second one rings.
   * This call goes on with them, `second` is over.
   */
  transfer(second: Call): void {
    const own = this.#legs().find((leg) => second.#legs().some((other) => deviceOf(other) === deviceOf(leg)));
    const consult = second.#legs().find((leg) => own && deviceOf(leg) === deviceOf(own));
    const other = this.#legs().find((leg) => leg !== own);
    const target = second.#legs().find((leg) => leg !== consult);
    if (!own || !consult || !other || !target) throw new Error('the two calls have no phone in common');
    second.#caller = undefined;
    second.#callee = undefined;
    this.#callee = target;
    if (this.#channels.renames) {
      this.#caller = this.#channels.masquerade(consult, other);
      this.#channels.hangup(own);
      return;
    }
    this.#caller = other;
    this.#channels.hold(own, false, other);
    if (consult.state === UP) this.#channels.hold(consult, false, target);
    this.#channels.hangup(own);
    this.#channels.hangup(consult);
  }

  /** AMI's Redirect of one leg: the dialplan has it now, and the other one is hung up. */
  redirect(phone: string): void {
    const leg = this.#leg(phone);
    for (const other of this.#legs()) if (other !== leg) this.#channels.hangup(other);
    this.#caller = leg;
    this.#callee = undefined;
  }

  #legs(): Channel[] {
    return [this.#caller, this.#callee].filter((leg) => leg !== undefined);
  }

  #leg(phone: string): Channel {
    const leg = this.#legs().find((one) => deviceOf(one) === deviceNamed(phone));
    if (!leg) throw new Error(`${phone} is not in this call`);
    return leg;
  }

  #hold(phone: string | undefined, held: boolean): void {
    const holder = phone === undefined ? this.#caller : this.#leg(phone);
    const other = this.#legs().find((leg) => leg !== holder);
    // Asterisk tells a hold once, however often the phone says it.
    if (holder && holder.holds !== held) this.#channels.hold(holder, held, other);
  }

  #end(cause: number): void {
    for (const leg of this.#legs()) this.#channels.hangup(leg, cause);
    this.#caller = undefined;
    this.#callee = undefined;
  }
}

function deviceNamed(phone: string): string {
  return phone.includes('/') ? phone : `PJSIP/${phone}`;
}
