/**
 * The peers' side of the core: every remote PBX, and what it says. Owns the origins, their links and what is believed of
 * them. What that makes of the lamps here is lighting.ts's; what an origin is believed to be, peer.ts's.
 */
import type { Effect, FederationOptions, Input } from './door.ts';
import { atDoor, saidBy } from './imports.ts';
import type { Kept } from './kept.ts';
import { Lighting } from './lighting.ts';
import { type MirrorStatus, refusedOf } from './mirror-status.ts';
import type { Note } from './note.ts';
import { Origin, type OriginOptions } from './origin.ts';

type MirrorOptions = Pick<FederationOptions, 'tag' | 'origins' | 'timing' | 'pacing'>;

export class Mirror {
  /** Every lamp of theirs here. */
  readonly lighting: Lighting;
  readonly #emit: (effect: Effect) => void;
  readonly #origins = new Map<string, Origin>();

  constructor(options: MirrorOptions, now: number, emit: (effect: Effect) => void) {
    this.#emit = emit;
    this.lighting = new Lighting(this.#origins, options.pacing, emit);
    for (const origin of options.origins) this.#add(origin, options, now);
  }

  /**
   * Another config: origins come, go, come back or change; lamps of those that went are written first. `isOwn`: we
   * export what this device or presentity says, so it is nobody's lamp.
   */
  configure(options: MirrorOptions, now: number, isOwn: (kept: Kept) => boolean): void {
    const gone: Origin[] = [];
    const wanted = new Map(options.origins.map((origin) => [origin.tag, origin]));
    for (const origin of this.#origins.values()) {
      const next = wanted.get(origin.tag) ?? { tag: origin.tag, goneState: origin.goneState, former: true };
      const left = next.former === true && !origin.former;
      const imported = saidBy(origin.imports);
      origin.configure(next, options.timing, now);
      this.lighting.reconfigured(origin);
      if (left) gone.push(origin);
      // What it told was held against the old rules: its next snapshot will be against the new ones.
      if (origin.link !== undefined && imported !== saidBy(origin.imports)) {
        this.#drop(origin.link, `what is imported from ${origin.tag} was changed`);
      }
    }
    for (const origin of options.origins) {
      if (!this.#origins.has(origin.tag)) this.#add(origin, options, now);
    }
    this.lighting.configured(options.pacing, gone, isOwn);
  }

  admits(peer: string, epoch: string): boolean {
    const origin = this.#origins.get(peer);
    if (origin === undefined || origin.former) return false;
    return origin.epoch === undefined || origin.epoch === epoch || origin.peer.belief !== 'live';
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
      owed: this.lighting.owedOf(origin),
      ...refusedOf(origin),
    }));
    return { ...this.lighting.status(), origins };
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
      this.lighting.relightAll(origin, 'backlog');
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
    if (accepted.result === 'replaced') {
      origin.peer.vouched(now);
      return this.lighting.replaced(origin, accepted.changes);
    }
    if (accepted.vouches) origin.peer.vouched(now);
    else origin.peer.heard(now);
    this.lighting.changed(origin, accepted.changed, message.type === 'change' ? message.at : undefined, now);
  }

  linkDown({ peer, link }: Extract<Input, { type: 'linkDown' }>): void {
    const origin = this.#origins.get(peer);
    if (origin?.link === link) origin.link = undefined;
  }

  #add(origin: OriginOptions, { tag, timing }: MirrorOptions, now: number): void {
    if (origin.tag !== tag) this.#origins.set(origin.tag, new Origin(origin, timing, now));
  }

  #drop(link: number, why: string): void {
    this.#emit({ type: 'dropLink', link, why });
  }

  #note(note: Note): void {
    this.#emit({ type: 'note', note });
  }
}
