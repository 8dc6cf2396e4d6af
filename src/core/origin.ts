/**
 * One remote PBX: what we believe about it, what it told us, and so what each of its lamps should show
 * (law 3). Owns that decision and the set of lamps it concerns; writes nothing itself.
 */
import type { ImportRule, PlainRule } from './imports.ts';
import type { Kind, State, StateOf } from './message.ts';
import { type Belief, type BeliefTiming, Peer } from './peer.ts';
import { GONE_PRESENCE, NOT_SET } from './presence.ts';
import { Replica } from './replica.ts';
import { type DeviceState, toWritable, type WritableState } from './state.ts';
import type { Seen, Writable } from './write.ts';

/** What the lamps of a gone origin show; `hold`: what they showed last. */
export type GoneState = 'UNAVAILABLE' | 'BUSY' | 'INVALID' | 'hold';

/**
 * Lamps one origin may ever have in one run; each is a row in Asterisk's database that stays for ever. As many again may
 * be beside them: presences and plain lamps, which must not take their room.
 */
export const MAX_LAMPS_PER_ORIGIN = 100_000;

export interface OriginOptions {
  readonly tag: string;
  readonly goneState: GoneState;
  /** A tag of the past: no peer any more, so nobody can vouch for its lamps. */
  readonly former?: boolean;
  /** Those that speak of this peer; none: everything is taken as it is told. */
  readonly imports?: readonly ImportRule[];
  readonly plain?: readonly PlainRule[];
}

export class Origin {
  readonly tag: string;
  former: boolean;
  peer: Peer;
  /** The belief that its lamps were lit by. */
  lit: Belief;
  readonly replica = new Replica();
  /** The link it speaks over now, if any, and the run of its broker at the other end. */
  link: number | undefined;
  epoch: string | undefined;
  /** It said bye and that it does not come back. */
  left = false;
  /** When it last said anything of its states. */
  heardAt: number | undefined;
  /** Extensions told on the present link that cannot be lamps here, and why; the first one was said. */
  readonly refused = new Map<string, string>();
  saidRefused = false;
  goneState: GoneState;
  imports: readonly ImportRule[];
  plain: readonly PlainRule[];
  /** The keys of its lamps here: told by the origin, named by a local hint, or found in Asterisk. */
  readonly #lamps = new Set<string>();
  /** Those of them that are no `EXT*tag`, or a presence. */
  readonly #beside = new Set<string>();

  constructor(options: OriginOptions, timing: BeliefTiming, now: number) {
    const { tag, goneState, former = false, imports = [], plain = [] } = options;
    this.imports = imports;
    this.plain = plain;
    this.tag = tag;
    this.former = former;
    this.goneState = goneState;
    this.peer = new Peer(timing, now);
    if (former) this.peer.left(true, now);
    this.lit = this.peer.belief;
  }

  /**
   * Another config. One that is a peer no more is gone for good; one that is a peer again has to be heard first, and
   * its lamps hold until then.
   */
  configure(options: OriginOptions, timing: BeliefTiming, now: number): void {
    const { goneState, former = false, imports = [], plain = [] } = options;
    this.imports = imports;
    this.plain = plain;
    this.goneState = goneState;
    if (former && !this.former) {
      this.peer.left(true, now);
      this.epoch = undefined;
    }
    if (!former && this.former) {
      this.peer = new Peer(timing, now);
      this.left = false;
      this.refused.clear();
    }
    this.former = former;
    this.peer.retime(timing);
  }

  get lamps(): ReadonlySet<string> {
    return this.#lamps;
  }

  /** False when the origin has as many lamps as it may: this one is not kept. `isBeside`: a presence, or a plain lamp. */
  keep(lamp: string, isBeside: boolean): boolean {
    if (this.#lamps.has(lamp)) return true;
    const others = isBeside ? this.#beside.size : this.#lamps.size - this.#beside.size;
    if (others >= MAX_LAMPS_PER_ORIGIN) return false;
    this.#lamps.add(lamp);
    if (isBeside) this.#beside.add(lamp);
    return true;
  }

  /** It has no such lamp here any more. */
  forget(lamp: string): void {
    this.#beside.delete(lamp);
    this.#lamps.delete(lamp);
  }

  /** What a lamp of this kind should show: {@link desired} and {@link desiredPresence}. */
  desiredOf(kind: Kind, told: State | undefined, written: Seen | undefined): Writable | undefined {
    return kind === 'device'
      ? this.desired(told as StateOf['device'] | undefined, written as DeviceState | undefined)
      : this.desiredPresence(told as StateOf['presence'] | undefined);
  }

  /**
   * What the lamp of an extension should show of which the origin `told` this state (`undefined`: it has no
   * such extension). `undefined`: leave the lamp as it is. `written` is what Asterisk holds: UNKNOWN or
   * nothing shows as idle on a phone, which nobody vouches for.
   */
  desired(told: DeviceState | undefined, written: DeviceState | undefined): WritableState | undefined {
    const unwritten = written === undefined || written === 'UNKNOWN';
    const gone = this.goneState === 'hold' ? 'UNAVAILABLE' : this.goneState;
    const last = told === undefined ? 'INVALID' : toWritable(told);
    switch (this.peer.belief) {
      case 'live':
        return last;
      case 'suspect':
        return told === undefined && unwritten ? gone : last;
      case 'unheard':
        return unwritten ? gone : undefined;
      case 'gone':
        if (this.goneState !== 'hold' || (unwritten && told === undefined)) return gone;
        return this.replica.known ? last : undefined;
    }
  }

  /**
   * The same of a presence. Where nothing was ever written Asterisk says `not_set`, which claims nothing, so what is
   * not told is left alone until the origin is heard.
   */
  desiredPresence(told: StateOf['presence'] | undefined): StateOf['presence'] | undefined {
    switch (this.peer.belief) {
      case 'live':
        return told ?? NOT_SET;
      case 'suspect':
        return told;
      case 'unheard':
        return undefined;
      case 'gone':
        return this.goneState === 'hold' ? told : GONE_PRESENCE;
    }
  }
}
