/**
 * The peers' side of the core: every remote PBX, what it says, and so what its lamps here show. Owns the origins
 * and the lamps, and how news travels from one to the other. What an origin is believed to be is peer.ts; what
 * that makes of its lamps, origin.ts; when they are written, lamps.ts.
 */
import type { Effect, FederationOptions, Input } from './door.ts';
import { Lamps, type LampsStatus, type Urgency } from './lamps.ts';
import { lampName, lampOfDevice, lampsOfHint, MAX_LAMP_NAME } from './names.ts';
import type { Note } from './note.ts';
import { MAX_LAMPS_PER_ORIGIN, Origin, type OriginOptions } from './origin.ts';
import type { Belief } from './peer.ts';
import type { DeviceStatus, HintStatus, Listing } from './source.ts';
import type { DeviceState, WritableState } from './state.ts';

type MirrorOptions = Pick<FederationOptions, 'tag' | 'origins' | 'timing' | 'pacing'>;

export interface OriginStatus {
  readonly tag: string;
  readonly belief: Belief;
  readonly former: boolean;
  /** It said bye and that it does not come back. */
  readonly left: boolean;
  readonly link: number | undefined;
  /** When it last said anything of its states. */
  readonly heardAt: number | undefined;
  readonly extensions: number;
  readonly lamps: number;
  readonly owed: number;
  /** An extension that it told on this link and that cannot be a lamp here, and why. */
  readonly refused?: string;
}

export interface MirrorStatus extends LampsStatus {
  /** States of peers' extensions that were other than before, so far. */
  readonly changesIn: number;
  readonly origins: OriginStatus[];
}

export interface LampStatus {
  readonly origin: string;
  readonly extension: string;
  readonly name: string;
  readonly told: DeviceState | undefined;
  readonly desired: WritableState | undefined;
  readonly written: DeviceState | undefined;
}

/** Extensions of one origin that can be no lamps and are remembered, so that it is known when the last one is gone. */
const MAX_REFUSED = 100;

export class Mirror {
  readonly #emit: (effect: Effect) => void;
  readonly #lamps: Lamps;
  readonly #origins = new Map<string, Origin>();
  #asteriskUp = false;
  /** An Asterisk that takes nothing would fill the log with as many lines as there are writes. */
  #saidRefused = false;
  #changesIn = 0;

  constructor(options: MirrorOptions, now: number, emit: (effect: Effect) => void) {
    this.#emit = emit;
    this.#lamps = new Lamps(options.pacing);
    for (const origin of options.origins) this.#add(origin, options, now);
  }

  /** Another config: origins come, go, come back or change; lamps of those that went are written first. */
  configure(options: MirrorOptions, now: number): void {
    this.#lamps.setPacing(options.pacing);
    const wanted = new Map(options.origins.map((origin) => [origin.tag, origin]));
    for (const origin of this.#origins.values()) {
      const next = wanted.get(origin.tag) ?? { tag: origin.tag, goneState: origin.goneState, former: true };
      const left = next.former === true && !origin.former;
      origin.configure(next, options.timing, now);
      this.#relightAll(origin, left ? 'live' : 'backlog');
    }
    for (const origin of options.origins) {
      if (!this.#origins.has(origin.tag)) this.#add(origin, options, now);
    }
  }

  admits(peer: string, epoch: string): boolean {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former) return false;
    return origin.epoch === undefined || origin.epoch === epoch || origin.peer.belief !== 'live';
  }

  wakeAt(now: number): number | undefined {
    return this.#lamps.wakeAt(now);
  }

  status(): MirrorStatus {
    const origins = Array.from(this.#origins.values(), (origin) => ({
      tag: origin.tag,
      belief: origin.peer.belief,
      former: origin.former,
      left: origin.left,
      link: origin.link,
      heardAt: origin.heardAt,
      extensions: origin.replica.size,
      lamps: origin.extensions.size,
      owed: this.#lamps.owedOf(origin.tag),
      ...refusedOf(origin),
    }));
    return { ...this.#lamps.status(), changesIn: this.#changesIn, origins };
  }

  *lamps(): Generator<LampStatus> {
    for (const { tag, extensions, replica } of this.#origins.values()) {
      for (const extension of extensions) {
        const name = lampName(extension, tag);
        if (name === undefined) continue;
        const told = replica.get(extension);
        yield { origin: tag, extension, name, told, ...this.lamp(name) };
      }
    }
  }

  lamp(name: string): { desired: WritableState | undefined; written: DeviceState | undefined } {
    return { desired: this.#lamps.desired(name), written: this.#lamps.written(name) };
  }

  /** We ourselves did not run for this long. */
  excuse(ms: number): void {
    for (const origin of this.#origins.values()) origin.peer.excuse(ms);
  }

  /** Lets every origin whose belief the time moved light its lamps anew, runs `change`, and does so again. */
  believe(now: number, change: () => void): void {
    this.#relightMoved(() => {
      for (const origin of this.#origins.values()) origin.peer.tick(now);
    });
    this.#relightMoved(change);
  }

  #relightMoved(change: () => void): void {
    const before = new Map(Array.from(this.#origins.values(), (origin) => [origin, origin.peer.belief]));
    change();
    for (const [origin, from] of before) {
      const to = origin.peer.belief;
      if (from === to) continue;
      this.#note({ kind: 'belief', peer: origin.tag, from, to });
      this.#relightAll(origin, 'backlog');
    }
  }

  /** What Asterisk holds, in a fresh session; {@link relight} follows. */
  sessionUp(listing: Listing): void {
    this.#asteriskUp = true;
    const found = new Map<string, DeviceState>();
    for (const { device, state } of listing.devices) {
      const lamp = this.#ourLamp(device);
      if (lamp?.origin.keep(lamp.extension)) found.set(lamp.name, state);
    }
    for (const origin of this.#origins.values()) this.#forgetAllBut(found, origin);
    this.#lamps.sessionUp(found);
  }

  /**
   * A lamp that the origin does not tell and this Asterisk does not have was taken out of its database, and must not
   * be written into it again. One that a hint names is kept anew by {@link relight}.
   */
  #forgetAllBut(found: ReadonlyMap<string, DeviceState>, origin: Origin): void {
    for (const extension of origin.extensions) {
      const name = lampName(extension, origin.tag) ?? '';
      if (found.has(name) || origin.replica.get(extension) !== undefined) continue;
      origin.forget(extension);
      this.#lamps.forget(name);
    }
  }

  sessionDown(): void {
    this.#asteriskUp = false;
    this.#lamps.sessionDown();
  }

  /** Every lamp, those that the listed hints name first. */
  relight(listing: Listing): void {
    for (const hint of listing.hints) this.watch(hint, 'backlog');
    for (const origin of this.#origins.values()) this.#relightAll(origin, 'backlog');
  }

  relisted(listing: Listing, now: number): void {
    // First what Asterisk holds: a lamp that a hint names and that is not known may have been written long ago.
    for (const status of listing.devices) this.seen(status, now);
    for (const hint of listing.hints) this.watch(hint, 'backlog');
  }

  /** An echo of our own write, or a lamp somebody else touched. */
  seen({ device, state }: DeviceStatus, now: number): void {
    const lamp = this.#ourLamp(device);
    if (lamp === undefined || !lamp.origin.keep(lamp.extension)) return;
    this.#lamps.seen(lamp.name, state, now);
    if (this.#lamps.desired(lamp.name) === undefined) {
      this.#relightOne(lamp.origin, lamp.extension, 'backlog');
    }
  }

  /** A phone may now look at the lamps this hint names: one never written would show idle. */
  watch({ hint }: HintStatus, urgency: Urgency): void {
    for (const { extension, tag } of lampsOfHint(hint)) {
      const origin = this.#origins.get(tag);
      const known = origin?.extensions.has(extension);
      if (origin?.keep(extension)) this.#relightOne(origin, extension, known ? 'backlog' : urgency);
    }
  }

  writeDone({ id, ok, why }: Extract<Input, { type: 'writeDone' }>, now: number): void {
    const lamp = this.#lamps.done(id, ok, now, why);
    if (ok && this.#lamps.refused === 0) this.#saidRefused = false;
    if (ok || lamp === undefined || this.#saidRefused) return;
    this.#saidRefused = true;
    this.#note({ kind: 'writeRefused', lamp, why: why ?? 'refused' });
  }

  /** The link this one takes the place of, if there was one; `unknown`: nobody we know, and it is dropped. */
  linkUp(peer: string, link: number, epoch: string): number | undefined | 'unknown' {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former) {
      this.#drop(link, 'no such peer');
      return 'unknown';
    }
    const before = origin.link;
    origin.link = link;
    origin.epoch = epoch;
    origin.refused.clear();
    origin.saidRefused = false;
    origin.replica.begin();
    return before;
  }

  heard({ peer, link, seq, message }: Extract<Input, { type: 'heard' }>, now: number): void {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former || origin.link !== link) return;
    const accepted = origin.replica.accept(seq, message);
    if (accepted.result === 'broken') return this.#drop(link, accepted.why);
    origin.heardAt = now;
    if (message.type === 'bye') {
      origin.peer.left(message.final, now);
      origin.left = message.final;
      return this.#note({ kind: 'bye', peer, final: message.final });
    }
    if (accepted.result === 'held') return;
    origin.left = false;
    if (accepted.vouches) origin.peer.vouched(now);
    else origin.peer.heard(now);
    this.#changesIn += accepted.changed.length;
    const isChange = message.type === 'change';
    const since = isChange ? message.at : undefined;
    for (const { extension, state } of accepted.changed) {
      if (!origin.keep(extension)) {
        if (state === undefined) origin.refused.delete(extension);
        else
          this.#refuse(origin, extension, `it would be more than ${MAX_LAMPS_PER_ORIGIN} lamps of one PBX`);
        continue;
      }
      // One by one, so that states which follow each other in one frame are all written while there is room.
      this.#light(origin, extension, state, isChange ? 'live' : 'backlog', since);
      if (isChange) this.write(now);
    }
  }

  linkDown({ peer, link }: Extract<Input, { type: 'linkDown' }>): void {
    const origin = this.#origins.get(peer);
    if (origin?.link === link) origin.link = undefined;
  }

  tick(now: number): void {
    for (const lamp of this.#lamps.tick(now)) this.#note({ kind: 'drift', lamp });
  }

  /** The writes that may go now. */
  write(now: number): void {
    for (const write of this.#lamps.due(now)) this.#emit({ type: 'setLamp', ...write });
  }

  #add(origin: OriginOptions, { tag, timing }: MirrorOptions, now: number): void {
    if (origin.tag !== tag) this.#origins.set(origin.tag, new Origin(origin, timing, now));
  }

  #relightAll(origin: Origin, urgency: Urgency): void {
    for (const extension of origin.extensions) this.#relightOne(origin, extension, urgency);
  }

  /** Lights one lamp as it should be now. */
  #relightOne(origin: Origin, extension: string, urgency: Urgency): void {
    this.#light(origin, extension, origin.replica.get(extension), urgency);
  }

  /** Lights one lamp as it should be when the origin has `told` this state. */
  #light(
    origin: Origin,
    extension: string,
    told: DeviceState | undefined,
    urgency: Urgency,
    since?: number,
  ): void {
    const name = lampName(extension, origin.tag);
    if (name === undefined) {
      // It is gone at the origin too: then nothing is missing here.
      if (told === undefined) return void origin.refused.delete(extension);
      const why = `its lamp ${extension}*${origin.tag} would be longer than ${MAX_LAMP_NAME} characters`;
      return this.#refuse(origin, extension, why);
    }
    // What Asterisk holds is not known while it is down; when it is up again every lamp is looked at.
    if (!this.#asteriskUp) return;
    // A refused write leaves it unknown what Asterisk holds; it is tried again, so it counts as done.
    const written = this.#lamps.written(name) ?? this.#lamps.desired(name);
    const state = origin.desired(told, written);
    if (state !== undefined) this.#lamps.want(name, state, urgency, since);
  }

  /** Said once a link. */
  #refuse(origin: Origin, extension: string, why: string): void {
    if (origin.refused.size < MAX_REFUSED) origin.refused.set(extension, why);
    if (origin.saidRefused) return;
    origin.saidRefused = true;
    this.#note({ kind: 'extensionRefused', peer: origin.tag, extension, why });
  }

  /** The lamp a device is, if it is spelled as we write it and its origin is one we know. */
  #ourLamp(device: string): { origin: Origin; extension: string; name: string } | undefined {
    const lamp = device.startsWith('Custom:') ? lampOfDevice(device) : undefined;
    const origin = lamp && this.#origins.get(lamp.tag);
    const name = lamp && lampName(lamp.extension, lamp.tag);
    return lamp && origin && name ? { origin, extension: lamp.extension, name } : undefined;
  }

  #drop(link: number, why: string): void {
    this.#emit({ type: 'dropLink', link, why });
  }

  #note(note: Note): void {
    this.#emit({ type: 'note', note });
  }
}

function refusedOf({ tag, refused }: Origin): { refused?: string } {
  for (const [extension, why] of refused) {
    const more = refused.size > 1 ? ` (and ${refused.size - 1} more)` : '';
    return { refused: `extension ${extension} of ${tag}${more}: ${why}` };
  }
  return {};
}
