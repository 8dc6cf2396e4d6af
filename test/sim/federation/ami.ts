/**
 * The AMI edge of one broker, in the time of the run: sessions, their readings, and what calls for another one. How a
 * listing comes to be and what events tell beside their content is the real code of src/ami; timers and sockets are not.
 */
import { channelChange, deviceStatus, hintStatus } from '../../../src/ami/events.ts';
import { TIMES } from '../../../src/ami/limits.ts';
import type { Merge } from '../../../src/ami/merge.ts';
import type { Message } from '../../../src/ami/message.ts';
import { Watch } from '../../../src/ami/watch.ts';
import type { ChannelChange, DeviceStatus, HintKey, HintStatus, Listing } from '../../../src/core/source.ts';
import type { WritableState } from '../../../src/core/state.ts';
import type { Timer } from './agenda.ts';
import type { AmiPacket, AmiRequest, AmiSession } from './ami-session.ts';
import { type Answer, Questions } from './questions.ts';
import { Reading } from './reading.ts';

export interface AmiIntervals {
  readonly pingEveryMs: number;
  readonly relistEveryMs: number;
  readonly channels: boolean;
}

export interface AmiHandlers {
  now(): number;
  /** Of the process: it does not fire while that is frozen. */
  timer(ms: number, run: () => void): Timer;
  connect(receive: (packet: AmiPacket) => void): AmiSession | undefined;
  toAsk(listed: readonly HintStatus[]): readonly HintKey[];
  up(listing: Listing): void;
  relisted(listing: Listing): void;
  down(): void;
  hintChanged(status: HintStatus): void;
  deviceChanged(status: DeviceStatus): void;
  channelChanged(change: ChannelChange): void;
  answered(): void;
}

export class Ami {
  readonly #handlers: AmiHandlers;
  #intervals: AmiIntervals;
  #session: AmiSession | undefined;
  #stage: 'down' | 'login' | 'booting' | 'reading' | 'up' | 'closed' = 'down';
  #merge: Merge | undefined;
  #watch = new Watch();
  readonly #questions = new Questions();
  #backoff = 0;
  #upSince = 0;
  /** Those of the present session, by what they are for. */
  readonly #timers = new Map<string, Timer>();
  #pinging = false;
  #owed: number | undefined;
  #relistAt = Number.POSITIVE_INFINITY;
  #lastRead = 0;

  constructor(handlers: AmiHandlers, intervals: AmiIntervals) {
    this.#handlers = handlers;
    this.#intervals = intervals;
  }

  /** What it has heard is what Asterisk says; else it does not know yet that the session is over. */
  get isInTouch(): boolean {
    return this.#session?.isDead === false;
  }

  /** When everything was last read. */
  get lastRead(): number {
    return this.#lastRead;
  }

  start(): void {
    this.#dial();
  }

  close(lost = false): void {
    this.#stage = 'closed';
    this.#clear();
    this.#questions.end();
    this.#session?.hangUp(lost);
    this.#session = undefined;
  }

  /** The connection breaks; `lost`: with what was on its way. */
  cut(lost: boolean): void {
    if (this.#session !== undefined) this.#end(lost);
  }

  reconfigure(intervals: AmiIntervals): void {
    const same = this.#intervals.channels === intervals.channels;
    this.#intervals = intervals;
    if (this.#stage === 'closed') return;
    if (!same && this.#session !== undefined) this.#end();
    else if (this.#stage === 'up') this.#beat();
  }

  set(lamp: string, state: WritableState, done: (ok: boolean) => void): void {
    if (this.#stage !== 'up') return void this.#handlers.timer(0, () => done(false));
    const id = this.#questions.nextId;
    const isAwaited = (): boolean => this.#questions.isOpen(id);
    this.#ask({ type: 'set', lamp, state, isAwaited }, (ok) => done(ok));
  }

  relist(after = TIMES.relistDebounce): void {
    if (this.#stage !== 'up' || this.#merge !== undefined) {
      this.#owed = Math.min(after, this.#owed ?? after);
      return;
    }
    const at = this.#handlers.now() + after;
    if (at >= this.#relistAt) return;
    this.#relistAt = at;
    this.#set('relist', after, () => {
      this.#relistAt = Number.POSITIVE_INFINITY;
      this.#read();
    });
  }

  #dial(): void {
    const session: AmiSession | undefined = this.#handlers.connect((packet) => {
      if (this.#session === session) this.#received(packet);
    });
    this.#session = session;
    if (session === undefined) return this.#redial();
    this.#stage = 'login';
    this.#set('bound', TIMES.login, () => this.#end());
    this.#ask({ type: 'login' }, () => {
      if (this.#stage !== 'login') return;
      this.#stage = 'booting';
      this.#set('bound', TIMES.boot, () => this.#end());
    });
  }

  #redial(): void {
    this.#stage = 'down';
    this.#backoff = Math.min(TIMES.redialMost, Math.max(TIMES.redialFirst, this.#backoff * 2));
    this.#set('redial', this.#backoff, () => this.#dial());
  }

  #received(packet: AmiPacket): void {
    switch (packet.type) {
      case 'closed':
        return this.#end();
      case 'booted':
        if (this.#stage === 'up' || this.#stage === 'reading') this.relist();
        else {
          this.#stage = 'reading';
          this.#set('bound', TIMES.row, () => this.#end());
          this.#read();
        }
        return;
      case 'answer':
        return this.#questions.answered(packet.id, packet.ok, packet.rows);
      case 'event':
        return this.#event(packet.message);
    }
  }

  #event(message: Message): void {
    const isUp = this.#stage === 'up';
    const hint = message['event'] === 'ExtensionStatus' ? hintStatus(message) : undefined;
    const device = message['event'] === 'DeviceStateChange' ? deviceStatus(message) : undefined;
    if (hint) {
      this.#merge?.hint(hint);
      if (isUp) this.#hintChanged(hint);
    } else if (device) {
      this.#merge?.device(device);
      if (!isUp) return;
      this.#watch.device(device, this.#handlers.now());
      this.#handlers.deviceChanged(device);
    } else if (message['event'] === 'Reload') this.relist();
    else if (this.#intervals.channels) {
      const change = channelChange(message);
      if (!change) return;
      this.#merge?.channel(change);
      if (isUp) this.#handlers.channelChanged(change);
    }
  }

  #hintChanged(hint: HintStatus): void {
    const sign = this.#watch.hint(hint);
    if (sign === 'undescribed') this.relist();
    else if (sign === 'repeated') this.relist(this.#afterRepeat());
    this.#handlers.hintChanged(hint);
  }

  #afterRepeat(): number {
    const { relistDebounce, relistAfterRepeat } = TIMES;
    return Math.max(relistDebounce, this.#lastRead + relistAfterRepeat - this.#handlers.now());
  }

  #read(): void {
    this.#owed = undefined;
    const reading = new Reading(
      this.#intervals.channels,
      (request, answer) => this.#ask(request, (_ok, rows) => answer(rows)),
      (listed) => this.#handlers.toAsk(listed),
      (asked) => this.#wasRead(reading.merge, asked),
    );
    this.#merge = reading.merge;
    reading.begin();
  }

  #wasRead(merge: Merge, asked: readonly HintKey[]): void {
    const listing = merge.listing();
    this.#merge = undefined;
    this.#lastRead = this.#handlers.now();
    const isFirst = this.#stage === 'reading';
    if (isFirst) {
      this.#stage = 'up';
      this.#upSince = this.#handlers.now();
      this.#timers.get('bound')?.cancel();
      this.#watch = new Watch();
    }
    this.#watch.listed(listing, asked);
    if (isFirst) {
      this.#handlers.up(listing);
      for (const change of merge.held()) this.#handlers.channelChanged(change);
      this.#beat();
      this.#ping();
    } else this.#handlers.relisted(listing);
    if (this.#owed !== undefined) this.relist(this.#owed);
  }

  #beat(): void {
    this.#set('ping', this.#intervals.pingEveryMs, () => {
      this.#ping();
      this.#beat();
    });
    if (this.#timers.has('relistAll')) return;
    const all = (): void => {
      this.relist();
      this.#set('relistAll', this.#intervals.relistEveryMs, all);
    };
    this.#set('relistAll', this.#intervals.relistEveryMs, all);
  }

  #ping(): void {
    if (this.#pinging) return;
    this.#pinging = true;
    this.#set('pong', TIMES.ping, () => this.#end());
    this.#ask({ type: 'ping' }, () => {
      this.#pinging = false;
      this.#timers.get('pong')?.cancel();
      if (this.#watch.isForgotten(this.#handlers.now())) this.relist(this.#afterRepeat());
      this.#handlers.answered();
    });
  }

  #ask(request: AmiRequest, answer: Answer): void {
    this.#session?.request(this.#questions.add(request, this.#handlers.now(), answer), request);
    if (request.type === 'set' && !this.#timers.has('late')) this.#watchLate();
  }

  #watchLate(): void {
    this.#set('late', TIMES.answer, () => {
      this.#timers.delete('late');
      this.#questions.giveUpLate(this.#handlers.now());
      if (this.#questions.hasWrites && !this.#timers.has('late')) this.#watchLate();
    });
  }

  #end(lost = false): void {
    const wasUp = this.#stage === 'up';
    this.#session?.hangUp(lost);
    this.#session = undefined;
    this.#clear();
    const tell = this.#questions.end();
    if (wasUp) {
      if (this.#handlers.now() - this.#upSince >= TIMES.stayedUp) this.#backoff = 0;
      this.#stage = 'down';
      this.#handlers.down();
    }
    tell();
    this.#redial();
  }

  #clear(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#merge = undefined;
    this.#pinging = false;
    this.#relistAt = Number.POSITIVE_INFINITY;
  }

  #set(what: string, ms: number, run: () => void): void {
    this.#timers.get(what)?.cancel();
    this.#timers.set(what, this.#handlers.timer(ms, run));
  }
}
