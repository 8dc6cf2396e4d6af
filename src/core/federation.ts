/**
 * The one door of the core: inputs, each with the time it happened, go in; effects come out, to be carried
 * out in order. Owns the origins, the exports and the lamps, and how news travels between them. It has no
 * clock and does no I/O, so the broker, the simulator and the property tests run the same code.
 */
import { type ExportNews, type ExportRule, Exports } from './exports.ts';
import { Lamps, type PacingOptions, type Urgency } from './lamps.ts';
import type { Entry, Message } from './message.ts';
import { lampName, lampOfDevice, lampsOfHint, MAX_LAMP_NAME } from './names.ts';
import type { Note } from './note.ts';
import { MAX_LAMPS_PER_ORIGIN, Origin, type OriginOptions } from './origin.ts';
import type { Belief, BeliefTiming } from './peer.ts';
import type { DeviceStatus, HintKey, HintStatus, Listing } from './source.ts';
import type { DeviceState, WritableState } from './state.ts';

/** Everything that can happen to a broker. Times are milliseconds of one monotonic clock. */
export type Input =
  /** A new AMI session is booted and everything in it was read. */
  | { readonly type: 'asteriskUp'; readonly listing: Listing }
  /** The same session, read again. */
  | { readonly type: 'asteriskRelisted'; readonly listing: Listing }
  | { readonly type: 'asteriskDown' }
  /** The local Asterisk answered a Ping. */
  | { readonly type: 'asteriskAnswered' }
  | { readonly type: 'hintChanged'; readonly status: HintStatus }
  | { readonly type: 'deviceChanged'; readonly status: DeviceStatus }
  /** The answer to the `setLamp` effect with this id. */
  | { readonly type: 'writeDone'; readonly id: number; readonly ok: boolean; readonly why?: string }
  /** An authenticated link said hello; `link` is unique in this broker's life. At most one link a peer. */
  | { readonly type: 'linkUp'; readonly peer: string; readonly link: number; readonly epoch: string }
  | {
      readonly type: 'heard';
      readonly peer: string;
      readonly link: number;
      readonly seq: number;
      readonly message: Message;
    }
  | { readonly type: 'linkDown'; readonly peer: string; readonly link: number }
  | { readonly type: 'tick' };

/** What the broker must do, in this order. */
export type Effect =
  /** To every link that was given a snapshot of this view. */
  | { readonly type: 'publish'; readonly view: string; readonly entries: readonly Entry[] }
  /** To every link that was given a snapshot: this origin vouches for all it said. */
  | { readonly type: 'alive' }
  /** To one link: the whole view; from now on `publish` and `alive` go there too. */
  | {
      readonly type: 'snapshot';
      readonly link: number;
      readonly view: string;
      readonly entries: readonly Entry[];
    }
  /** Setvar DEVICE_STATE(Custom:`lamp`)=`state`; answer with `writeDone`. */
  | { readonly type: 'setLamp'; readonly id: number; readonly lamp: string; readonly state: WritableState }
  | { readonly type: 'dropLink'; readonly link: number; readonly why: string }
  /** Read everything again, soon (the edge debounces). */
  | { readonly type: 'relist' }
  | { readonly type: 'note'; readonly note: Note };

export interface FederationOptions {
  /** Our own tag: no lamp of it is ever written. */
  readonly tag: string;
  readonly exports: readonly ExportRule[];
  /** Peers, and the tags of former peers whose lamps may still be lit. */
  readonly origins: readonly OriginOptions[];
  readonly timing: BeliefTiming & { readonly aliveEveryMs: number };
  readonly pacing: PacingOptions;
}

/** The one view there is so far: every peer sees every export. */
export const ALL = 'all';

/** `alive` is said only if Asterisk answered within this many intervals. */
export const ANSWERED_WITHIN_INTERVALS = 2;

/** The broker ticks far more often; a longer gap between two inputs means that it did not run at all. */
export const LONGEST_GAP_MS = 1_000;

export interface OriginStatus {
  readonly tag: string;
  readonly belief: Belief;
  readonly former: boolean;
  readonly link: number | undefined;
  readonly extensions: number;
  readonly lamps: number;
}

export class Federation {
  readonly #options: FederationOptions;
  readonly #exports: Exports;
  readonly #lamps: Lamps;
  readonly #origins = new Map<string, Origin>();
  /** Links that were given no snapshot yet, because Asterisk was down or did not answer when they came up. */
  readonly #unserved = new Set<number>();
  /** Peers whose refused extension was said on the present link. */
  readonly #saidRefused = new Set<string>();
  /** Said once an AMI session: each event of an extension too many would say it again. */
  #saidLeftOut = false;
  #asteriskUp = false;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #lastInputAt: number;
  #effects: Effect[] = [];

  constructor(options: FederationOptions, now: number) {
    this.#options = options;
    this.#lastInputAt = now;
    this.#exports = new Exports(options.exports);
    this.#lamps = new Lamps(options.pacing);
    for (const origin of options.origins) {
      if (origin.tag !== options.tag) this.#origins.set(origin.tag, new Origin(origin, options.timing, now));
    }
  }

  input(input: Input, now: number): Effect[] {
    this.#effects = [];
    const slept = now - this.#lastInputAt - LONGEST_GAP_MS;
    if (slept > 0) for (const origin of this.#origins.values()) origin.peer.excuse(slept);
    this.#lastInputAt = now;
    this.#believe(now, () => this.#take(input, now));
    this.#write(now);
    return this.#effects;
  }

  /** The extensions to ask for one by one, given what the list of hints shows. */
  toAsk(listed: readonly HintStatus[]): HintKey[] {
    return this.#exports.toAsk(listed);
  }

  /**
   * Whether a link of this run of the peer's broker may come up. While another run is heard, a second one
   * is a clone or a standby and has to wait until the first falls silent (docs/protocol.md, §7).
   */
  admits(peer: string, epoch: string): boolean {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former) return false;
    return origin.epoch === undefined || origin.epoch === epoch || origin.peer.belief !== 'live';
  }

  /** When to call with `tick` at the latest, so that a write waiting for a token goes out in time. */
  wakeAt(now: number): number | undefined {
    return this.#lamps.wakeAt(now);
  }

  status(): { exports: number; owed: number; unanswered: number; origins: OriginStatus[] } {
    return {
      exports: this.#exports.size,
      owed: this.#lamps.owed,
      unanswered: this.#lamps.unanswered,
      origins: Array.from(this.#origins.values(), (origin) => ({
        tag: origin.tag,
        belief: origin.peer.belief,
        former: origin.former,
        link: origin.link,
        extensions: origin.replica.size,
        lamps: origin.extensions.size,
      })),
    };
  }

  /** What a lamp should show, and what Asterisk was last given. For status and tests. */
  lamp(name: string): { desired: WritableState | undefined; written: DeviceState | undefined } {
    return { desired: this.#lamps.desired(name), written: this.#lamps.written(name) };
  }

  #take(input: Input, now: number): void {
    switch (input.type) {
      case 'asteriskUp':
        return this.#up(input.listing, now);
      case 'asteriskRelisted':
        return this.#relisted(input.listing, now);
      case 'asteriskDown':
        this.#asteriskUp = false;
        return this.#lamps.sessionDown();
      case 'asteriskAnswered':
        this.#answeredAt = now;
        return this.#serve();
      case 'hintChanged':
        this.#publish(this.#exports.hintChanged(input.status));
        return this.#watch(input.status, 'live');
      case 'deviceChanged':
        return this.#deviceChanged(input.status, now);
      case 'writeDone':
        return this.#writeDone(input, now);
      case 'linkUp':
        return this.#linkUp(input, now);
      case 'heard':
        return this.#heard(input, now);
      case 'linkDown':
        return this.#linkDown(input);
      case 'tick':
        return this.#tick(now);
    }
  }

  /** Runs `change`, then lets every origin whose belief it or the time moved light its lamps anew. */
  #believe(now: number, change: () => void): void {
    const before = new Map(Array.from(this.#origins.values(), (origin) => [origin, origin.peer.belief]));
    for (const origin of this.#origins.values()) origin.peer.tick(now);
    change();
    for (const [origin, from] of before) {
      const to = origin.peer.belief;
      if (from === to) continue;
      this.#note({ kind: 'belief', peer: origin.tag, from, to });
      this.#relight(origin, 'backlog');
    }
  }

  #up(listing: Listing, now: number): void {
    this.#asteriskUp = true;
    this.#saidLeftOut = false;
    this.#answeredAt = now;
    const found = new Map<string, DeviceState>();
    for (const { device, state } of listing.devices) {
      const lamp = this.#ourLamp(device);
      if (lamp?.origin.keep(lamp.extension)) found.set(lamp.name, state);
    }
    this.#lamps.sessionUp(found);
    this.#publish(this.#exports.listed(listing));
    this.#serve();
    for (const hint of listing.hints) this.#watch(hint, 'backlog');
    for (const origin of this.#origins.values()) this.#relight(origin, 'backlog');
  }

  #relisted(listing: Listing, now: number): void {
    if (!this.#asteriskUp) return;
    this.#publish(this.#exports.listed(listing));
    for (const hint of listing.hints) this.#watch(hint, 'backlog');
    for (const status of listing.devices) this.#lampSeen(status, now);
  }

  #deviceChanged(status: DeviceStatus, now: number): void {
    this.#publish(this.#exports.deviceChanged(status));
    this.#lampSeen(status, now);
  }

  /** An echo of our own write, or a lamp somebody else touched. */
  #lampSeen({ device, state }: DeviceStatus, now: number): void {
    const lamp = this.#ourLamp(device);
    if (lamp === undefined || !lamp.origin.keep(lamp.extension)) return;
    this.#lamps.seen(lamp.name, state, now);
    if (this.#lamps.desired(lamp.name) === undefined)
      this.#relightOne(lamp.origin, lamp.extension, 'backlog');
  }

  /** A phone may now look at the lamps this hint names: one never written would show idle. */
  #watch({ hint }: HintStatus, urgency: Urgency): void {
    for (const { extension, tag } of lampsOfHint(hint)) {
      const origin = this.#origins.get(tag);
      const known = origin?.extensions.has(extension);
      if (origin?.keep(extension)) this.#relightOne(origin, extension, known ? 'backlog' : urgency);
    }
  }

  #writeDone({ id, ok, why }: Extract<Input, { type: 'writeDone' }>, now: number): void {
    const lamp = this.#lamps.done(id, ok, now);
    if (!ok && lamp !== undefined) this.#note({ kind: 'writeRefused', lamp, why: why ?? 'refused' });
  }

  #linkUp({ peer, link, epoch }: Extract<Input, { type: 'linkUp' }>, now: number): void {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former) return this.#drop(link, 'no such peer');
    if (origin.link !== undefined) this.#unserved.delete(origin.link);
    origin.link = link;
    origin.epoch = epoch;
    origin.replica.begin();
    this.#saidRefused.delete(peer);
    // A snapshot vouches as `alive` does: nothing is said for an Asterisk that does not answer.
    if (this.#vouches(now)) this.#snapshot(link);
    else this.#unserved.add(link);
  }

  #heard({ peer, link, seq, message }: Extract<Input, { type: 'heard' }>, now: number): void {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.link !== link) return;
    const accepted = origin.replica.accept(seq, message);
    if (accepted.result === 'broken') return this.#drop(link, accepted.why);
    if (message.type === 'bye') {
      origin.peer.left(message.final, now);
      return this.#note({ kind: 'bye', peer, final: message.final });
    }
    if (accepted.result === 'held') return;
    if (accepted.vouches) origin.peer.vouched(now);
    else origin.peer.heard(now);
    const urgency = message.type === 'change' ? 'live' : 'backlog';
    for (const { extension, state } of accepted.changed) {
      if (!origin.keep(extension)) {
        this.#refuse(origin, extension, `it would be more than ${MAX_LAMPS_PER_ORIGIN} lamps of one PBX`);
        continue;
      }
      // One by one, so that states which follow each other in one frame are all written while there is room.
      this.#light(origin, extension, state, urgency);
      this.#write(now);
    }
  }

  #linkDown({ peer, link }: Extract<Input, { type: 'linkDown' }>): void {
    this.#unserved.delete(link);
    const origin = this.#origins.get(peer);
    if (origin?.link === link) origin.link = undefined;
  }

  #tick(now: number): void {
    for (const lamp of this.#lamps.tick(now)) this.#note({ kind: 'drift', lamp });
    if (!this.#vouches(now) || now - this.#aliveAt < this.#options.timing.aliveEveryMs) return;
    this.#aliveAt = now;
    this.#effects.push({ type: 'alive' });
  }

  /** Our Asterisk is up, in sync, and answered just now. */
  #vouches(now: number): boolean {
    const silence = now - this.#answeredAt;
    return this.#asteriskUp && silence <= ANSWERED_WITHIN_INTERVALS * this.#options.timing.aliveEveryMs;
  }

  /** The snapshots that waited until they could be vouched for. */
  #serve(): void {
    if (!this.#asteriskUp) return;
    for (const link of this.#unserved) this.#snapshot(link);
    this.#unserved.clear();
  }

  #publish({ entries, namesLamp, relist, leftOut }: ExportNews): void {
    if (entries.length > 0) this.#effects.push({ type: 'publish', view: ALL, entries });
    for (const key of namesLamp) this.#note({ kind: 'hintNamesLamp', ...key });
    if (leftOut > 0 && !this.#saidLeftOut) this.#note({ kind: 'exportsLeftOut', count: leftOut });
    this.#saidLeftOut ||= leftOut > 0;
    if (relist) this.#effects.push({ type: 'relist' });
  }

  #snapshot(link: number): void {
    this.#effects.push({ type: 'snapshot', link, view: ALL, entries: this.#exports.entries() });
  }

  #relight(origin: Origin, urgency: Urgency): void {
    for (const extension of origin.extensions) this.#relightOne(origin, extension, urgency);
  }

  /** Lights one lamp as it should be now. */
  #relightOne(origin: Origin, extension: string, urgency: Urgency): void {
    this.#light(origin, extension, origin.replica.get(extension), urgency);
  }

  /** Lights one lamp as it should be when the origin has `told` this state. */
  #light(origin: Origin, extension: string, told: DeviceState | undefined, urgency: Urgency): void {
    const name = lampName(extension, origin.tag);
    if (name === undefined) {
      const why = `its lamp ${extension}*${origin.tag} would be longer than ${MAX_LAMP_NAME} characters`;
      return this.#refuse(origin, extension, why);
    }
    // What Asterisk holds is not known while it is down; when it is up again every lamp is looked at.
    if (!this.#asteriskUp) return;
    // A refused write leaves it unknown what Asterisk holds; it is tried again, so it counts as done.
    const written = this.#lamps.written(name) ?? this.#lamps.desired(name);
    const state = origin.desired(told, written);
    if (state !== undefined) this.#lamps.want(name, state, urgency);
  }

  #refuse({ tag }: Origin, extension: string, why: string): void {
    if (this.#saidRefused.has(tag)) return;
    this.#saidRefused.add(tag);
    this.#note({ kind: 'extensionRefused', peer: tag, extension, why });
  }

  #write(now: number): void {
    for (const { id, lamp, state } of this.#lamps.due(now)) {
      this.#effects.push({ type: 'setLamp', id, lamp, state });
    }
  }

  /** The lamp a device is, if it is spelled as we write it and its origin is one we know. */
  #ourLamp(device: string): { origin: Origin; extension: string; name: string } | undefined {
    const lamp = device.startsWith('Custom:') ? lampOfDevice(device) : undefined;
    const origin = lamp && this.#origins.get(lamp.tag);
    const name = lamp && lampName(lamp.extension, lamp.tag);
    return lamp && origin && name ? { origin, extension: lamp.extension, name } : undefined;
  }

  #drop(link: number, why: string): void {
    this.#effects.push({ type: 'dropLink', link, why });
  }

  #note(note: Note): void {
    this.#effects.push({ type: 'note', note });
  }
}
