/**
 * Every lamp here, whoever's it is: what it should show, what Asterisk says of it, and what is written. Owns how news
 * of either side becomes a write, a slice at a time where there are many. What an origin makes of its lamps is origin.ts;
 * which lamps there are, kept.ts; when they are written, lamps.ts.
 */
import type { Effect, Input } from './door.ts';
import { type Kept, KeptLamps, keyOf, maxNameOf, NOTHING, toldOf } from './kept.ts';
import { Lamps } from './lamps.ts';
import { type Entry, entryKey, type Kind, type State } from './message.ts';
import type { LampStatus } from './mirror-status.ts';
import { customName, customPresenceName, devicesOfHint } from './names.ts';
import { MAX_LAMPS_PER_ORIGIN, type Origin } from './origin.ts';
import { Slices } from './slices.ts';
import type { DeviceStatus, HintStatus, Listing, PresenceStatus } from './source.ts';
import type { LampsStatus, PacingOptions, Seen, Urgency, Writable } from './write.ts';

/** Extensions of one origin that can be no lamps and are remembered, so that it is known when the last one is gone. */
const MAX_REFUSED = 100;

export class Lighting {
  readonly #emit: (effect: Effect) => void;
  readonly #origins: ReadonlyMap<string, Origin>;
  readonly #kept: KeptLamps;
  readonly #lamps: Lamps;
  readonly #slices = new Slices();
  /** One of them was begun by this input. */
  #begun = false;
  #asteriskUp = false;
  /** An Asterisk that takes nothing would fill the log with as many lines as there are writes. */
  #saidRefused = false;
  /** It has no PRESENCE_STATE, as far as is known since everything was last read. */
  #hasNoPresence = false;
  /** States of peers' extensions that were other than before, so far. */
  #changesIn = 0;

  constructor(origins: ReadonlyMap<string, Origin>, pacing: PacingOptions, emit: (effect: Effect) => void) {
    this.#emit = emit;
    this.#origins = origins;
    this.#kept = new KeptLamps(origins);
    this.#lamps = new Lamps(pacing, (lamp) => this.#kept.originOf(lamp));
  }

  /** Other rules of this origin: some of its lamps may be none any more. */
  reconfigured(origin: Origin): void {
    this.#kept.reconfigured(origin);
  }

  /**
   * After {@link reconfigured} of every origin. `isOwn`: we export what this device or presentity says, so it is
   * nobody's lamp. `gone`: peers that are none any more, whose lamps are written first.
   */
  configured(pacing: PacingOptions, gone: readonly Origin[], isOwn: (kept: Kept) => boolean): void {
    this.#lamps.setPacing(pacing);
    // A plain lamp may have gone over from one origin to another, or to ourselves.
    this.#kept.rehome();
    for (const kept of [...this.#kept.dropped()]) {
      if (!isOwn(kept)) continue;
      this.#kept.forget(kept);
      this.#lamps.drop(entryKey(kept.kind, kept.name));
    }
    for (const origin of gone) this.relightAll(origin, 'live');
    for (const origin of this.#origins.values()) {
      for (const { kind, extension } of origin.replica.entries()) this.#kept.plain(origin, kind, extension);
      this.relightAll(origin, 'backlog');
    }
  }

  status(): LampsStatus & { changesIn: number; isLit: boolean } {
    return { ...this.#lamps.status(), changesIn: this.#changesIn, isLit: this.#slices.isDone };
  }

  owedOf(origin: Origin): number {
    return this.#lamps.owedOf(origin.tag);
  }

  wakeAt(now: number): number | undefined {
    return this.#slices.isDone ? this.#lamps.wakeAt(now) : now;
  }

  /** An origin's news: what changed since what it told before, found out as it is gone through. */
  replaced(origin: Origin, changes: Generator<Entry | undefined>): void {
    const name = `told by ${origin.tag}`;
    // It says what changed since that one.
    this.#slices.finish(name);
    this.#begin(name, this.#telling(origin, changes));
  }

  /** The same of single changes: one by one, so that states which follow each other in one frame are all written while there is room. */
  changed(origin: Origin, entries: readonly Entry[], since: number | undefined, now: number): void {
    this.#changesIn += entries.length;
    for (const entry of entries) {
      this.#tell(origin, entry, 'live', since);
      this.write(now);
    }
  }

  /** Every lamp of an origin, when what is believed of it changed. */
  relightAll(origin: Origin, urgency: Urgency): void {
    // By urgency too: what is urgent must not be replaced by what is not.
    this.#begin(`${urgency} lamps of ${origin.tag}`, this.#relighting(origin, urgency));
  }

  *lamps(): Generator<LampStatus> {
    for (const origin of this.#origins.values()) {
      for (const kept of this.#kept.of(origin)) {
        const { kind, name, extension = name } = kept;
        yield {
          origin: origin.tag,
          kind,
          extension,
          name,
          told: toldOf(kept),
          ...this.lamp(entryKey(kind, name)),
        };
      }
    }
  }

  /** By {@link entryKey}. */
  lamp(key: string): { desired: Writable | undefined; written: Seen | undefined } {
    return { desired: this.#lamps.desired(key), written: this.#lamps.written(key) };
  }

  /** What Asterisk holds, in a fresh session; {@link relight} follows. */
  sessionUp(listing: Listing): void {
    // What is still to be told must be known before it is seen what is told by nobody.
    this.#slices.finishAll();
    this.#asteriskUp = true;
    this.#hasNoPresence = false;
    const found = new Map<string, Seen>();
    for (const status of listing.devices) {
      const key = keyOf(this.#ofDevice(status));
      if (key !== undefined) found.set(key, status.state);
    }
    for (const status of listing.presences) {
      const key = keyOf(this.#ofPresence(status));
      if (key !== undefined) found.set(key, status.presence);
    }
    for (const origin of this.#origins.values()) this.#forgetAllBut(found, origin);
    this.#lamps.sessionUp(found);
  }

  /**
   * A lamp that the origin does not tell and this Asterisk does not have was taken out of its database, and must not
   * be written into it again. One that a hint names is kept anew by {@link relight}.
   */
  #forgetAllBut(found: ReadonlyMap<string, Seen>, origin: Origin): void {
    for (const kept of [...this.#kept.of(origin)]) {
      const key = entryKey(kept.kind, kept.name);
      if (found.has(key) || toldOf(kept) !== undefined) continue;
      this.#kept.forget(kept);
      this.#lamps.forget(key);
    }
  }

  sessionDown(): void {
    this.#asteriskUp = false;
    this.#lamps.sessionDown();
  }

  /** Every lamp, those that the listed hints name first. */
  relight(listing: Listing): void {
    for (const hint of listing.hints) this.watch(hint, 'backlog');
    for (const origin of this.#origins.values()) this.relightAll(origin, 'backlog');
    // Nothing is written by what was decided before the session.
    this.#slices.finishAll();
  }

  relisted(listing: Listing, now: number): void {
    // First what Asterisk holds: a lamp that a hint names and that is not known may have been written long ago.
    for (const status of listing.devices) this.#seen(this.#ofDevice(status), status.state, now, true);
    for (const status of listing.presences) this.#seen(this.#ofPresence(status), status.presence, now, true);
    this.#tryPresences();
    for (const hint of listing.hints) this.watch(hint, 'backlog');
  }

  /** An echo of our own write, or a lamp somebody else touched. */
  seen(status: DeviceStatus, now: number): void {
    this.#seen(this.#ofDevice(status), status.state, now, false);
  }

  /** The same of a presence. */
  seenPresence(status: PresenceStatus, now: number): void {
    this.#seen(this.#ofPresence(status), status.presence, now, false);
  }

  #seen(kept: Kept | undefined, state: Seen, now: number, isListed: boolean): void {
    if (kept === undefined) return;
    const key = entryKey(kept.kind, kept.name);
    this.#lamps.seen(key, state, now, isListed);
    if (this.#lamps.desired(key) === undefined) this.#light(kept, toldOf(kept), 'backlog');
  }

  /** A phone may now look at the lamps this hint names: one never written would show idle. */
  watch({ hint }: HintStatus, urgency: Urgency): void {
    for (const device of devicesOfHint(hint)) {
      const name = customName(device);
      if (name === undefined) continue;
      const isNew = this.#kept.get(entryKey('device', name)) === undefined;
      const kept = this.#kept.named('device', name);
      if (kept !== undefined) this.#light(kept, toldOf(kept), isNew ? urgency : 'backlog');
    }
  }

  writeDone({ id, ok, why, absent }: Extract<Input, { type: 'writeDone' }>, now: number): void {
    const lamp = this.#lamps.done(id, ok, now, why, absent);
    if (absent) this.#hasNoPresence = true;
    if (ok && this.#lamps.refused === 0) this.#saidRefused = false;
    if (ok && lamp !== undefined) this.#letGo(this.#kept.get(lamp));
    if (ok || lamp === undefined || this.#saidRefused) return;
    this.#saidRefused = true;
    this.#emit({ type: 'note', note: { kind: 'writeRefused', lamp, why: why ?? 'refused' } });
  }

  /** A plain lamp that is none any more is somebody else's as soon as it shows nothing of ours. */
  #letGo(kept: Kept | undefined): void {
    if (kept === undefined || !kept.dropped) return;
    const key = entryKey(kept.kind, kept.name);
    if (this.#lamps.isBusy(key) || this.#lamps.written(key) !== NOTHING[kept.kind]) return;
    this.#kept.forget(kept);
    this.#lamps.forget(key);
  }

  /** Where it could not be written it may be now; one write finds out. */
  #tryPresences(): void {
    if (!this.#hasNoPresence) return;
    this.#hasNoPresence = false;
    for (const origin of this.#origins.values()) {
      for (const kept of this.#kept.of(origin)) {
        if (kept.kind === 'presence') this.#light(kept, toldOf(kept), 'backlog');
      }
    }
  }

  tick(now: number): void {
    for (const lamp of this.#lamps.tick(now)) this.#emit({ type: 'note', note: { kind: 'drift', lamp } });
    if (this.#lamps.wantsList(now)) this.#emit({ type: 'relist' });
  }

  /** The writes that may go now. */
  write(now: number): void {
    for (const { id, lamp: key, state, since } of this.#lamps.due(now, this.#isParked)) {
      const { kind = 'device', name: lamp = key } = this.#kept.get(key) ?? {};
      const type = 'setLamp';
      // Not `...`: an object that begins with it takes longer to make than all the rest here.
      this.#emit(
        since === undefined ? { type, id, kind, lamp, state } : { type, id, kind, lamp, state, since },
      );
    }
  }

  /** This Asterisk takes no presence, and each try would cost a lamp its turn. */
  readonly #isParked = (key: string): boolean =>
    this.#hasNoPresence && this.#kept.get(key)?.kind === 'presence';

  *#relighting(origin: Origin, urgency: Urgency): Generator {
    for (const kept of this.#kept.of(origin)) yield this.#light(kept, toldOf(kept), urgency);
  }

  *#telling(origin: Origin, changes: Iterable<Entry | undefined>): Generator {
    for (const entry of changes) {
      if (entry !== undefined) {
        this.#changesIn += 1;
        this.#tell(origin, entry, 'backlog', undefined);
      }
      yield;
    }
  }

  #begin(name: string, job: Generator): void {
    this.#slices.begin(name, job);
    this.#begun = true;
  }

  /** What takes long: a slice at each tick, and the first one at once. */
  work(isTick: boolean): void {
    if (isTick || this.#begun) this.#slices.work();
    this.#begun = false;
  }

  /** The origin says what an extension is: its lamps follow. */
  #tell(
    origin: Origin,
    { kind, extension, state }: Entry,
    urgency: Urgency,
    since: number | undefined,
  ): void {
    const told = state ?? undefined;
    const tagged = this.#kept.tagged(origin, kind, extension);
    if (typeof tagged === 'object') this.#light(tagged, told, urgency, since);
    // It is gone at the origin too: then nothing is missing here.
    else if (told === undefined) origin.refused.delete(entryKey(kind, extension));
    else if (tagged === 'too-many') {
      this.#refuse(origin, kind, extension, `it would be more than ${MAX_LAMPS_PER_ORIGIN} lamps of one PBX`);
    } else {
      const what = kind === 'device' ? 'lamp' : kind;
      const why = `its ${what} ${extension}*${origin.tag} would be longer than ${maxNameOf(kind)} characters`;
      this.#refuse(origin, kind, extension, why);
    }
    const plain = this.#kept.plain(origin, kind, extension);
    if (typeof plain === 'object') this.#light(plain, told, urgency, since);
    else if (plain !== undefined && told !== undefined) {
      this.#refuse(
        origin,
        kind,
        extension,
        `it would be more than ${MAX_LAMPS_PER_ORIGIN} plain lamps and presences`,
      );
    }
  }

  /** Lights one lamp as it should be when the origin has `told` this state. */
  #light(kept: Kept, told: State | undefined, urgency: Urgency, since?: number): void {
    // What Asterisk holds is not known while it is down; when it is up again every lamp is looked at.
    if (!this.#asteriskUp) return;
    const { origin, kind, name, dropped } = kept;
    const key = entryKey(kind, name);
    // A refused write leaves it unknown what Asterisk holds; it is tried again, so it counts as done.
    const written = this.#lamps.written(key) ?? this.#lamps.desired(key);
    const state = dropped ? NOTHING[kind] : origin.desiredOf(kind, told, written);
    if (state !== undefined) this.#lamps.want(key, state, urgency, since);
    this.#letGo(kept);
  }

  /** Said once a link. */
  #refuse(origin: Origin, kind: Kind, extension: string, why: string): void {
    if (origin.refused.size < MAX_REFUSED) origin.refused.set(entryKey(kind, extension), why);
    if (origin.saidRefused) return;
    origin.saidRefused = true;
    this.#emit({ type: 'note', note: { kind: 'extensionRefused', peer: origin.tag, extension, why } });
  }

  /** The lamp a device is, if it is spelled as we write it and its origin is one we know. */
  #ofDevice({ device }: DeviceStatus): Kept | undefined {
    const name = device.startsWith('Custom:') ? customName(device) : undefined;
    return name === undefined ? undefined : this.#kept.named('device', name);
  }

  #ofPresence({ presentity }: PresenceStatus): Kept | undefined {
    const name = presentity.startsWith('CustomPresence:') ? customPresenceName(presentity) : undefined;
    return name === undefined ? undefined : this.#kept.named('presence', name);
  }
}
