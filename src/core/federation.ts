/**
 * The one door of the core: inputs, each with the time it happened, go in; effects come out, to be carried
 * out in order. Owns our own side, what the peers are told and when it is vouched for; the peers' side is
 * mirror.ts. It has no clock and does no I/O, so the broker, the simulator and the property tests run the same code.
 */
import type { Effect, FederationOptions, Input } from './door.ts';
import { ExportRules } from './export-rules.ts';
import type { Told } from './exported.ts';
import { type ExportNews, Exports } from './exports.ts';
import { isPlainName } from './imports.ts';
import type { Entry } from './message.ts';
import { Mirror } from './mirror.ts';
import type { LampStatus, MirrorStatus } from './mirror-status.ts';
import { customName, type IsLamp, lampDevice, lampPresentity } from './names.ts';
import type { Note } from './note.ts';
import type { HintKey, HintStatus, Listing } from './source.ts';
import { maySee, movedBetween, seenBy, Views } from './views.ts';
import type { Seen, Writable } from './write.ts';

export type { Effect, FederationOptions, Input } from './door.ts';

/** `alive` is said only if Asterisk answered within this many intervals. */
export const ANSWERED_WITHIN_INTERVALS = 2;

/** The broker ticks far more often; a longer gap between two inputs means that it did not run at all. */
export const LONGEST_GAP_MS = 1_000;

export interface FederationStatus extends MirrorStatus {
  readonly asteriskUp: boolean;
  /** Asterisk answered just now: we vouch for its states. */
  readonly vouches: boolean;
  readonly rules: number;
  readonly exports: number;
  /** Everything was read under the present rules. */
  readonly exportsRead: boolean;
  readonly exportsLeftOut: number;
  /** Hints that are not exported because they name a lamp, `extension@context`. */
  readonly namesLamp: readonly string[];
  /** States published so far. */
  readonly changesOut: number;
}

export class Federation {
  #options: FederationOptions;
  readonly #exports: Exports;
  readonly #mirror: Mirror;
  #views: Views;
  /** Links that are up → the peer at the other end. */
  readonly #links = new Map<number, string>();
  /** Links that were given no snapshot yet, because Asterisk was down or did not answer when they came up. */
  readonly #unserved = new Set<number>();
  /** Said once an AMI session: each event of an extension too many would say it again. */
  #saidLeftOut = false;
  #asteriskUp = false;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #lastInputAt: number;
  #changesOut = 0;
  #effects: Effect[] = [];

  constructor(options: FederationOptions, now: number) {
    this.#options = options;
    this.#lastInputAt = now;
    this.#exports = new Exports(options.exports, lampsIn(options));
    this.#views = viewsOf(options);
    this.#mirror = new Mirror(options, now, (effect) => this.#effects.push(effect));
  }

  input(input: Input, now: number): Effect[] {
    this.#effects = [];
    const slept = now - this.#lastInputAt - LONGEST_GAP_MS;
    if (slept > 0) this.#mirror.excuse(slept);
    this.#lastInputAt = now;
    this.#mirror.believe(now, () => this.#take(input, now));
    this.#mirror.lighting.work(input.type === 'tick');
    this.#mirror.lighting.write(now);
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
    return this.#mirror.admits(peer, epoch);
  }

  /** When to call with `tick` at the latest, so that a write waiting for a token goes out in time. */
  wakeAt(now: number): number | undefined {
    return this.#mirror.lighting.wakeAt(now);
  }

  status(now: number): FederationStatus {
    return {
      asteriskUp: this.#asteriskUp,
      vouches: this.#vouches(now),
      rules: this.#options.exports.length,
      exports: this.#exports.size,
      exportsRead: this.#exports.isRead,
      exportsLeftOut: this.#exports.leftOut,
      namesLamp: this.#exports.namesLamp,
      changesOut: this.#changesOut,
      ...this.#mirror.status(),
    };
  }

  /** What our own extensions are, as the peers are told. */
  exported(): Entry[] {
    return this.#exports.entries();
  }

  /** Every lamp we keep: what the origin told, what it should show, and what Asterisk was last given. */
  lamps(): Generator<LampStatus> {
    return this.#mirror.lighting.lamps();
  }

  /** What a lamp should show, and what Asterisk was last given; by entryKey. For tests. */
  lamp(key: string): { desired: Writable | undefined; written: Seen | undefined } {
    return this.#mirror.lighting.lamp(key);
  }

  #take(input: Input, now: number): void {
    switch (input.type) {
      case 'asteriskUp':
        return this.#up(input.listing, now);
      case 'asteriskRelisted':
        if (!this.#asteriskUp) return;
        this.#publish(this.#exports.listed(input.listing));
        return this.#mirror.lighting.relisted(input.listing, now);
      case 'asteriskDown':
        this.#asteriskUp = false;
        this.#exports.sessionDown();
        return this.#mirror.lighting.sessionDown();
      case 'asteriskAnswered':
        this.#answeredAt = now;
        return this.#serve();
      case 'hintChanged':
        this.#publish(this.#exports.hintChanged(input.status));
        return this.#mirror.lighting.watch(input.status, 'live');
      case 'deviceChanged':
        this.#publish(this.#exports.deviceChanged(input.status));
        return this.#mirror.lighting.seen(input.status, now);
      case 'channelChanged':
        return this.#publish(this.#exports.channelChanged(input.change));
      case 'presenceChanged':
        this.#publish(this.#exports.presenceChanged(input.status));
        return this.#mirror.lighting.seenPresence(input.status, now);
      case 'mailboxChanged':
        return this.#publish(this.#exports.mailboxChanged(input.status));
      case 'writeDone':
        return this.#mirror.lighting.writeDone(input, now);
      case 'linkUp':
        return this.#linkUp(input, now);
      case 'heard':
        return this.#mirror.heard(input, now);
      case 'linkDown':
        this.#unserved.delete(input.link);
        this.#links.delete(input.link);
        return this.#mirror.linkDown(input);
      case 'configured':
        return this.#configured(input.options, now);
      case 'tick':
        return this.#tick(now);
    }
  }

  #up(listing: Listing, now: number): void {
    this.#asteriskUp = true;
    this.#saidLeftOut = false;
    this.#answeredAt = now;
    this.#mirror.lighting.sessionUp(listing);
    this.#publish(this.#exports.listed(listing));
    this.#serve();
    this.#mirror.lighting.relight(listing);
  }

  #linkUp({ peer, link, epoch }: Extract<Input, { type: 'linkUp' }>, now: number): void {
    const before = this.#mirror.linkUp(peer, link, epoch);
    if (before === 'unknown') return;
    if (before !== undefined) {
      this.#unserved.delete(before);
      this.#links.delete(before);
    }
    this.#links.set(link, peer);
    // A snapshot vouches as `alive` does: nothing is said for an Asterisk that does not answer.
    if (this.#vouches(now)) this.#snapshot(link);
    else this.#unserved.add(link);
  }

  /** Lamps of peers that went are written before anything else; what is exported anew, the next listing tells. */
  #configured(options: FederationOptions, now: number): void {
    const before = this.#views;
    const told = this.#exports.entries();
    this.#options = options;
    const rules = new ExportRules(options.exports, lampsIn(options));
    this.#mirror.configure(options, now, ({ kind, name }) =>
      kind === 'device'
        ? rules.devices.extensions(lampDevice(name)).length > 0
        : rules.ofPresentity(lampPresentity(name)) !== undefined,
    );
    this.#publish(this.#exports.setRules(rules));
    this.#views = viewsOf(options);
    this.#reshow(before, told, now);
    // Also when Asterisk is not up yet: the reading that is under way may have asked by the old rules.
    this.#effects.push({ type: 'relist' });
  }

  /** A link whose peer may now see more, or less, of what we export than it was told is given all anew. */
  #reshow(before: Views, told: readonly Told[], now: number): void {
    const moved = movedBetween(told, this.#exports.entries());
    for (const [link, peer] of this.#links) {
      // The link of one that is a peer no more is ended by who made it.
      if (this.#unserved.has(link) || this.#views.of(peer) === undefined) continue;
      const differs = moved.some(([was, is]) => maySee(peer, was) !== maySee(peer, is));
      if (!differs && this.#views.of(peer) === before.of(peer)) continue;
      // It must not go on hearing what it may not see any more until a snapshot can be vouched for.
      if (this.#vouches(now)) this.#snapshot(link);
      else this.#effects.push({ type: 'dropLink', link, why: 'what it may see was changed' });
    }
  }

  #tick(now: number): void {
    this.#mirror.lighting.tick(now);
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
    this.#changesOut += entries.length;
    for (const [view, seen] of this.#views.split(entries)) {
      this.#effects.push({ type: 'publish', view, entries: seen });
    }
    for (const key of namesLamp) this.#note({ kind: 'hintNamesLamp', ...key });
    if (leftOut > 0 && !this.#saidLeftOut) this.#note({ kind: 'exportsLeftOut', count: leftOut });
    this.#saidLeftOut ||= leftOut > 0;
    if (relist) this.#effects.push({ type: 'relist' });
  }

  #snapshot(link: number): void {
    const peer = this.#links.get(link) ?? '';
    const view = this.#views.of(peer);
    if (view === undefined) return;
    const entries = seenBy(peer, this.#exports.entries());
    this.#effects.push({ type: 'snapshot', link, view, entries });
  }

  #note(note: Note): void {
    this.#effects.push({ type: 'note', note });
  }
}

function viewsOf({ exports, origins }: FederationOptions): Views {
  return new Views(
    exports,
    origins.filter(({ former }) => !former).map(({ tag }) => tag),
  );
}

/** A device that is a peer's plain lamp; those with a tag in their names are known by that. */
function lampsIn({ origins }: FederationOptions): IsLamp {
  const rules = origins.flatMap(({ plain = [] }) => plain);
  if (rules.length === 0) return () => false;
  return (device) => {
    const name = customName(device);
    return name !== undefined && isPlainName(rules, name);
  };
}
