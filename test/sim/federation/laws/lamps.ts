/**
 * What a broker may write into its Asterisk, and when (laws 3 to 6): every write is held against what is known of its
 * origin, of the session, and of the pace; and when nothing is owed, every lamp against what it must show.
 */
import type { Effect, FederationOptions, Input } from '../../../../src/core/federation.ts';
import type { DeviceState, WritableState } from '../../../../src/core/state.ts';
import type { LampsStatus } from '../../../../src/core/write.ts';
import { isTold, mayShow, mayWrite } from './allowed.ts';
import type { Knowledge, Known } from './knowledge.ts';
import { Pace } from './pace.ts';
import { type Lamp, lastsOtherwise, SessionModel } from './session.ts';
import { demand, lampOf, ofDevice, shownAs, splitLamp } from './words.ts';

const REPAIR_EVERY_MS = 1_000;
const RETRY_MIN_MS = 1_000;

type SetLamp = Extract<Effect, { type: 'setLamp' }>;

/** Inputs that light no lamp anew. */
const SILENT: ReadonlySet<Input['type']> = new Set(['tick', 'writeDone', 'asteriskAnswered']);

/** Writes of some lamps, in their order. */
interface Ordered {
  readonly lamps: ReadonlySet<string>;
  readonly writes: readonly string[];
}

export class LampLaws {
  readonly #knowledge: Knowledge;
  readonly #session: SessionModel;
  readonly #pace: Pace;
  readonly #tag: string;
  /** What this run of the broker last wrote, in whatever session. */
  readonly #ours = new Map<string, DeviceState>();
  /** What the core said it owed when it was last asked, and how many of those were refused. */
  #owed = 0;
  #refused = 0;
  /** How often something was heard that lights lamps anew. */
  #news = 0;
  #beliefs = '';
  /** What a change must write at once, in order, because there is room. */
  #mustWrite: Ordered | undefined;

  constructor(knowledge: Knowledge, options: FederationOptions, now: number) {
    this.#knowledge = knowledge;
    this.#session = new SessionModel(knowledge);
    this.#pace = new Pace(options.pacing, now);
    this.#tag = options.tag;
  }

  /** Something is owed, as far as was looked. */
  get isBusy(): boolean {
    return this.#session.isUp && this.#owed > 0;
  }

  /** After the knowledge took the input in, before the core does. */
  before(input: Input, now: number): void {
    const newsBefore = this.#news;
    const moved = this.#beliefsMoved();
    if (moved || !SILENT.has(input.type)) this.#news += 1;
    this.#pace.before(input, now);
    this.#session.take(input, now, newsBefore);
    this.#mustWrite = input.type === 'heard' && !moved ? this.#inOrder(input) : undefined;
  }

  /** `status`: of the core, if something may have changed. */
  after(effects: readonly Effect[], now: number, status: LampsStatus | undefined): void {
    for (const effect of effects) if (effect.type === 'setLamp') this.#write(effect, now);
    if (this.#mustWrite !== undefined) {
      const { lamps, writes } = this.#mustWrite;
      const done = effects.flatMap((each) =>
        each.type === 'setLamp' && lamps.has(each.lamp) ? [`${each.lamp}=${each.state}`] : [],
      );
      const text = (): string => `there was room for ${writes.join(' ')}, written was ${done.join(' ')}`;
      demand(writes.join() === done.slice(0, writes.length).join(), 'law 5 (in order)', text);
    }
    if (!this.#session.isUp || status === undefined) return;
    const { owed, unanswered, refused } = status;
    this.#owed = owed;
    this.#refused = refused;
    const { inFlight } = this.#session;
    demand(unanswered === inFlight, 'law 8', () => `${unanswered} unanswered writes are ${inFlight}`);
    this.#pace.waits(owed - refused, inFlight);
  }

  /** When the broker is to be woken at the latest. */
  wake(at: number | undefined, now: number): void {
    if (this.#session.isUp && this.#owed > this.#refused) this.#pace.wakes(at, this.#session.inFlight, now);
  }

  /**
   * When nothing is owed every lamp is as it must be. `shown`: what Asterisk has; `touched`: lamps that somebody else
   * wrote and that were not repaired yet.
   */
  settled(shown: ReadonlyMap<string, string>, touched: ReadonlySet<string>): void {
    if (!this.#session.isUp || this.#owed + this.#session.inFlight > 0) return;
    for (const known of this.#knowledge.origins.values()) {
      for (const extension of known.told.keys()) this.#isRight(known, extension, shown, touched);
    }
    for (const name of [...shown.keys(), ...this.#session.named]) {
      const lamp = splitLamp(name);
      const known = lamp && this.#knowledge.origins.get(lamp.tag);
      if (lamp && known) this.#isRight(known, lamp.extension, shown, touched);
    }
  }

  #isRight(
    known: Known,
    extension: string,
    shown: ReadonlyMap<string, string>,
    touched: ReadonlySet<string>,
  ): void {
    const name = lampOf(extension, known.tag);
    if (name === undefined || touched.has(name)) return;
    const is = shown.get(name);
    demand(is !== undefined, 'law 3 (never written)', () => `${name} was never written`);
    const right = mayShow(known, extension);
    demand(right === undefined || right.includes(is as DeviceState), 'settled', () => {
      return `nothing is owed, ${known.tag} is ${known.belief}, and ${name} is ${is}, not ${right}`;
    });
  }

  #write({ id, lamp: name, ...effect }: SetLamp, now: number): void {
    const state = ofDevice<WritableState>(effect.state);
    const parts = splitLamp(name);
    demand(parts !== undefined, 'law 9', () => `${name} is no lamp`);
    demand(parts.tag !== this.#tag, 'law 4', () => `${name} is a lamp of our own tag`);
    const known = this.#knowledge.origins.get(parts.tag);
    demand(known !== undefined, 'law 3 (unknown tag)', () => `${name} is written, a lamp of nobody we know`);
    demand(this.#session.isUp, 'law 6', () => `${name} is written without a session`);
    this.#pace.spend(name, this.#session.inFlight);
    const told = isTold(known, parts.extension, state);
    const right = mayWrite(known, parts.extension);
    demand(told || right.includes(state), 'law 3', () => {
      return `${name} = ${state}, but ${known.tag} is ${known.former ? 'former' : known.belief}, so ${right}`;
    });
    const lamp = this.#session.lamp(name);
    this.#isDifference(name, lamp, state, now);
    this.#isHeldBack(name, lamp, state, now);
    this.#isFirst(name, lamp, known);
    this.#holds(name, lamp, state, known, parts.extension, told);
    this.#ours.set(name, state);
    this.#session.sent(id, name, state);
  }

  /** The same again only where Asterisk says otherwise, that lasts, and not all the time. */
  #isDifference(name: string, lamp: Lamp, state: DeviceState, now: number): void {
    if (lamp.written !== state) return;
    const mayRepair = lastsOtherwise(lamp, now) && now - lamp.repairedAt >= REPAIR_EVERY_MS;
    demand(mayRepair, 'law 6', () => `${name} = ${state} once more`);
    lamp.repairedAt = now;
  }

  /** A value that was refused is not tried again before a second has passed, unless its lamp was lit anew meanwhile. */
  #isHeldBack(name: string, { refused }: Lamp, state: DeviceState, now: number): void {
    if (refused?.state !== state || refused.news !== this.#news) return;
    const after = now - refused.at;
    demand(
      after >= RETRY_MIN_MS,
      'law 5 (retry)',
      () => `${name} = ${state} again ${after} ms after it was refused`,
    );
  }

  /** What Asterisk kept of the lamps of an origin that is still waited for stays. */
  #isFirst(name: string, { written = 'UNKNOWN' }: Lamp, { isFresh, tag }: Known): void {
    const isKept = isFresh && !this.#ours.has(name) && written !== 'UNKNOWN';
    demand(!isKept, 'law 3 (first sync)', () => `${name} is written, and nothing was heard of ${tag} yet`);
  }

  /** Hold: dark is only what was never shown; and what is dark does not turn free while nobody says anything. */
  #holds(name: string, lamp: Lamp, state: DeviceState, known: Known, extension: string, told: boolean): void {
    const last = known.told.get(extension);
    const isHold = known.belief === 'gone' && known.gone === 'hold';
    const wasDark = [undefined, 'UNKNOWN', state].includes(lamp.written) || this.#ours.get(name) === state;
    demand(!isHold || known.goneStates.size > 1 || told || wasDark, 'law 3 (hold)', () => {
      return `${name} = ${state}, but ${known.tag} is gone and its lamps are to hold`;
    });
    if (!isHold || lamp.dark?.told !== last) lamp.dark = undefined;
    demand(lamp.dark === undefined || state !== 'NOT_INUSE', 'law 3 (hold)', () => {
      return `${name} showed UNAVAILABLE, nobody has vouched for it since, and now it is free`;
    });
    if (isHold && state === 'UNAVAILABLE' && !told) lamp.dark = { told: last };
  }

  /** The present input, or the time it brings, moved what is believed of an origin: many lamps are lit anew. */
  #beliefsMoved(): boolean {
    let beliefs = '';
    for (const { belief } of this.#knowledge.origins.values()) beliefs += belief;
    const moved = beliefs !== this.#beliefs;
    this.#beliefs = beliefs;
    return moved;
  }

  /** While there is room, states that follow each other in one frame are all written, in order. */
  #inOrder({ peer, message }: Extract<Input, { type: 'heard' }>): Ordered | undefined {
    const known = this.#knowledge.origins.get(peer);
    if (message.type !== 'change' || !this.#session.isUp || known?.belief !== 'live') return undefined;
    if (this.#knowledge.mustDrop !== undefined || this.#owed > 0) return undefined;
    if (this.#pace.room(this.#session.inFlight) < message.entries.length) return undefined;
    const written = new Map<string, DeviceState | undefined>();
    const writes: string[] = [];
    for (const { extension, state } of message.entries) {
      const name = lampOf(extension, peer);
      if (name === undefined) continue;
      const before = written.has(name) ? written.get(name) : this.#session.written(name);
      const next = shownAs(ofDevice<DeviceState | null>(state) ?? undefined);
      written.set(name, next);
      if (before !== next) writes.push(`${name}=${next}`);
    }
    return { lamps: new Set(written.keys()), writes };
  }
}
