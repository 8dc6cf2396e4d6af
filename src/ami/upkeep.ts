/**
 * Keeping a session true while it lasts: asking whether Asterisk still answers, and reading everything again
 * when something calls for it. Owns the timers of a session that is up.
 */
import { performance } from 'node:perf_hooks';
import type {
  ChannelChange,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from '../core/source.ts';
import { ChannelWatch } from './channel-watch.ts';
import type { AmiDown, AmiHandlers, AmiOptions } from './contract.ts';
import type { Times } from './limits.ts';
import { PresenceWatch } from './presence-watch.ts';
import { missingChannelEvents, missingPresenceEvents, missingRead, pingTimeout } from './reasons.ts';
import type { Session } from './session.ts';
import { Watch } from './watch.ts';

/** An event that was queued before a Ping comes before its answer; one more Ping for the queueing itself. */
const DEAF_PINGS = 2;

/** That events which should be here are missing. */
class Suspicion {
  #pings = 0;

  begin(): void {
    this.#pings = DEAF_PINGS;
  }

  /** At an answered Ping: whether it is time to decide. */
  isDue(): boolean {
    return this.#pings > 0 && --this.#pings === 0;
  }
}

type Handlers = Omit<AmiHandlers, 'up' | 'down' | 'standsBy' | 'failed'>;

export class Upkeep {
  readonly #session: Session;
  #options: AmiOptions;
  readonly #handlers: Handlers;
  readonly #times: Times;
  readonly #watch = new Watch();
  readonly #channelWatch = new ChannelWatch();
  readonly #presenceWatch = new PresenceWatch();
  #asked: readonly HintKey[] = [];
  #isUp = false;
  #pinger: NodeJS.Timeout | undefined;
  #relister: NodeJS.Timeout | undefined;
  #debounce: NodeJS.Timeout | undefined;
  #pinging = false;
  #reading = false;
  /** Something called for a relist that could not begin yet; how long it may wait, milliseconds. */
  #owed: number | undefined;
  #relistAt = Number.POSITIVE_INFINITY;
  #lastRead = 0;
  /** A hint told of a dialplan reload, which may be under way still. */
  #reloading = false;
  /** States, channels, or presence, changed and no event told. */
  readonly #ofStates = new Suspicion();
  readonly #ofChannels = new Suspicion();
  readonly #ofPresence = new Suspicion();

  constructor(session: Session, options: AmiOptions, handlers: Handlers, times: Times) {
    this.#session = session;
    this.#options = options;
    this.#handlers = handlers;
    this.#times = times;
  }

  /** The session is up with this listing. */
  start(listing: Listing): void {
    this.#isUp = true;
    this.#watch.listed(listing, this.#asked);
    this.#channelWatch.listed(listing.channels);
    this.#presenceWatch.listed(listing.presences);
    this.#beat();
    this.#lastRead = performance.now();
    if (this.#owed !== undefined) this.relist(this.#owed);
    void this.#ping();
  }

  /** Other intervals from now on. */
  retime(options: AmiOptions): void {
    const { pingEveryMs, relistEveryMs } = this.#options;
    const isSame = pingEveryMs === options.pingEveryMs && relistEveryMs === options.relistEveryMs;
    this.#options = options;
    if (!this.#isUp || isSame) return;
    this.#beat();
    void this.#ping();
  }

  #beat(): void {
    const options = this.#options;
    clearInterval(this.#pinger);
    clearInterval(this.#relister);
    this.#pinger = setInterval(() => void this.#ping(), options.pingEveryMs);
    this.#relister = setInterval(() => this.relist(), options.relistEveryMs);
  }

  stop(): void {
    this.#isUp = false;
    clearInterval(this.#pinger);
    clearInterval(this.#relister);
    clearTimeout(this.#debounce);
  }

  /** Read everything again, within `after` milliseconds; once more afterwards when a reading is under way. */
  relist(after = this.#times.relistDebounce): void {
    if (!this.#isUp || this.#reading) {
      this.#owed = Math.min(after, this.#owed ?? after);
      return;
    }
    // Only moved forward by later calls: a steady stream of them must not put it off for ever.
    const at = performance.now() + after;
    if (at >= this.#relistAt) return;
    this.#relistAt = at;
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => {
      this.#relistAt = Number.POSITIVE_INFINITY;
      void this.#read();
    }, after);
  }

  toAsk(listed: readonly HintStatus[]): readonly HintKey[] {
    this.#asked = this.#handlers.toAsk(listed);
    return this.#asked;
  }

  hintChanged(status: HintStatus): void {
    const sign = this.#watch.hint(status);
    if (sign !== undefined) this.#reloading = true;
    if (sign === 'undescribed') this.relist();
    else if (sign === 'repeated') this.relist(this.#afterRepeat());
    this.#handlers.hintChanged(status);
  }

  deviceChanged(status: DeviceStatus): void {
    this.#watch.device(status, performance.now());
    // A phone does something: then channels come or go, which only reading them tells if their events do not come.
    const { channels } = this.#options;
    if (channels && !this.#channelWatch.isProved && !status.device.startsWith('Custom:')) {
      this.relist(this.#afterRepeat());
    }
    this.#handlers.deviceChanged(status);
  }

  channelChanged(change: ChannelChange): void {
    this.#channelWatch.heard(change);
    this.#handlers.channelChanged(change);
  }

  presenceChanged(status: PresenceStatus): void {
    this.#presenceWatch.heard();
    this.#handlers.presenceChanged(status);
  }

  /** Nothing follows from these: where they are held back, mailboxes are as late as the next relist. */
  mailboxChanged(status: MailboxStatus): void {
    this.#handlers.mailboxChanged(status);
  }

  /** A hint may repeat itself for reasons of its own, so these relists keep a distance. */
  #afterRepeat(): number {
    const { relistDebounce, relistAfterRepeat } = this.#times;
    return Math.max(relistDebounce, this.#lastRead + relistAfterRepeat - performance.now());
  }

  /**
   * A dialplan reload tells of its hints while it builds them and takes the old ones away afterwards, without a word
   * (main/pbx.c, `ast_add_hint`, `ast_merge_contexts_and_delete`). A reading that such events called for may come in
   * between and see hints that go, so it is followed by another one.
   */
  async #read(): Promise<void> {
    this.#reading = true;
    this.#owed = undefined;
    const mayBeEarly = this.#reloading;
    this.#reloading = false;
    const listing = await this.#session.read();
    this.#reading = false;
    this.#lastRead = performance.now();
    if (!listing || !this.#isUp) return;
    if (this.#watch.listed(listing, this.#asked)) this.#ofStates.begin();
    if (this.#channelWatch.listed(listing.channels)) this.#ofChannels.begin();
    // Without such exports only what is written here would be told, and that is read now and then.
    const { presences } = this.#options;
    if (this.#presenceWatch.listed(listing.presences) && presences) this.#ofPresence.begin();
    this.#handlers.relisted(listing);
    if (mayBeEarly) this.relist(this.#afterRepeat());
    if (this.#owed !== undefined) this.relist(this.#owed);
  }

  async #ping(): Promise<void> {
    if (this.#pinging) return;
    this.#pinging = true;
    const answer = await this.#session.ask({ name: 'Ping' }, this.#times.ping);
    this.#pinging = false;
    if (!this.#isUp) return;
    const failure = answer.ok ? this.#whyDeaf() : pingTimeout(this.#times.ping / 1000);
    if (failure) {
      this.#session.end(failure);
    } else {
      if (this.#watch.isForgotten(performance.now())) this.relist(this.#afterRepeat());
      this.#handlers.answered();
    }
  }

  /** At an answered Ping: events that should be here by now are not. */
  #whyDeaf(): AmiDown | undefined {
    if (this.#ofStates.isDue() && this.#watch.isDeaf) return missingRead(this.#options);
    if (this.#ofChannels.isDue() && this.#channelWatch.isDeaf) return missingChannelEvents(this.#options);
    if (this.#ofPresence.isDue() && this.#presenceWatch.isDeaf) return missingPresenceEvents(this.#options);
    return undefined;
  }
}
