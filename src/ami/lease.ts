/**
 * Which of the brokers beside one Asterisk does the work: the one that holds a lease, kept in a global variable of
 * that Asterisk, one for each tag. Owns what the variable says and what follows from it; no timers, no I/O.
 *
 * The variable says `held EPOCH`, `asked EPOCH` or `free`; a fresh Asterisk has none. Who comes and finds it held by
 * another writes `asked`, and the holder, which reads it again and again, answers by writing `held`. No answer: it
 * is dead, and the lease is taken. So a holder that is alone only ever reads: Asterisk logs each write of a global
 * variable (main/pbx_variables.c, `pbx_builtin_setvar_helper`). What is read while it is being written may be
 * garbage (`ast_str_retrieve_variable` lets go of its lock too early), which counts as a question.
 */

export interface LeaseTimes {
  /** The holder reads the lease this often. */
  readonly keep: number;
  /** Who wants it reads it this often, and asks a holder that answered again after this. */
  readonly look: number;
  readonly askAgain: number;
  /** A holder that has not answered for this long is dead. */
  readonly deadAfter: number;
}

type Claim = 'take' | 'ask' | 'wait';
export type Hold = 'hold' | 'write' | 'lost';

export const FREE = 'free';
const SAID = /^(held|asked) ([A-Za-z0-9_-]{1,64})$/;

export function held(epoch: string): string {
  return `held ${epoch}`;
}

export function asked(epoch: string): string {
  return `asked ${epoch}`;
}

export function isLease(text: string): boolean {
  return text === FREE || SAID.test(text);
}

/** What the holder does after reading `text`. */
export function keeping(text: string, epoch: string): Hold {
  if (text === held(epoch)) return 'hold';
  return SAID.exec(text)?.[1] === 'held' ? 'lost' : 'write';
}

/** Slow answers: the question is written after one, read by the holder after another, and answered after a third. */
const ANSWERS = 3;

/** What is known from the sessions before. */
export interface Before {
  /** Another broker held it in the last one. Then an Asterisk that has forgotten it is left to that one first. */
  readonly stoodBy: boolean;
  /** When one of ours was last sure that we hold it; absent: we never did. */
  readonly heldAt?: number | undefined;
}

interface Claiming extends Before {
  /** The epochs of this run and of the one before, which is over. */
  readonly ours: readonly string[];
}

/** From the first look at the lease until it is ours. Times are milliseconds of one monotonic clock. */
export class Claimant {
  readonly #claiming: Claiming;
  readonly #times: LeaseTimes;
  #standsBy: boolean;
  /** Since when nobody has answered; `undefined`: nothing was asked. */
  #since: number | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isOurs = false;

  constructor(claiming: Claiming, times: LeaseTimes) {
    this.#claiming = claiming;
    this.#times = times;
    this.#standsBy = claiming.stoodBy;
  }

  /** Another broker holds it, and is alive. */
  get standsBy(): boolean {
    return this.#standsBy;
  }

  /** What is to be taken was ours already. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** The question has been written. */
  hasAsked(now: number): void {
    if (this.#since !== undefined) this.#since = now;
  }

  /**
   * What to do after reading `text` ('' for no variable). `now`: when the reading was asked for, not when it was
   * answered: a process that was stopped in between must not take it for the holder's silence. `slowestMs`: an
   * answer of this Asterisk may take that long.
   */
  look(text: string, now: number, slowestMs = 0): Claim {
    const { ours, heldAt = Number.NEGATIVE_INFINITY } = this.#claiming;
    const { deadAfter } = this.#times;
    const [, word, epoch = ''] = SAID.exec(text) ?? [];
    // Nobody takes it sooner than that after our last reading, whoever asked.
    const isLeftToUs = text === '' ? heldAt > 0 && !this.#standsBy : now - heldAt < deadAfter;
    this.#isOurs = word === 'held' ? ours.includes(epoch) : isLeftToUs;
    if (this.#isOurs || text === FREE) return 'take';
    if (text === '' && !this.#standsBy) return 'take';
    if (word === 'held') return this.#ofHolder(now);
    // Nobody has answered yet: a question of ours or of another's, or an Asterisk that was started again.
    const isNew = this.#since === undefined;
    this.#since ??= now;
    if (now - this.#since >= deadAfter + ANSWERS * slowestMs) return 'take';
    return isNew && text !== '' ? 'ask' : 'wait';
  }

  #ofHolder(now: number): Claim {
    if (this.#since !== undefined) {
      this.#since = undefined;
      this.#answeredAt = now;
      this.#standsBy = true;
    }
    if (now - this.#answeredAt < this.#times.askAgain) return 'wait';
    this.#since = now;
    return 'ask';
  }
}
