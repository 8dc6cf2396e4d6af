/**
 * The life of one AMI session: connect → greeting → login → FullyBooted → checks → lease → first listing → up, and
 * its end for whatever reason. Owns which stage it is in and where each packet goes. Does not reconnect.
 */
import type {
  ChannelChange,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from '../core/source.ts';
import { surelyUpSeconds } from './boot.ts';
import { Connection } from './connection.ts';
import type { About, AmiDown, AmiOptions } from './contract.ts';
import type { Action } from './encode.ts';
import { channelChange, deviceStatus, hintStatus } from './events.ts';
import { type Answer, Exchange } from './exchange.ts';
import { Keeper } from './keeper.ts';
import type { Before } from './lease.ts';
import { BOOT_SURELY_DONE_S, type Times } from './limits.ts';
import { readLists } from './lists.ts';
import { mailboxOfEvent } from './mailbox.ts';
import { Merge } from './merge.ts';
import type { Message } from './message.ts';
import { type Lacking, type ListAction, type Offers, offersAgain, offersOf } from './offers.ts';
import { presenceStatus } from './presence.ts';
import * as reasons from './reasons.ts';

export interface SessionHandlers {
  toAsk(listed: readonly HintStatus[]): readonly HintKey[];
  /** Another broker works beside this Asterisk. May be called more than once. */
  standsBy(why: AmiDown): void;
  /** Booted, checked, and read for the first time; events follow from here on. */
  up(listing: Listing, about: About): void;
  hintChanged(status: HintStatus): void;
  deviceChanged(status: DeviceStatus): void;
  /** Called only with `channels` in the options. */
  channelChanged(change: ChannelChange): void;
  presenceChanged(status: PresenceStatus): void;
  /** Called only with `mailboxes` in the options. */
  mailboxChanged(status: MailboxStatus): void;
  /** Asterisk says that something was reloaded, or that it booted again. */
  reloaded(): void;
  /** Exactly once, at the latest when the connection is gone. */
  ended(why: AmiDown): void;
}

type Stage = 'connecting' | 'login' | 'booting' | 'reading' | 'up' | 'ended';

export class Session {
  readonly #options: AmiOptions;
  readonly #handlers: SessionHandlers;
  readonly #times: Times;
  readonly #connection: Connection;
  readonly #exchange: Exchange;
  #stage: Stage = 'connecting';
  /** Ends a stage that takes too long. */
  #bound: NodeJS.Timeout | undefined;
  /** The listing that is being read. */
  #merge: Merge | undefined;
  /** Known from before the first reading on. */
  #offers: Offers | undefined;
  /** As of the last reading. */
  #lacking: Lacking = new Map();
  readonly #keeper: Keeper | undefined;

  constructor(options: AmiOptions, handlers: SessionHandlers, times: Times, before: Before) {
    this.#options = options;
    this.#handlers = handlers;
    this.#times = times;
    this.#connection = new Connection(options, {
      greeted: () => void this.#login(),
      message: (message) => this.#route(message),
      ended: (why) => this.#ended(why),
    });
    this.#exchange = new Exchange((action, id) => {
      if (action['action'] !== 'Login') return this.#connection.write(action, id);
      this.#connection.login(action, id);
      return true;
    });
    const { lease } = options;
    if (lease) {
      this.#keeper = new Keeper(this.#exchange, { ...options, lease }, times, before, {
        standsBy: (why) => handlers.standsBy(why),
        lost: (why) => this.end(why),
      });
    }
  }

  start(): void {
    const { connect } = this.#times;
    this.#within(connect, reasons.noGreeting(this.#options, connect / 1000));
    this.#connection.open();
  }

  ask(action: Action, timeoutMs: number): Promise<Answer> {
    return this.#exchange.ask(action, timeoutMs);
  }

  /**
   * Reads everything; events that arrive meanwhile are handed over at once and count here as well. Resolves
   * with `undefined` when it cannot, and then the session has ended. One reading at a time.
   */
  async read(): Promise<Listing | undefined> {
    if (this.#lacking.size > 0) await this.#lookAgain();
    const merge = this.#isUp && this.#offers && (await this.#readAll(this.#offers));
    return merge ? merge.listing() : undefined;
  }

  /** What is missing may be there by now. */
  async #lookAgain(): Promise<void> {
    const commands = await this.#exchange.ask({ name: 'ListCommands' }, this.#times.answer);
    if (!this.#offers || !this.#isUp) return;
    const offers = offersAgain(this.#offers, commands, this.#options);
    if ('reason' in offers) this.end(offers);
    else this.#offers = offers;
  }

  async #readAll(offers: Offers): Promise<Merge | undefined> {
    const merge = new Merge();
    this.#merge = merge;
    const { toAsk } = this.#handlers;
    const [options, times] = [this.#options, this.#times];
    const lacking = await readLists(this.#exchange, merge, toAsk, offers, options, times, this.#isUp);
    this.#merge = undefined;
    if ('reason' in lacking) this.end(lacking);
    else this.#lacking = new Map([...offers.lacking, ...lacking]);
    return this.#stage === 'ended' ? undefined : merge;
  }

  end(why: AmiDown): void {
    this.#connection.end(why);
  }

  /** What cannot be had from this Asterisk; the rest is read and goes on. */
  get lacking(): Lacking {
    return this.#lacking;
  }

  /** Whether this list is read, or known to be missing. */
  knows(list: ListAction): boolean {
    return this.#lacking.has(list) || this.#offers?.lists.includes(list) === true;
  }

  /** Absent: nobody else is reckoned with. */
  get lease(): Keeper | undefined {
    return this.#keeper;
  }

  /** Resolves when nothing of it is left. */
  get closed(): Promise<void> {
    return this.#connection.closed;
  }

  async #login(): Promise<void> {
    const { login, answer, boot } = this.#times;
    const { username, secret } = this.#options;
    this.#stage = 'login';
    clearTimeout(this.#bound);
    const reply = await this.#exchange.ask({ name: 'Login', username, secret }, login);
    if (this.#stage !== 'login') return; // ended, or FullyBooted came in the same breath
    if (!reply.ok) return this.end(reasons.loginFailed(this.#options, reply, login / 1000));
    this.#stage = 'booting';
    this.#within(boot, reasons.stillBooting(this.#options));
    // A booted Asterisk says so before it answers this.
    const pong = await this.#exchange.ask({ name: 'Ping' }, answer);
    if (this.#stage !== 'booting') return;
    const status = await this.#exchange.ask({ name: 'CoreStatus' }, answer);
    if (this.#stage !== 'booting' || !pong.ok || !status.ok) return;
    const seconds = surelyUpSeconds(status.message, pong.message) ?? 0;
    if (seconds > BOOT_SURELY_DONE_S) this.end(reasons.noFullyBooted(this.#options));
  }

  async #booted(): Promise<void> {
    this.#stage = 'reading';
    clearTimeout(this.#bound);
    const { answer } = this.#times;
    const [settings, commands, probe] = await Promise.all([
      this.#exchange.ask({ name: 'CoreSettings' }, answer),
      this.#exchange.ask({ name: 'ListCommands' }, answer),
      this.#exchange.ask({ name: 'Getvar' }, answer),
    ]);
    // ListCommands names what this user may do.
    if (commands.ok && commands.message['setvar'] === undefined) {
      return this.end(reasons.missingWrite(this.#options, 'Setvar'));
    }
    // A function that is not there reads as nothing; the device nobody has as UNKNOWN.
    if (probe.ok && probe.message['value'] === '') {
      return this.end(reasons.missingModule('func_devstate', 'DEVICE_STATE function'));
    }
    const offers = offersOf(settings, commands, this.#options);
    if ('reason' in offers) return this.end(offers);
    this.#offers = offers;
    const unclaimed = await this.#keeper?.claim();
    if (unclaimed) return this.end(unclaimed);
    const merge = await this.#readAll(offers);
    if (!merge) return;
    this.#stage = 'up';
    const lists = offers.lists.filter((list) => !this.#lacking.has(list));
    this.#handlers.up(merge.listing(), { version: offers.version, lists });
    for (const change of merge.held()) if (this.#isUp) this.#handlers.channelChanged(change);
  }

  #route(message: Message): void {
    if (message['response'] === 'Error' && message['message'] === reasons.SHUTTING_DOWN) {
      this.end(reasons.shutDown());
    } else if (message['actionid'] !== undefined) {
      // Also rows of lists, which look like events.
      this.#exchange.deliver(message);
    } else if (this.#stage !== 'connecting' && message['event'] !== undefined) {
      this.#event(message['event'], message);
    }
  }

  #event(name: string, message: Message): void {
    switch (name) {
      case 'ExtensionStatus': {
        const status = hintStatus(message);
        if (!status) return;
        this.#merge?.hint(status);
        if (this.#isUp) this.#handlers.hintChanged(status);
        return;
      }
      case 'DeviceStateChange': {
        const status = deviceStatus(message);
        if (!status) return;
        this.#merge?.device(status);
        if (this.#isUp) this.#handlers.deviceChanged(status);
        return;
      }
      case 'PresenceStateChange': {
        // Before that nothing is read, and texts cannot be understood.
        const status = this.#offers && presenceStatus(message, this.#offers.escapes);
        if (!status) return;
        this.#merge?.presence(status);
        if (this.#isUp) this.#handlers.presenceChanged(status);
        return;
      }
      case 'MessageWaiting': {
        const status = this.#options.mailboxes ? mailboxOfEvent(message) : undefined;
        if (!status) return;
        this.#merge?.mailbox(status);
        if (this.#isUp) this.#handlers.mailboxChanged(status);
        return;
      }
      case 'FullyBooted':
        if (this.#stage === 'login' || this.#stage === 'booting') void this.#booted();
        else this.#handlers.reloaded();
        return;
      case 'Reload':
        this.#handlers.reloaded();
        return;
      case 'Shutdown':
        this.end(reasons.shutDown());
        return;
      default: {
        const change = this.#options.channels ? channelChange(message) : undefined;
        if (!change) return;
        this.#merge?.channel(change);
        if (this.#isUp) this.#handlers.channelChanged(change);
      }
    }
  }

  get #isUp(): boolean {
    return this.#stage === 'up';
  }

  #within(ms: number, why: AmiDown): void {
    clearTimeout(this.#bound);
    this.#bound = setTimeout(() => this.end(why), ms);
  }

  #ended(why: AmiDown): void {
    this.#stage = 'ended';
    this.#keeper?.end();
    clearTimeout(this.#bound);
    this.#exchange.end(`the session ended: ${why.text}`);
    this.#handlers.ended(why);
  }
}
