/**
 * The local Asterisk, whatever session it takes: one session after another until closed. Owns when to dial
 * and what the broker is told of it.
 */
import type { Presence } from '../core/presence.ts';
import type { ChannelChange } from '../core/source.ts';
import type {
  AmiDown,
  AmiDownReason,
  AmiHandlers,
  AmiOptions,
  Asterisk,
  AsteriskStatus,
  WriteResult,
} from './contract.ts';
import type { Action } from './encode.ts';
import { TIMES, type Times } from './limits.ts';
import { lackingText } from './offers.ts';
import { Session } from './session.ts';
import { Upkeep } from './upkeep.ts';

/** Nothing happens before `start()`. Handlers must not throw. */
export function createAsterisk(options: AmiOptions, handlers: AmiHandlers, times: Times = TIMES): Asterisk {
  return new LocalAsterisk(options, handlers, times);
}

/** Why a session ends that misses events. */
const DEAF: ReadonlySet<AmiDownReason> = new Set([
  'missing-events',
  'missing-channel-events',
  'missing-presence-events',
]);

const NO_SESSION: WriteResult = { ok: false, why: 'there is no session with Asterisk' };

/** How Asterisk refuses a variable, also when there is no such function; of that it logs an error each time (main/pbx_functions.c). */
const REFUSED_VARIABLE = 'Variable not set';
const NO_PRESENCE: WriteResult = {
  ok: false,
  absent: true,
  why: 'this Asterisk does not take PRESENCE_STATE; load func_presencestate (modules.conf: load=func_presencestate.so; since 11)',
};

class LocalAsterisk implements Asterisk {
  #options: AmiOptions;
  readonly #handlers: AmiHandlers;
  readonly #times: Times;
  /** The last one dialled; it may have ended. */
  #session: Session | undefined;
  #upkeep: Upkeep | undefined;
  #isUp = false;
  #upSince = 0;
  #isClosed = false;
  /** Set from the end of one session to the dialling of the next. */
  #redial: NodeJS.Timeout | undefined;
  #backoff: number;
  #sessions = 0;
  #relists = 0;
  /** Why the last session that missed events ended, until one of them is heard. */
  #deaf: AmiDown | undefined;
  /** The kinds of channel events of which it is to be one each: a filter may hold back one of them. */
  readonly #unheard = new Set<ChannelChange['type']>();
  /** Another broker works beside this Asterisk, as far as was seen. */
  #standsBy = false;
  /** A presence was refused since everything was last read: no other one is tried until then. */
  #noPresence = false;
  /** What `failed` was last called for since the last session that was up. */
  #told: AmiDownReason | undefined;

  constructor(options: AmiOptions, handlers: AmiHandlers, times: Times) {
    this.#options = options;
    this.#handlers = handlers;
    this.#times = times;
    this.#backoff = times.redialFirst;
  }

  start(): void {
    if (!this.#session && !this.#isClosed) this.#dial();
  }

  setDeviceState(device: string, state: string): Promise<WriteResult> {
    return this.#write({ name: 'Setvar', device, state });
  }

  async setPresence(presentity: string, presence: Presence): Promise<WriteResult> {
    if (this.#isUp && this.#noPresence) return NO_PRESENCE;
    const result = await this.#write({ name: 'Setvar', presentity, presence });
    if (result.ok || result.why !== REFUSED_VARIABLE) return result;
    this.#noPresence = true;
    return NO_PRESENCE;
  }

  async #write(action: Action): Promise<WriteResult> {
    const session = this.#session;
    if (!session || !this.#isUp || this.#isClosed) return NO_SESSION;
    const { lease } = session;
    if (lease && !lease.isSure && !((await lease.makeSure()) && session === this.#session)) return NO_SESSION;
    const answer = await session.ask(action, this.#times.answer);
    return answer.ok ? { ok: true } : { ok: false, why: answer.why };
  }

  relist(): void {
    this.#upkeep?.relist();
  }

  reconfigure(options: AmiOptions): void {
    const before = this.#options;
    this.#options = options;
    const isSame = sessionOf(before) === sessionOf(options);
    if (isSame && this.#isEnough(before, options)) return this.#upkeep?.retime(options);
    this.#backoff = this.#times.redialFirst;
    // What failed with the old options is told again when it fails with these.
    this.#told = undefined;
    this.#deaf = undefined;
    if (this.#redial === undefined) {
      this.#session?.end({ reason: 'reconfigured', text: 'the ami options of the config changed' });
    } else if (!this.#isClosed) {
      clearTimeout(this.#redial);
      this.#redialLater();
    }
  }

  /** What the config takes states from decides only what is missing; if this session does not know, another one finds it out. */
  #isEnough(before: AmiOptions, { devices = false, presences = false }: AmiOptions): boolean {
    const isAsBefore = (before.devices ?? false) === devices && (before.presences ?? false) === presences;
    const session = this.#session;
    if (isAsBefore || !this.#isUp || !session) return isAsBefore;
    return (
      (!devices || session.knows('DeviceStateList')) && (!presences || session.knows('PresenceStateList'))
    );
  }

  status(): AsteriskStatus {
    const lacking = this.#isUp && this.#session && lackingText(this.#session.lacking, this.#options);
    return {
      sessions: this.#sessions,
      relists: this.#relists,
      ...(this.#deaf && { deaf: this.#deaf.text }),
      ...(lacking && { lacking }),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#redial);
    await this.#session?.lease?.release();
    this.#session?.end({ reason: 'stopped', text: 'Hintmesh stops' });
    await this.#session?.closed;
  }

  #dial(): void {
    this.#redial = undefined;
    const session = new Session(
      this.#options,
      {
        toAsk: (listed) => upkeep.toAsk(listed),
        standsBy: (why) => this.#standBy(why),
        up: (listing, about) => {
          // The lease was given back already.
          if (this.#isClosed) return;
          this.#isUp = true;
          this.#sessions += 1;
          this.#upSince = performance.now();
          this.#told = undefined;
          this.#standsBy = false;
          this.#noPresence = false;
          // First the listing, then what follows from it.
          this.#handlers.up(listing, about);
          if (this.#isUp) upkeep.start(listing);
        },
        hintChanged: (status) => upkeep.hintChanged(status),
        deviceChanged: (status) => upkeep.deviceChanged(status),
        channelChanged: (change) => upkeep.channelChanged(change),
        presenceChanged: (status) => upkeep.presenceChanged(status),
        mailboxChanged: (status) => upkeep.mailboxChanged(status),
        reloaded: () => upkeep.relist(),
        ended: (why) => {
          upkeep.stop();
          this.#ended(why);
        },
      },
      this.#times,
      { stoodBy: this.#standsBy, heldAt: this.#session?.lease?.heldAt },
    );
    const handlers = this.#handlers;
    const upkeep = new Upkeep(
      session,
      this.#options,
      {
        toAsk: (listed) => handlers.toAsk(listed),
        relisted: (listing) => {
          this.#relists += 1;
          this.#noPresence = false;
          handlers.relisted(listing);
        },
        hintChanged: (status) => {
          this.#heard('missing-events');
          handlers.hintChanged(status);
        },
        deviceChanged: (status) => {
          this.#heard('missing-events');
          handlers.deviceChanged(status);
        },
        channelChanged: (change) => {
          this.#unheard.delete(change.type);
          if (this.#unheard.size === 0) this.#heard('missing-channel-events');
          handlers.channelChanged(change);
        },
        presenceChanged: (status) => {
          this.#heard('missing-presence-events');
          handlers.presenceChanged(status);
        },
        mailboxChanged: (status) => handlers.mailboxChanged(status),
        answered: () => handlers.answered(),
      },
      this.#times,
    );
    this.#session = session;
    this.#upkeep = upkeep;
    session.start();
  }

  #standBy(why: AmiDown): void {
    if (this.#standsBy && this.#told === undefined) return;
    this.#standsBy = true;
    this.#told = undefined;
    this.#handlers.standsBy(why);
  }

  #heard(reason: AmiDownReason): void {
    if (this.#deaf?.reason === reason) this.#deaf = undefined;
  }

  #ended(why: AmiDown): void {
    const wasUp = this.#isUp;
    if (DEAF.has(why.reason)) {
      this.#deaf = why;
      this.#unheard.add('state').add('gone');
    }
    this.#isUp = false;
    // A session that ends as soon as it is up must not be tried again and again at full speed.
    const stayed = wasUp && performance.now() - this.#upSince >= this.#times.stayedUp;
    if (stayed) this.#backoff = this.#times.redialFirst;
    if (wasUp) this.#handlers.down(why);
    if (why.reason === 'standby') this.#standBy(why);
    else if (!wasUp) this.#failed(why);
    // The handlers may have closed us.
    if (!this.#isClosed) this.#redialLater();
  }

  #failed(why: AmiDown): void {
    if (this.#told === why.reason || why.reason === 'reconfigured' || this.#isClosed) return;
    this.#told = why.reason;
    this.#handlers.failed(why);
  }

  /** Never at once: Asterisk must have seen the old session go (allowmultiplelogin=no). */
  #redialLater(): void {
    this.#redial = setTimeout(() => this.#dial(), this.#backoff * (0.5 + Math.random() / 2));
    this.#backoff = Math.min(this.#backoff * 2, this.#times.redialMost);
  }
}

/** What makes it another session, as a text to compare; the intervals do not. */
function sessionOf(options: AmiOptions): string {
  const { pingEveryMs: _, relistEveryMs: __, devices: ___, presences: ____, ...rest } = options;
  return JSON.stringify(rest);
}
