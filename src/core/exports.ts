/**
 * What the local sources say → what each exported extension is. Owns the export rules, the one source of
 * each extension, and the refusal to export a hint that names a lamp (law 4). Knows nothing of peers.
 */
import { enumerate, type Match, matches } from './match.ts';
import type { Entry } from './message.ts';
import { isExtension, lampOfDevice, lampsOfHint } from './names.ts';
import type { DeviceStatus, HintKey, HintStatus, Listing } from './source.ts';
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
    };

/** Extensions one broker exports at most: what a peer takes at most (`MAX_STATES` in replica.ts). */
export const MAX_EXPORTS = 100_000;

/** Devices whose states are kept; several may make one extension. */
const MAX_DEVICES = 2 * MAX_EXPORTS;

/** Stands for the extension in a device template. */
export const EXT_PLACEHOLDER = '{ext}';

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
  readonly #hintRules: readonly HintRule[];
  readonly #devices: DeviceMap;
  readonly #asked: readonly HintKey[];
  /** What peers were told, or will be. */
  readonly #states = new Map<string, DeviceState>();
  /** The hint text of each extension with a hint source, and the context it is in. */
  readonly #hints = new Map<string, HintKey & { readonly hint: string }>();
  readonly #deviceStates = new Map<string, DeviceState>();
  /** Hints that name a lamp: said once. */
  readonly #refused = new Set<string>();
  /** Hints of which even the list does not tell the devices (too long a line): not asked about again. */
  readonly #untold = new Set<string>();

  constructor(rules: readonly ExportRule[]) {
    this.#hintRules = rules.filter((rule) => rule.source === 'hint');
    this.#devices = new DeviceMap(rules);
    this.#asked = this.#hintRules.flatMap(({ context, match }) =>
      enumerate(match).map((extension) => ({ context, extension })),
    );
  }

  /** Every exported extension. */
  entries(): Entry[] {
    return Array.from(this.#states, ([extension, state]) => ({ kind: 'device', extension, state }));
  }

  get size(): number {
    return this.#states.size;
  }

  /**
   * The extensions that the list of hints does not show and that must be asked for: those the config names
   * one by one (pattern hints are in no list), and those exported until now.
   */
  toAsk(listed: readonly HintStatus[]): HintKey[] {
    const shown = new Set(listed.map(keyOf));
    const ask = new Map<string, HintKey>();
    // First those that are known to be there: phones look at their lamps.
    for (const key of [...this.#hints.values(), ...this.#asked]) {
      if (!shown.has(keyOf(key))) ask.set(keyOf(key), { context: key.context, extension: key.extension });
    }
    return [...ask.values()].slice(0, MAX_EXPORTS);
  }

  /** Everything was read: what is not in it is gone. */
  listed({ hints, devices }: Listing): ExportNews {
    const news = noNews();
    const present = new Set<string>();
    this.#untold.clear();
    for (const status of hints) {
      if (this.#ruleOf(status) === undefined) continue;
      if (status.hint === '' && status.status >= 0) {
        this.#untold.add(status.extension);
        continue;
      }
      this.#hint(status, news);
      if (this.#hints.has(status.extension)) present.add(status.extension);
    }
    for (const extension of this.#hints.keys()) {
      if (present.has(extension)) continue;
      this.#hints.delete(extension);
      this.#set(extension, undefined, news);
    }
    const touched = new Set<string>();
    for (const device of this.#deviceStates.keys()) {
      for (const extension of this.#devices.extensions(device)) touched.add(extension);
    }
    this.#deviceStates.clear();
    for (const { device, state } of devices) {
      for (const extension of this.#devices.extensions(device)) {
        this.#deviceStates.set(device, state);
        touched.add(extension);
      }
    }
    for (const extension of touched) this.#aggregate(extension, news);
    return news;
  }

  hintChanged(status: HintStatus): ExportNews {
    if (this.#ruleOf(status) === undefined) return noNews();
    const news = noNews();
    if (status.status < 0) {
      this.#hint(status, news);
      return news;
    }
    // The event of a hint that a reload just made has an empty `Hint:`.
    const known = status.hint === '' ? this.#hints.get(status.extension)?.hint : status.hint;
    if (known === undefined) return { ...news, relist: !this.#untold.has(status.extension) };
    this.#hint({ ...status, hint: known }, news);
    return news;
  }

  deviceChanged(status: DeviceStatus): ExportNews {
    const extensions = this.#devices.extensions(status.device);
    const full = this.#deviceStates.size >= MAX_DEVICES && !this.#deviceStates.has(status.device);
    if (extensions.length === 0 || full) return noNews();
    const news = noNews();
    this.#deviceStates.set(status.device, status.state);
    for (const extension of extensions) this.#aggregate(extension, news);
    return news;
  }

  #ruleOf({ context, extension }: HintKey): HintRule | undefined {
    if (!isExtension(extension)) return undefined;
    return this.#hintRules.find((rule) => rule.context === context && matches(rule.match, extension));
  }

  #hint(status: HintStatus, news: ExportNews): void {
    const { context, extension, hint } = status;
    const state = fromExtensionStatus(status.status);
    const namesLamp = lampsOfHint(hint).length > 0;
    if (namesLamp && !this.#refused.has(keyOf(status)) && this.#refused.size < MAX_EXPORTS) {
      this.#refused.add(keyOf(status));
      news.namesLamp.push({ context, extension });
    }
    if (!namesLamp) this.#refused.delete(keyOf(status));
    this.#set(extension, namesLamp ? undefined : state, news);
    if (this.#states.has(extension)) this.#hints.set(extension, { context, extension, hint });
    else this.#hints.delete(extension);
  }

  #aggregate(extension: string, news: ExportNews): void {
    const states = this.#devices
      .devices(extension)
      .map((device) => this.#deviceStates.get(device))
      .filter((state) => state !== undefined);
    this.#set(extension, states.length > 0 ? aggregate(states) : undefined, news);
  }

  #set(extension: string, state: DeviceState | undefined, news: ExportNews): void {
    if (this.#states.get(extension) === state) return;
    if (state === undefined) this.#states.delete(extension);
    else if (this.#states.size >= MAX_EXPORTS && !this.#states.has(extension)) {
      news.leftOut += 1;
      return;
    } else this.#states.set(extension, state);
    news.entries.push({ kind: 'device', extension, state: state ?? null });
  }
}

function noNews(): ExportNews {
  return { entries: [], namesLamp: [], relist: false, leftOut: 0 };
}

function keyOf({ context, extension }: HintKey): string {
  return `${extension}@${context}`;
}

/** Which devices make which extension, both ways. */
class DeviceMap {
  readonly #rules: readonly Extract<ExportRule, { source: 'device' }>[];
  /** Templates without a placeholder: device → extension. */
  readonly #fixed = new Map<string, string[]>();
  readonly #templates: { readonly prefix: string; readonly suffix: string; readonly match: Match }[] = [];

  constructor(rules: readonly ExportRule[]) {
    this.#rules = rules.filter((rule) => rule.source === 'device');
    for (const { devices, match } of this.#rules) {
      for (const device of devices) {
        const at = device.indexOf(EXT_PLACEHOLDER);
        if (at >= 0) {
          const suffix = device.slice(at + EXT_PLACEHOLDER.length);
          this.#templates.push({ prefix: device.slice(0, at), suffix, match });
        } else {
          this.#fixed.set(device, [...(this.#fixed.get(device) ?? []), ...enumerate(match)]);
        }
      }
    }
  }

  /** Never any for a lamp, whatever a template would make of it (law 4). */
  extensions(device: string): string[] {
    if (lampOfDevice(device) !== undefined) return [];
    const found = [...(this.#fixed.get(device) ?? [])];
    for (const { prefix, suffix, match } of this.#templates) {
      if (device.length <= prefix.length + suffix.length) continue;
      if (!device.startsWith(prefix) || !device.endsWith(suffix)) continue;
      const extension = device.slice(prefix.length, device.length - suffix.length);
      if (isExtension(extension) && matches(match, extension)) found.push(extension);
    }
    return found;
  }

  devices(extension: string): string[] {
    return this.#rules
      .filter(({ match }) => matches(match, extension))
      .flatMap(({ devices }) => devices.map((device) => device.replace(EXT_PLACEHOLDER, () => extension)));
  }
}
