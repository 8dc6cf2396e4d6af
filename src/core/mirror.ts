/**
 * The peers' side of the core: every remote PBX, what it says, and so what its lamps here show. Owns the origins
 * and the lamps, and how news travels from one to the other. What an origin is believed to be is peer.ts; what
 * that makes of its lamps, origin.ts; when they are written, lamps.ts.
 */
import type { Effect, FederationOptions, Input } from './door.ts';
import { atDoor, saidBy } from './imports.ts';
import { type Kept, KeptLamps, keyOf, maxNameOf, NOTHING, toldOf } from './kept.ts';
import { Lamps } from './lamps.ts';
import { type Entry, entryKey, type Kind, type State } from './message.ts';
import { type LampStatus, type MirrorStatus, refusedOf } from './mirror-status.ts';
import { customName, customPresenceName, devicesOfHint } from './names.ts';
import type { Note } from './note.ts';
import { MAX_LAMPS_PER_ORIGIN, Origin, type OriginOptions } from './origin.ts';
import type { DeviceStatus, HintStatus, Listing, PresenceStatus } from './source.ts';
import type { Seen, Urgency, Writable } from './write.ts';

type MirrorOptions = Pick<FederationOptions, 'tag' | 'origins' | 'timing' | 'pacing'>;

/** Extensions of one origin that can be no lamps and are remembered, so that it is known when the last one is gone. */
const MAX_REFUSED = 100;

export class Mirror {
  readonly #emit: (effect: Effect) => void;
  readonly #origins = new Map<string, Origin>();
  readonly #kept = new KeptLamps(this.#origins);
  readonly #lamps: Lamps;
  #asteriskUp = false;
  /** An Asterisk that takes nothing would fill the log with as many lines as there are writes. */
  #saidRefused = false;
  /** It has no PRESENCE_STATE, as far as is known since everything was last read. */
  #hasNoPresence = false;
  #changesIn = 0;

  constructor(options: MirrorOptions, now: number, emit: (effect: Effect) => void) {
    this.#emit = emit;
    this.#lamps = new Lamps(options.pacing, (lamp) => this.#kept.originOf(lamp));
    for (const origin of options.origins) this.#add(origin, options, now);
  }

  /**
   * Another config: origins come, go, come back or change; lamps of those that went are written first. `isOwn`: we
   * export what this device or presentity says, so it is nobody's lamp.
   */
  configure(options: MirrorOptions, now: number, isOwn: (kept: Kept) => boolean): void {
    this.#lamps.setPacing(options.pacing);
    const gone: Origin[] = [];
    const wanted = new Map(options.origins.map((origin) => [origin.tag, origin]));
    for (const origin of this.#origins.values()) {
      const next = wanted.get(origin.tag) ?? { tag: origin.tag, goneState: origin.goneState, former: true };
      const left = next.former === true && !origin.former;
      const imported = saidBy(origin.imports);
      origin.configure(next, options.timing, now);
      this.#kept.reconfigured(origin);
      if (left) gone.push(origin);
      // What it told was held against the old rules: its next snapshot will be against the new ones.
      if (origin.link !== undefined && imported !== saidBy(origin.imports)) {
        this.#drop(origin.link, `what is imported from ${origin.tag} was changed`);
      }
    }
    for (const origin of options.origins) {
      if (!this.#origins.has(origin.tag)) this.#add(origin, options, now);
    }
    // Only now: a plain lamp may have gone over from one origin to another, or to ourselves.
    this.#kept.rehome();
    for (const kept of [...this.#kept.dropped()]) {
      if (!isOwn(kept)) continue;
      this.#kept.forget(kept);
      this.#lamps.drop(entryKey(kept.kind, kept.name));
    }
    for (const origin of this.#origins.values()) {
      for (const { kind, extension } of origin.replica.entries()) this.#kept.plain(origin, kind, extension);
      this.#relightAll(origin, gone.includes(origin) ? 'live' : 'backlog');
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
      lamps: origin.lamps.size,
      owed: this.#lamps.owedOf(origin.tag),
      ...refusedOf(origin),
    }));
    return { ...this.#lamps.status(), changesIn: this.#changesIn, origins };
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
    change();
    for (const origin of this.#origins.values()) {
      const [from, to] = [origin.lit, origin.peer.belief];
      if (from === to) continue;
      origin.lit = to;
      this.#note({ kind: 'belief', peer: origin.tag, from, to });
      this.#relightAll(origin, 'backlog');
    }
  }

  /** What Asterisk holds, in a fresh session; {@link relight} follows. */
  sessionUp(listing: Listing): void {
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
    for (const origin of this.#origins.values()) this.#relightAll(origin, 'backlog');
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
    this.#note({ kind: 'writeRefused', lamp, why: why ?? 'refused' });
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
    const accepted = origin.replica.accept(seq, atDoor(origin.imports, message));
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
    for (const entry of accepted.changed) {
      this.#tell(origin, entry, isChange ? 'live' : 'backlog', since);
      // One by one, so that states which follow each other in one frame are all written while there is room.
      if (isChange) this.write(now);
    }
  }

  linkDown({ peer, link }: Extract<Input, { type: 'linkDown' }>): void {
    const origin = this.#origins.get(peer);
    if (origin?.link === link) origin.link = undefined;
  }

  tick(now: number): void {
    for (const lamp of this.#lamps.tick(now)) this.#note({ kind: 'drift', lamp });
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

  #add(origin: OriginOptions, { tag, timing }: MirrorOptions, now: number): void {
    if (origin.tag !== tag) this.#origins.set(origin.tag, new Origin(origin, timing, now));
  }

  #relightAll(origin: Origin, urgency: Urgency): void {
    for (const kept of [...this.#kept.of(origin)]) this.#light(kept, toldOf(kept), urgency);
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
    this.#note({ kind: 'extensionRefused', peer: origin.tag, extension, why });
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

  #drop(link: number, why: string): void {
    this.#emit({ type: 'dropLink', link, why });
  }

  #note(note: Note): void {
    this.#emit({ type: 'note', note });
  }
}
