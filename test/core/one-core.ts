// One core, its Asterisk and its peers as the test says, for what needs no second core.
import { type Effect, Federation, type FederationOptions, type Input } from '../../src/core/federation.ts';
import type { Entry, Message } from '../../src/core/message.ts';
import { isPresence, type PresenceWord, presenceOf, presenceWords } from '../../src/core/presence.ts';
import type { HintStatus, Listing } from '../../src/core/source.ts';
import { PACING, TIMING } from './world.ts';

export const NOTHING: Listing = { hints: [], devices: [], channels: [], presences: [], mailboxes: [] };

export class OneCore {
  readonly core: Federation;
  now = 0;
  options: FederationOptions;
  readonly #links = new Map<string, { readonly link: number; seq: number }>();

  constructor(options: Partial<FederationOptions>) {
    this.options = { tag: 'msk', exports: [], origins: [], timing: TIMING, pacing: PACING, ...options };
    this.core = new Federation(this.options, 0);
  }

  input(input: Input): Effect[] {
    return this.core.input(input, this.now);
  }

  up(listing: Partial<Listing> = {}): Effect[] {
    return this.input({ type: 'asteriskUp', listing: { ...NOTHING, ...listing } });
  }

  relisted(listing: Partial<Listing> = {}): Effect[] {
    return this.input({ type: 'asteriskRelisted', listing: { ...NOTHING, ...listing } });
  }

  configure(options: Partial<FederationOptions>): Effect[] {
    this.options = { ...this.options, ...options };
    return this.input({ type: 'configured', options: this.options });
  }

  /** A peer's link comes up. */
  link(peer: string): Effect[] {
    const link = (this.#links.get(peer)?.link ?? this.#links.size) + 100;
    this.#links.set(peer, { link, seq: 0 });
    return this.input({ type: 'linkUp', peer, link, epoch: `epoch-of-${peer}` });
  }

  linkOf(peer: string): number {
    return this.#links.get(peer)?.link ?? 0;
  }

  heard(peer: string, message: Message): Effect[] {
    const at = this.#links.get(peer);
    if (at === undefined) throw new Error(`${peer} has no link`);
    at.seq += 1;
    return this.input({ type: 'heard', peer, link: at.link, seq: at.seq, message });
  }

  /** The whole of what a peer has. */
  told(peer: string, ...entries: Entry[]): Effect[] {
    return this.heard(peer, { type: 'snapshot', entries, last: true });
  }

  /** Answers every write among the effects. */
  answer(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'setLamp') this.input({ type: 'writeDone', id: effect.id, ok: true });
    }
  }
}

export function device(extension: string, state: Extract<Entry, { kind: 'device' }>['state']): Entry {
  return { kind: 'device', extension, state };
}

export function presence(extension: string, word: PresenceWord | null, subtype = '', message = ''): Entry {
  return { kind: 'presence', extension, state: word && presenceOf({ word, subtype, message }) };
}

export function hint(extension: string, status = 0, devices = `PJSIP/${extension}`): HintStatus {
  return { context: 'local', extension, hint: devices, status };
}

/** `1001*spb=INUSE`, a presence as `presence 1001*spb=away,subtype,message`. */
export function writes(effects: readonly Effect[]): string[] {
  return effects
    .filter((effect) => effect.type === 'setLamp')
    .map(({ kind, lamp, state }) => {
      const text = isPresence(state) ? presenceWords(state) : state;
      return `${kind === 'device' ? '' : `${kind} `}${lamp}=${text}`;
    });
}

/** What goes out: `all: 1001=INUSE`, and of a snapshot `100 all: …`. */
export function out(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'publish' && effect.type !== 'snapshot') return [];
    const entries = effect.entries.map(({ kind, extension, state }) => {
      const text = state !== null && isPresence(state) ? presenceWords(state) : state;
      return `${kind === 'device' ? '' : `${kind} `}${extension}=${text}`;
    });
    const to = effect.type === 'snapshot' ? `${effect.link} ${effect.view}` : effect.view;
    return [`${to}: ${entries.join(' ')}`];
  });
}
