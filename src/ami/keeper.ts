/**
 * The lease over one session: asking for it, keeping it, giving it back. Owns the timers and actions of that; the rules
 * are lease.ts's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AmiDown, AmiOptions } from './contract.ts';
import { type Answer, type Exchange, isForbidden } from './exchange.ts';
import { asked, type Before, Claimant, FREE, held, keeping } from './lease.ts';
import { RELEASE_TIMEOUT_MS, type Times } from './limits.ts';
import { missingWrite, noLease, standby } from './reasons.ts';

export interface KeeperHandlers {
  /** Another broker holds it. May be called more than once. */
  standsBy(why: AmiDown): void;
  /** Another broker took it. */
  lost(why: AmiDown): void;
}

export class Keeper {
  readonly #exchange: Exchange;
  readonly #options: AmiOptions;
  readonly #lease: NonNullable<AmiOptions['lease']>;
  readonly #times: Times;
  readonly #before: Before;
  readonly #handlers: KeeperHandlers;
  #holds = false;
  #heldAt: number | undefined;
  /** The reading that is on its way. */
  #looking: Promise<void> | undefined;

  constructor(
    exchange: Exchange,
    options: AmiOptions & Required<Pick<AmiOptions, 'lease'>>,
    times: Times,
    before: Before,
    handlers: KeeperHandlers,
  ) {
    this.#exchange = exchange;
    this.#options = options;
    this.#lease = options.lease;
    this.#times = times;
    this.#before = before;
    this.#handlers = handlers;
  }

  /** When we were last sure that we hold it. */
  get heldAt(): number | undefined {
    return this.#heldAt;
  }

  /** False: after a time in which we did not run, or Asterisk did not answer, another broker may have taken our place. */
  get isSure(): boolean {
    const { deadAfter } = this.#times.lease;
    return this.#heldAt !== undefined && performance.now() - this.#heldAt < deadAfter;
  }

  /** Resolves when it is ours, or with why that cannot be found out. */
  async claim(): Promise<AmiDown | undefined> {
    const { tag, epoch, former } = this.#lease;
    const ours = former === undefined ? [epoch] : [epoch, former];
    const claimant = new Claimant({ ...this.#before, ours }, this.#times.lease);
    let slowestMs = 0;
    for (;;) {
      const now = performance.now();
      const read = await this.#read();
      if (!read.ok) return this.#failed(read);
      slowestMs = Math.max(slowestMs, performance.now() - now);
      const claim = claimant.look(read.message['value'] ?? '', now, slowestMs);
      if (claim === 'take') {
        const taken = await this.#take(claimant.isOurs);
        if (taken !== 'lost') return taken;
      } else if (claim === 'ask') {
        const written = await this.#write(asked(epoch));
        if (!written.ok) return this.#failed(written);
        claimant.hasAsked(performance.now());
      }
      if (claimant.standsBy) this.#handlers.standsBy(standby(tag));
      await this.#pause(this.#times.lease.look);
    }
  }

  /** Asks anew; false: another broker took it, which is told, or Asterisk does not answer. */
  async makeSure(): Promise<boolean> {
    // One that is on its way may be as old as our last look.
    if (this.#looking) await this.#looking;
    const before = this.#heldAt;
    await this.#look();
    return this.#holds && this.#heldAt !== before;
  }

  /** So that another broker need not wait for our silence. Resolves within RELEASE_TIMEOUT_MS. */
  async release(): Promise<void> {
    if (!this.#holds) return;
    this.#holds = false;
    const { tag } = this.#lease;
    await this.#exchange.ask({ name: 'Setvar', leaseOf: tag, lease: FREE }, RELEASE_TIMEOUT_MS);
  }

  /** The session is over. */
  end(): void {
    this.#holds = false;
  }

  /** `isOurs`: nobody else can want it just now. Else somebody may have written in the same moment: the last one has it. */
  async #take(isOurs: boolean): Promise<AmiDown | 'lost' | undefined> {
    const { epoch } = this.#lease;
    // Before it is written: a stop in between gives it back.
    this.#holds = true;
    const now = performance.now();
    const written = await this.#write(held(epoch));
    if (!written.ok) return this.#failed(written);
    this.#heldAt = now;
    if (!isOurs) {
      await this.#pause(this.#times.lease.look);
      const again = await this.#read();
      if (!again.ok) return this.#failed(again);
      if (keeping(again.message['value'] ?? '', epoch) === 'lost') {
        this.#holds = false;
        this.#heldAt = undefined;
        return 'lost';
      }
    }
    void this.#keep();
    return undefined;
  }

  async #keep(): Promise<void> {
    while (this.#holds) {
      await this.#look();
      await this.#pause(this.#times.lease.keep);
    }
  }

  /** One reading at a time. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const { tag, epoch } = this.#lease;
    const now = performance.now();
    const read = await this.#read();
    if (!this.#holds || !read.ok) return;
    const hold = keeping(read.message['value'] ?? '', epoch);
    if (hold === 'lost') {
      this.#holds = false;
      this.#heldAt = undefined;
      return this.#handlers.lost(standby(tag));
    }
    this.#heldAt = now;
    if (hold === 'write') await this.#write(held(epoch));
  }

  #read(): Promise<Answer> {
    return this.#exchange.ask({ name: 'Getvar', leaseOf: this.#lease.tag }, this.#times.answer);
  }

  #write(lease: string): Promise<Answer> {
    return this.#exchange.ask({ name: 'Setvar', leaseOf: this.#lease.tag, lease }, this.#times.answer);
  }

  /** Keeps no process up. */
  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { ref: false });
  }

  #failed(answer: Extract<Answer, { ok: false }>): AmiDown {
    return isForbidden(answer) ? missingWrite(this.#options, 'Getvar and Setvar') : noLease(answer.why);
  }
}
