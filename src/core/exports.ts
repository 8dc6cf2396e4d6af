/**
 * What the local sources say → what each exported extension is. Owns the one source of
 * each extension, and the refusal to export a hint that names a lamp (law 4). Under which names the peers are told is
 * exported.ts's.
 */
import { Channels } from './channels.ts';
import type { DeviceMap } from './device-map.ts';
import { type ExportRule, ExportRules, type Source } from './export-rules.ts';
import { Exported, type Told } from './exported.ts';
import { devicesOfHint, type IsLamp, lampOfDevice } from './names.ts';
import { NOT_SET } from './presence.ts';
import type {
  ChannelChange,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from './source.ts';
import { aggregate, type DeviceState, fromExtensionStatus } from './state.ts';

export type { ExportRule } from './export-rules.ts';

/** Extensions one broker exports at most: what a peer takes at most (`MAX_STATES` in replica.ts). */
export const MAX_EXPORTS = 100_000;

/** Devices whose states are kept; several may make one extension. */
const MAX_DEVICES = 2 * MAX_EXPORTS;

/** What a source's news did: the entries to publish, and what cannot be exported. */
export interface ExportNews {
  readonly entries: Told[];
  /** Hints that name a lamp, seen for the first time. */
  readonly namesLamp: HintKey[];
  /** A hint was created but not described: only reading the list again tells whether it may be exported. */
  readonly relist: boolean;
  /** Extensions left out because there are more than MAX_EXPORTS. */
  leftOut: number;
}

export class Exports {
  #rules = new ExportRules([], () => false);
  readonly #exported = new Exported(MAX_EXPORTS);
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
  #readUnder = this.#rules;
  /** The rules under which `toAsk` was asked for the listing under way. */
  #askedUnder: ExportRules | undefined;

  constructor(rules: readonly ExportRule[], isLamp?: IsLamp) {
    this.setRules(new ExportRules(rules, isLamp ?? (() => false)));
    this.#readUnder = this.#rules;
  }

  /**
   * Other rules from now on. What no rule names any more is gone at once. The rest is as the next listing says; until
   * then no event is believed of an extension whose rule is another one, for it tells a part of the state at best.
   */
  setRules(next: ExportRules): ExportNews {
    const isSame = this.#rules.isSame(next.rules);
    // What may be a lamp can be another although the rules are the same; then nothing has to be read again.
    if (isSame && this.#readUnder === this.#rules) this.#readUnder = next;
    if (isSame && this.#askedUnder === this.#rules) this.#askedUnder = next;
    this.#rules = next;
    if (isSame) return noNews();
    for (const extension of this.#hints.keys()) {
      if (next.ofExtension(extension) === undefined) this.#hints.delete(extension);
    }
    return { ...noNews(), entries: this.#exported.reconfigured((source) => next.ruleOf(source)) };
  }

  /** Everything exported. */
  entries(): Told[] {
    return this.#exported.told();
  }

  get size(): number {
    return this.#exported.size;
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
    for (const key of [...this.#hints.values(), ...this.#rules.asked]) {
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
  listed({ hints, devices, channels, presences, mailboxes }: Listing): ExportNews {
    const isWhole = this.#askedUnder === undefined || this.#askedUnder === this.#rules;
    this.#askedUnder = undefined;
    if (isWhole) this.#readUnder = this.#rules;
    const news = { ...noNews(), relist: !isWhole };
    const states = this.#listedHints(hints, news);
    this.#deviceStates.clear();
    const touched = new Set<string>();
    for (const { device, state } of devices) {
      for (const extension of this.#extensionsOf(this.#rules.devices, device)) {
        this.#deviceStates.set(device, state);
        if (this.#rules.ofExtension(extension)?.source === 'device') touched.add(extension);
      }
    }
    for (const extension of touched) states.set(extension, this.#ofDevices(extension));
    this.#channels.listed(channels);
    for (const extension of this.#rules.byChannels) states.set(extension, this.#ofChannels(extension));
    const found: [source: Source, state: Told['state']][] = [];
    for (const [of, state] of states) {
      const rule = state && this.#rules.ofExtension(of);
      if (state !== undefined && rule !== undefined) found.push([{ rule, of }, state]);
    }
    found.push(...mailboxes.flatMap((status) => asList(this.#ofMailbox(status))));
    found.push(...presences.flatMap((status) => asList(this.#ofPresence(status))));
    const present = new Set(found.map(([source, state]) => state && this.#exported.keyOf(source)));
    // First what goes, to make room.
    for (const key of isWhole ? this.#exported.keys() : []) {
      const gone = present.has(key) ? undefined : this.#exported.remove(key);
      if (gone !== undefined) news.entries.push(gone);
    }
    for (const [source, state] of found) this.#set(source, state ?? undefined, news);
    this.#leftOut = news.leftOut;
    return news;
  }

  hintChanged(status: HintStatus): ExportNews {
    const rule = this.#rules.ofHint(status);
    if (rule === undefined || !this.#isRead(status.extension)) return noNews();
    const news = noNews();
    // The event of a hint that a reload just made has an empty `Hint:`.
    const known = status.hint === '' ? this.#hints.get(status.extension)?.hint : status.hint;
    if (known === undefined && status.status >= 0) {
      return { ...news, relist: !this.#untold.has(status.extension) };
    }
    const { context, extension, status: code } = status;
    const state = this.#hint({ context, extension, status: code, hint: known ?? '' }, news);
    this.#set({ rule, of: extension }, state, news);
    return news;
  }

  deviceChanged(status: DeviceStatus): ExportNews {
    const extensions = this.#extensionsOf(this.#rules.devices, status.device);
    const full = this.#deviceStates.size >= MAX_DEVICES && !this.#deviceStates.has(status.device);
    if (extensions.length === 0 || full) return noNews();
    const news = noNews();
    this.#deviceStates.set(status.device, status.state);
    for (const of of extensions) {
      const rule = this.#isRead(of) ? this.#rules.ofExtension(of) : undefined;
      if (rule?.source === 'device') this.#set({ rule, of }, this.#ofDevices(of), news);
    }
    return news;
  }

  channelChanged(change: ChannelChange): ExportNews {
    const news = noNews();
    for (const device of this.#channels.changed(change)) {
      for (const of of this.#extensionsOf(this.#rules.channelDevices, device)) {
        const rule = this.#isRead(of) ? this.#rules.ofExtension(of) : undefined;
        if (rule?.source === 'channels') this.#set({ rule, of }, this.#ofChannels(of), news);
      }
    }
    return news;
  }

  mailboxChanged(status: MailboxStatus): ExportNews {
    const news = noNews();
    const found = this.isRead ? this.#ofMailbox(status) : undefined;
    if (found !== undefined) this.#set(...found, news);
    return news;
  }

  presenceChanged(status: PresenceStatus): ExportNews {
    const news = noNews();
    const [source, state] = (this.isRead && this.#ofPresence(status)) || [];
    if (source !== undefined) this.#set(source, state ?? undefined, news);
    return news;
  }

  #ofMailbox({ mailbox, newMessages }: MailboxStatus): [source: Source, state: DeviceState] | undefined {
    const rule = this.#rules.ofMailbox(mailbox);
    return rule && [{ rule, of: mailbox }, newMessages > 0 ? 'INUSE' : 'NOT_INUSE'];
  }

  /** One that was never set, or no more, is none. */
  #ofPresence({ presentity, presence }: PresenceStatus): [source: Source, state: Told['state']] | undefined {
    const source = this.#rules.ofPresentity(presentity);
    return source && [source, presence === NOT_SET ? null : presence];
  }

  /** Those that a device makes; none for a lamp. */
  #extensionsOf(map: DeviceMap, device: string): string[] {
    return this.#rules.isPlainLamp(device) ? [] : map.extensions(device);
  }

  /** Everything was read under the rule that this extension has now. */
  #isRead(extension: string): boolean {
    if (this.isRead) return true;
    return this.#readUnder.sourceOf(extension) === this.#rules.sourceOf(extension);
  }

  #listedHints(hints: readonly HintStatus[], news: ExportNews): Map<string, DeviceState | undefined> {
    const states = new Map<string, DeviceState | undefined>();
    const refused = [...this.#refused];
    const present = new Set<string>();
    this.#hints.clear();
    this.#untold.clear();
    for (const status of hints) {
      if (this.#rules.ofHint(status) === undefined) continue;
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
    const namesLamp = devicesOfHint(hint).some(
      (device) => lampOfDevice(device) || this.#rules.isPlainLamp(device),
    );
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
    const states = this.#rules.devices
      .devices(extension)
      .map((device) => this.#deviceStates.get(device))
      .filter((state) => state !== undefined);
    return states.length > 0 ? aggregate(states) : undefined;
  }

  #ofChannels(extension: string): DeviceState {
    return aggregate(
      this.#rules.channelDevices.devices(extension).map((device) => this.#channels.state(device)),
    );
  }

  #set(source: Source, state: Told['state'] | undefined, news: ExportNews): void {
    const told = this.#exported.set(source, state ?? undefined);
    if (told === 'full') {
      news.leftOut += 1;
      // Each event of one that is left out would count it again: only a listing counts.
      this.#leftOut ||= 1;
    } else if (told !== undefined) news.entries.push(told);
  }
}

function noNews(): ExportNews {
  return { entries: [], namesLamp: [], relist: false, leftOut: 0 };
}

function keyOf({ context, extension }: HintKey): string {
  return `${extension}@${context}`;
}

function asList<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item];
}
