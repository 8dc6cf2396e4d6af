/**
 * What one broker must believe of each origin, worked out anew from what came over its links (laws 1 and 7, and the
 * beliefs of docs/architecture.md). Owns that model and the comparison with the core after every input.
 */
import type {
  Federation,
  FederationOptions,
  FederationStatus,
  Input,
} from '../../../../src/core/federation.ts';
import type { Message } from '../../../../src/core/message.ts';
import type { GoneState } from '../../../../src/core/origin.ts';
import type { Belief } from '../../../../src/core/peer.ts';
import type { DeviceState } from '../../../../src/core/state.ts';
import type { View } from '../wire.ts';
import { demand, lampOf, ofDevice, shownAs } from './words.ts';

/** A longer gap between two inputs means that the process did not run: that was no silence of the peers'. */
const LONGEST_GAP_MS = 1_000;

export interface Known {
  readonly tag: string;
  former: boolean;
  gone: GoneState;
  /** Every gone-state it had in this run. */
  readonly goneStates: Set<GoneState>;
  belief: Belief;
  /** It is waited for since it was first named: what Asterisk kept of its lamps is held. */
  isFresh: boolean;
  /** When the clock of this belief began, in time that this broker ran. */
  since: number;
  link: number | undefined;
  epoch: string | undefined;
  told: Map<string, DeviceState>;
  /** Of the present link. */
  seq: number;
  synced: boolean;
  over: boolean;
  incoming: Map<string, DeviceState> | undefined;
  /** A whole snapshot came at any time. */
  everSynced: boolean;
  /** Extensions that may have a lamp here: told, named by a hint, or found in Asterisk. */
  readonly lamps: Set<string>;
  /** What the frame of the present input tells on the way to its last word, `extension` → states. */
  passing: Map<string, DeviceState[]>;
}

export class Knowledge {
  readonly origins = new Map<string, Known>();
  readonly #core: Federation;
  #timing: FederationOptions['timing'];
  readonly #tag: string;
  /** How long this broker ran: gaps are taken out. */
  #run = 0;
  #lastAt: number;
  /** A link that the present input must make the core drop. */
  mustDrop: number | undefined;

  constructor(core: Federation, options: FederationOptions, now: number) {
    this.#core = core;
    this.#tag = options.tag;
    this.#timing = options.timing;
    this.#lastAt = now;
    for (const { tag, goneState, former } of options.origins) this.#add(tag, goneState, former === true);
  }

  /** `view`: all that the sender had published, if the frame of this input brings the receiver up to it. */
  before(input: Input, now: number, view: View | undefined): void {
    this.#run += Math.min(now - this.#lastAt, LONGEST_GAP_MS);
    this.#lastAt = now;
    this.mustDrop = undefined;
    for (const known of this.origins.values()) {
      known.passing.clear();
      this.#tick(known);
    }
    switch (input.type) {
      case 'linkUp':
        return this.#linkUp(input.peer, input.link, input.epoch);
      case 'linkDown': {
        const known = this.origins.get(input.peer);
        if (known?.link === input.link) known.link = undefined;
        return;
      }
      case 'heard':
        return this.#heard(input, view);
      case 'configured':
        return this.#configured(input.options);
    }
  }

  /** Whether a link of this run of the peer's broker may come up. */
  admits(peer: string, epoch: string): boolean {
    const known = this.origins.get(peer);
    if (known === undefined || known.former) return false;
    return known.epoch === undefined || known.epoch === epoch || known.belief !== 'live';
  }

  /** The core believes the same. */
  compare({ origins }: FederationStatus): void {
    demand(origins.length >= this.origins.size, 'belief', () => 'an origin is missing');
    for (const { tag, belief, link, former, extensions, lamps, owed } of origins) {
      const known = this.origins.get(tag);
      demand(known !== undefined, 'belief', () => `${tag} is no origin`);
      demand(belief === known.belief, 'belief', () => `${tag} is ${belief}, not ${known.belief}`);
      demand(former === known.former, 'belief', () => `${tag} is ${former ? '' : 'not '}former`);
      demand(link === known.link, 'law 1 (link)', () => `${tag} has link ${link}, not ${known.link}`);
      const bound = known.lamps.size;
      demand(
        lamps <= bound && owed <= lamps,
        'law 8',
        () => `${lamps} lamps of ${tag}, ${owed} owed, for ${bound}`,
      );
      const { size } = known.told;
      demand(extensions === size, 'law 1', () => `${extensions} states of ${tag}, not ${size}`);
    }
    const seen = new Map<string, number>();
    for (const { origin, extension, told } of this.#core.lamps()) {
      const expected = this.origins.get(origin)?.told.get(extension);
      demand(told === expected, 'law 1', () => `${extension} of ${origin} is ${told}, told was ${expected}`);
      if (told !== undefined) seen.set(origin, (seen.get(origin) ?? 0) + 1);
    }
    for (const { tag, told } of this.origins.values()) {
      const lamps = [...told.keys()].filter((extension) => lampOf(extension, tag) !== undefined).length;
      demand(
        lamps === (seen.get(tag) ?? 0),
        'law 1',
        () => `${seen.get(tag) ?? 0} lamps for ${lamps} of ${tag}`,
      );
    }
  }

  #add(tag: string, gone: GoneState, former: boolean): void {
    if (tag === this.#tag) return;
    this.origins.set(tag, {
      tag,
      former,
      gone,
      goneStates: new Set([gone]),
      belief: former ? 'gone' : 'unheard',
      isFresh: !former,
      since: this.#run,
      link: undefined,
      epoch: undefined,
      told: new Map(),
      seq: 0,
      synced: false,
      over: false,
      incoming: undefined,
      everSynced: false,
      lamps: new Set(),
      passing: new Map(),
    });
  }

  #tick(known: Known): void {
    const { suspectAfterMs, goneAfterMs, firstSyncMs } = this.#timing;
    if (known.belief === 'live' && this.#run - known.since >= suspectAfterMs) {
      known.belief = 'suspect';
      known.since += suspectAfterMs;
    }
    const silent = this.#run - known.since;
    if (known.belief === 'suspect' && silent >= goneAfterMs) known.belief = 'gone';
    if (known.belief === 'unheard' && silent >= firstSyncMs) known.belief = 'gone';
    known.isFresh &&= known.belief === 'unheard';
  }

  #linkUp(peer: string, link: number, epoch: string): void {
    const known = this.origins.get(peer);
    if (known === undefined || known.former) {
      this.mustDrop = link;
      return;
    }
    Object.assign(known, { link, epoch, seq: 0, synced: false, over: false, incoming: undefined });
  }

  #heard({ peer, link, seq, message }: Extract<Input, { type: 'heard' }>, view: View | undefined): void {
    const known = this.origins.get(peer);
    // Law 7: over another link, or of nobody we know, it is not heard at all.
    if (known === undefined || known.former || known.link !== link) return;
    const inOrder = seq === known.seq + 1 && !known.over;
    if (!inOrder || (message.type === 'change' && !known.synced)) {
      this.mustDrop = link;
      if (inOrder) known.seq = seq;
      return;
    }
    known.seq = seq;
    if ('entries' in message) for (const { extension } of message.entries) known.lamps.add(extension);
    this.#apply(known, message);
    if (view === undefined || !known.synced) return;
    const same =
      known.told.size === view.size && [...view].every(([of, state]) => known.told.get(of) === state);
    demand(same, 'simulation', () => `frame ${seq} of ${peer} does not tell what it published`);
  }

  #apply(known: Known, message: Message): void {
    switch (message.type) {
      case 'snapshot':
        known.incoming ??= new Map();
        for (const { extension, state } of message.entries) {
          if (state !== null) known.incoming.set(extension, ofDevice<DeviceState>(state));
        }
        if (!message.last) return;
        known.told = known.incoming;
        known.incoming = undefined;
        // Its first parts may be older than this session.
        for (const extension of known.told.keys()) known.lamps.add(extension);
        known.synced = true;
        known.everSynced = true;
        return this.#vouched(known);
      case 'change':
        for (const { extension, state } of message.entries) {
          known.passing.set(extension, [
            ...(known.passing.get(extension) ?? []),
            shownAs(ofDevice<DeviceState | null>(state) ?? undefined),
          ]);
          if (state === null) known.told.delete(extension);
          else known.told.set(extension, ofDevice<DeviceState>(state));
        }
        if (known.belief === 'live' || known.belief === 'suspect') this.#vouched(known);
        return;
      case 'alive':
        if (known.synced) this.#vouched(known);
        return;
      case 'bye':
        known.over = true;
        known.isFresh = false;
        if (message.final) known.belief = 'gone';
        else if (known.belief === 'live') {
          known.belief = 'suspect';
          known.since = this.#run;
        }
    }
  }

  #vouched(known: Known): void {
    known.isFresh = false;
    known.belief = 'live';
    known.since = this.#run;
  }

  #configured({ origins, timing }: FederationOptions): void {
    this.#timing = timing;
    const wanted = new Map(origins.map((origin) => [origin.tag, origin]));
    for (const known of this.origins.values()) {
      const { goneState, former = false } = wanted.get(known.tag) ?? { goneState: known.gone, former: true };
      known.gone = goneState;
      known.goneStates.add(goneState);
      if (former && !known.former) {
        known.isFresh = false;
        known.belief = 'gone';
        known.epoch = undefined;
      }
      if (!former && known.former) {
        known.belief = 'unheard';
        known.since = this.#run;
      }
      known.former = former;
    }
    for (const { tag, goneState, former } of origins) {
      if (!this.origins.has(tag)) this.#add(tag, goneState, former === true);
    }
  }
}
