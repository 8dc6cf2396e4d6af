/**
 * What the local sources say → what each exported extension is. Owns the export rules, the one source of
 * each extension, and the refusal to export a hint that names a lamp (law 4). Knows nothing of peers.
 */
import { Channels } from './channels.ts';
import { DeviceMap } from './device-map.ts';

import { enumerate, type Match, matches } from './match.ts';
import type { Entry } from './message.ts';
import { isExtension, lampsOfHint } from './names.ts';
import type { ChannelChange, DeviceStatus, HintKey, HintStatus, Listing } from './source.ts';
import { aggregate, type DeviceState, fromExtensionStatus } from './state.ts';

/** One line of the config's `export` list. No two rules name the same extension (the config sees to it). */
export type ExportRule =
  /** The extensions of `context` that `match` names, by their hints. */
  | {
      readonly source: 'hint';
      readonly context: string;
      readonly match: Match;
      /** `file:line:column`, for messages. */
      readonly where: string;
    }
  /**
   * The extensions that `match` names, by their devices: each template with `{ext}` replaced. A template
   * without `{ext}` stands only beside a match of a single extension.
   */
  | {
      readonly source: 'device';
      readonly devices: readonly string[];
      readonly match: Match;
      readonly where: string;
    }
  /**
   * The extensions that `match` names, by the channels of their devices, templates as above: for PBXs whose hints
   * and devices do not tell what the calling party does. No channels: NOT_INUSE. Nothing lists such extensions, so
   * `match` has no patterns.
   */
  | {
      readonly source: 'channels';
      readonly devices: readonly string[];
      readonly match: Match;
      readonly where: string;
    };

/** Extensions one broker exports at most: what a peer takes at most (`MAX_STATES` in replica.ts). */
export const MAX_EXPORTS = 100_000;

/** Devices whose states are kept; several may make one extension. */
const MAX_DEVICES = 2 * MAX_EXPORTS;

type HintRule = Extract<ExportRule, { source: 'hint' }>;

/** What a source's news did: the entries to publish, and what cannot be exported. */
export interface ExportNews {
  readonly entries: Entry[];
  /** Hints that name a lamp, seen for the first time. */
  readonly namesLamp: HintKey[];
  /** A hint was created but not described: only reading the list again tells whether it may be exported. */
  readonly relist: boolean;
  /** Extensions left out because there are more than MAX_EXPORTS. */
  leftOut: number;
}

export class Exports {
  #rules: readonly ExportRule[] = [];
  #hintRules: readonly HintRule[] = [];
  #devices = new DeviceMap([]);
  #channelDevices = new DeviceMap([]);
  #asked: readonly HintKey[] = [];
  /** The extensions whose channels are their source: there is no list of those. */
  #byChannels: readonly string[] = [];
  /** What peers were told, or will be. */
  readonly #states = new Map<string, DeviceState>();
  /** The hint text of each extension with a hint source, and the context it is in. */
  readonly #hints = new Map<string, HintKey & { readonly hint: string }>();
  readonly #deviceStates = new Map<string, DeviceState>();
  readonly #channels = new Channels();
  /** Hints that name a lamp: said once. */
  readonly #refused = new Set<string>();
  /** Hints of which even the list does not tell the devices (too long a line): not asked about again. */
  readonly #untold = new Set<string>();
  #leftOut = 0;
  /** The rules under which everything was last read; those of the present are other ones between a reload and that. */
  #readUnder: readonly ExportRule[] = [];
  /** The rules under which `toAsk` was asked for the listing under way. */
  #askedUnder: readonly ExportRule[] | undefined;

  constructor(rules: readonly ExportRule[]) {
    this.setRules(rules);
    this.#readUnder = this.#rules;
  }

  /**
   * Other rules from now on. What no rule names any more is gone at once. The rest is as the next listing says; until
   * then no event is believed of an extension whose rule is another one, for it tells a part of the state at best.
   */
  setRules(rules: readonly ExportRule[]): ExportNews {
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return noNews();
    this.#rules = rules;
    this.#hintRules = rules.filter((rule) => rule.source === 'hint');
    this.#devices = new DeviceMap(rules.filter((rule) => rule.source === 'device'));
    const byChannels = rules.filter((rule) => rule.source === 'channels');
    this.#channelDevices = new DeviceMap(byChannels);
    this.#byChannels = byChannels.flatMap(({ match }) => enumerate(match));
    this.#asked = this.#hintRules.flatMap(({ context, match }) =>
      enumerate(match).map((extension) => ({ context, extension })),
    );
    const news = noNews();
    for (const extension of this.#states.keys()) {
      if (rules.some(({ match }) => matches(match, extension))) continue;
      this.#hints.delete(extension);
      this.#set(extension, undefined, news);
    }
    return news;
  }

  /** Every exported extension. */
  entries(): Entry[] {
    return Array.from(this.#states, ([extension, state]) => ({ kind: 'device', extension, state }));
  }

  get size(): number {
    return this.#states.size;
  }

  /** Everything was read under the present rules. */
  get isRead(): boolean {
    return this.#readUnder === this.#rules;
  }

  /** Extensions left out because there are more than MAX_EXPORTS, since everything was last read. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Hints that are not exported because they name a lamp, `extension@context`. */
  get namesLamp(): string[] {
    return [...this.#refused];
  }

  /**
   * The extensions that the list of hints does not show and that must be asked for: those the config names
   * one by one (pattern hints are in no list), and those exported until now.
   */
  toAsk(listed: readonly HintStatus[]): HintKey[] {
    this.#askedUnder = this.#rules;
    const shown = new Set(listed.map(keyOf));
    const ask = new Map<string, HintKey>();
    // First those that are known to be there: phones look at their lamps.
    for (const key of [...this.#hints.values(), ...this.#asked]) {
      if (!shown.has(keyOf(key))) ask.set(keyOf(key), { context: key.context, extension: key.extension });
    }
    return [...ask.values()].slice(0, MAX_EXPORTS);
  }

  /** What was known of channels and hold is not true any more; the next listing tells anew. */
  sessionDown(): void {
    this.#channels.clear();
  }

  /**
   * Everything was read: what is not in it is gone. But not if the rules changed while it was read: then it was not
   * asked for all they name, and another reading is called for.
   */
  listed({ hints, devices, channels }: Listing): ExportNews {
    const isWhole = this.#askedUnder === undefined || this.#askedUnder === this.#rules;
    this.#askedUnder = undefined;
    if (isWhole) this.#readUnder = this.#rules;
    const news = { ...noNews(), relist: !isWhole };
    const states = this.#listedHints(hints, news);
    this.#deviceStates.clear();
    const touched = new Set<string>();
    for (const { device, state } of devices) {
      for (const extension of this.#devices.extensions(device)) {
        this.#deviceStates.set(device, state);
        touched.add(extension);
      }
    }
    for (const extension of touched) states.set(extension, this.#ofDevices(extension));
    this.#channels.listed(channels);
    for (const extension of this.#byChannels) states.set(extension, this.#ofChannels(extension));
    // First what goes, to make room.
    for (const extension of isWhole ? this.#states.keys() : []) {
      if (states.get(extension) === undefined) this.#set(extension, undefined, news);
    }
    for (const [extension, state] of states) this.#set(extension, state, news);
    this.#leftOut = news.leftOut;
    return news;
  }

  hintChanged(status: HintStatus): ExportNews {
    if (this.#ruleOf(status) === undefined || !this.#isRead(status.extension)) return noNews();
    const news = noNews();
    // The event of a hint that a reload just made has an empty `Hint:`.
    const known = status.hint === '' ? this.#hints.get(status.extension)?.hint : status.hint;
    if (known === undefined && status.status >= 0) {
      return { ...news, relist: !this.#untold.has(status.extension) };
    }
    this.#set(status.extension, this.#hint({ ...status, hint: known ?? '' }, news), news);
    return news;
  }

  deviceChanged(status: DeviceStatus): ExportNews {
    const extensions = this.#devices.extensions(status.device);
    const full = this.#deviceStates.size >= MAX_DEVICES && !this.#deviceStates.has(status.device);
    if (extensions.length === 0 || full) return noNews();
    const news = noNews();
    this.#deviceStates.set(status.device, status.state);
    for (const extension of extensions) {
      if (this.#isRead(extension)) this.#set(extension, this.#ofDevices(extension), news);
    }
    return news;
  }

  channelChanged(change: ChannelChange): ExportNews {
    const news = noNews();
    for (const device of this.#channels.changed(change)) {
      for (const extension of this.#channelDevices.extensions(device)) {
        if (this.#isRead(extension)) this.#set(extension, this.#ofChannels(extension), news);
      }
    }
    return news;
  }

  #ruleOf({ context, extension }: HintKey): HintRule | undefined {
    if (!isExtension(extension)) return undefined;
    return this.#hintRules.find((rule) => rule.context === context && matches(rule.match, extension));
  }

  /** Everything was read under the rule that this extension has now. */
  #isRead(extension: string): boolean {
    if (this.isRead) return true;
    return sourceOf(this.#readUnder, extension) === sourceOf(this.#rules, extension);
  }

  #listedHints(hints: readonly HintStatus[], news: ExportNews): Map<string, DeviceState | undefined> {
    const states = new Map<string, DeviceState | undefined>();
    const refused = [...this.#refused];
    const present = new Set<string>();
    this.#hints.clear();
    this.#untold.clear();
    for (const status of hints) {
      if (this.#ruleOf(status) === undefined) continue;
      present.add(keyOf(status));
      if (status.hint === '' && status.status >= 0) this.#untold.add(status.extension);
      else states.set(status.extension, this.#hint(status, news));
    }
    for (const key of refused) if (!present.has(key)) this.#refused.delete(key);
    return states;
  }

  /** What a hint makes of its extension. */
  #hint(status: HintStatus, news: ExportNews): DeviceState | undefined {
    const { context, extension, hint } = status;
    const namesLamp = lampsOfHint(hint).length > 0;
    if (namesLamp && !this.#refused.has(keyOf(status)) && this.#refused.size < MAX_EXPORTS) {
      this.#refused.add(keyOf(status));
      news.namesLamp.push({ context, extension });
    }
    if (!namesLamp) this.#refused.delete(keyOf(status));
    const state = namesLamp ? undefined : fromExtensionStatus(status.status);
    if (state === undefined) this.#hints.delete(extension);
    else this.#hints.set(extension, { context, extension, hint });
    return state;
  }

  #ofDevices(extension: string): DeviceState | undefined {
    const states = this.#devices
      .devices(extension)
      .map((device) => this.#deviceStates.get(device))
      .filter((state) => state !== undefined);
    return states.length > 0 ? aggregate(states) : undefined;
  }

  #ofChannels(extension: string): DeviceState {
    return aggregate(this.#channelDevices.devices(extension).map((device) => this.#channels.state(device)));
  }

  #set(extension: string, state: DeviceState | undefined, news: ExportNews): void {
    if (this.#states.get(extension) === state) return;
    if (state === undefined) this.#states.delete(extension);
    else if (this.#states.size >= MAX_EXPORTS && !this.#states.has(extension)) {
      news.leftOut += 1;
      // Each event of one that is left out would count it again: only a listing counts.
      this.#leftOut ||= 1;
      return;
    } else this.#states.set(extension, state);
    news.entries.push({ kind: 'device', extension, state: state ?? null });
  }
}

/** What tells the state of an extension, as a text to compare. No two rules name one extension. */
function sourceOf(rules: readonly ExportRule[], extension: string): string | undefined {
  const rule = rules.find(({ match }) => matches(match, extension));
  return rule && JSON.stringify([rule.source, rule.source === 'hint' ? rule.context : rule.devices]);
}

function noNews(): ExportNews {
  return { entries: [], namesLamp: [], relist: false, leftOut: 0 };
}

function keyOf({ context, extension }: HintKey): string {
  return `${extension}@${context}`;
}
