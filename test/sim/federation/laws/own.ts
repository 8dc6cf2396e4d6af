/**
 * What a broker may tell of its own PBX, and when (laws 1, 3 and 4): the view it publishes, when it vouches for it, and
 * that it is what the sources said. Written from docs/architecture.md and docs/protocol.md.
 */
import type { Effect, Input } from '../../../../src/core/federation.ts';
import type { DeviceStatus, HintStatus, Listing } from '../../../../src/core/source.ts';
import type { DeviceState } from '../../../../src/core/state.ts';
import type { ConfigPlan, ExportPlan } from '../history.ts';
import type { View } from '../wire.ts';
import { demand, devicesOf, lampsNamed, ofDevice, ofStatus, ruleOf, together } from './words.ts';

/** `alive` is said only if Asterisk answered within so many intervals. */
const ANSWERED_WITHIN = 2;

export class OwnLaws {
  /** What it has published, one map for each moment: frames keep theirs. */
  view: View = new Map();
  #rules: readonly ExportPlan[];
  #aliveEveryMs: number;
  #isUp = false;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #aliveAt = Number.NEGATIVE_INFINITY;
  /** Links that were given no snapshot yet. */
  readonly #unserved = new Set<number>();
  readonly #links = new Map<string, number>();
  /** What the sources said: `extension@context`, and devices. */
  #hints = new Map<string, HintStatus>();
  #devices = new Map<string, DeviceState>();
  /** Extensions of which only a reading tells whether they may be exported. */
  #vague = new Set<string>();
  /** Everything was read under the rules of now. */
  #isRead = true;
  #askedUnder: readonly ExportPlan[] | undefined;
  /** The present input is a reading that asked by other rules, which tells of these extensions only. */
  #partly: ReadonlySet<string> | undefined;

  constructor(config: ConfigPlan) {
    this.#rules = config.exports;
    this.#aliveEveryMs = config.timing.alive;
  }

  /** Which extensions to ask for was asked: a reading is under way. */
  asked(): void {
    this.#askedUnder = this.#rules;
  }

  before(input: Input, now: number, config: ConfigPlan): void {
    this.#partly = undefined;
    switch (input.type) {
      case 'asteriskUp':
      case 'asteriskRelisted':
        if (input.type === 'asteriskUp') this.#isUp = true;
        if (input.type === 'asteriskUp') this.#answeredAt = now;
        return this.#listed(input.listing);
      case 'asteriskDown':
        this.#isUp = false;
        return;
      case 'asteriskAnswered':
        this.#answeredAt = now;
        return;
      case 'hintChanged':
        return this.#hintChanged(input.status);
      case 'deviceChanged':
        return this.#deviceChanged(input.status);
      case 'linkUp':
        this.#unserved.delete(this.#links.get(input.peer) ?? -1);
        this.#links.set(input.peer, input.link);
        this.#unserved.add(input.link);
        return;
      case 'linkDown':
        this.#unserved.delete(input.link);
        return;
      case 'configured':
        this.#aliveEveryMs = config.timing.alive;
        if (JSON.stringify(config.exports) === JSON.stringify(this.#rules)) return;
        this.#rules = config.exports;
        this.#isRead = false;
    }
  }

  after(input: Input, effects: readonly Effect[], now: number, dropped: number | undefined): void {
    if (dropped !== undefined) this.#unserved.delete(dropped);
    const vouches = this.#isUp && now - this.#answeredAt <= ANSWERED_WITHIN * this.#aliveEveryMs;
    const isReadAgain = this.#partly === undefined || effects.some(({ type }) => type === 'relist');
    demand(isReadAgain, 'exports (reload)', () => 'what was read by other rules is not read again');
    let said = false;
    for (const effect of effects) {
      if (effect.type === 'publish') this.#published(effect);
      if (effect.type === 'alive' || effect.type === 'snapshot') {
        demand(vouches, 'law 3 (vouch)', () => `${effect.type} although Asterisk is down or does not answer`);
      }
      if (effect.type === 'alive') said = true;
      if (effect.type === 'snapshot') this.#snapshot(effect);
    }
    if (input.type === 'tick') {
      const due = vouches && now - this.#aliveAt >= this.#aliveEveryMs;
      demand(
        said === due,
        'law 2 (alive)',
        () => `alive was ${said ? '' : 'not '}said, and is ${due ? '' : 'not '}due`,
      );
    } else demand(!said, 'law 2 (alive)', () => `alive at ${input.type}`);
    if (said) this.#aliveAt = now;
    if (vouches && (input.type === 'linkUp' || input.type.startsWith('asterisk'))) {
      demand(
        this.#unserved.size === 0,
        'law 2 (served)',
        () => `links ${[...this.#unserved]} got no snapshot`,
      );
    }
    if (input.type === 'hintChanged') this.#isAsTold(input.status.extension);
    else if (input.type === 'deviceChanged') this.#isAsTold(extensionNamed(input.status.device));
    else if (input.type.endsWith('Up') || input.type.endsWith('listed') || input.type === 'configured') {
      this.#compare();
    }
  }

  #published({ entries }: Extract<Effect, { type: 'publish' }>): void {
    const view = new Map(this.view);
    for (const { extension, state } of entries) {
      demand(
        (view.get(extension) ?? null) !== state,
        'law 6 (wire)',
        () => `${extension} is ${state} once more`,
      );
      const isTold = state !== null || this.#partly === undefined || this.#partly.has(extension);
      demand(isTold, 'exports (reload)', () => `${extension} is taken back, and nobody asked for it`);
      if (state === null) view.delete(extension);
      else view.set(extension, ofDevice<DeviceState>(state));
      if (state !== null) this.#mayExport(extension);
    }
    this.view = view;
  }

  #snapshot({ link, entries }: Extract<Effect, { type: 'snapshot' }>): void {
    this.#unserved.delete(link);
    const same =
      entries.length === this.view.size && entries.every((e) => this.view.get(e.extension) === e.state);
    const text = (): string =>
      `the snapshot is ${entries.map((e) => `${e.extension}=${e.state}`)}, published was ${[...this.view]}`;
    demand(same, 'law 1 (snapshot)', text);
  }

  /** No lamp is exported, nor a hint that names one. */
  #mayExport(extension: string): void {
    const rule = ruleOf(this.#rules, extension);
    demand(rule !== undefined, 'law 4 (rules)', () => `${extension} is exported and no rule names it`);
    if (rule.source === 'hint') {
      const hint = this.#hints.get(`${extension}@${rule.context}`)?.hint ?? '';
      demand(lampsNamed(hint).length === 0, 'law 4', () => `${extension} is exported, its hint is ${hint}`);
    } else {
      const lamps = devicesOf(rule, extension).flatMap(lampsNamed);
      demand(lamps.length === 0, 'law 4', () => `${extension} is exported, its devices are ${lamps}`);
    }
  }

  #listed({ hints, devices }: Listing): void {
    const isWhole = this.#askedUnder === undefined || this.#askedUnder === this.#rules;
    this.#askedUnder = undefined;
    if (isWhole) this.#isRead = true;
    else this.#partly = new Set(hints.map(({ extension }) => extension));
    this.#hints = new Map(hints.map((hint) => [`${hint.extension}@${hint.context}`, hint]));
    this.#devices = new Map(devices.map(({ device, state }) => [device, state]));
    // A row that does not tell the devices of its hint says nothing.
    this.#vague = new Set(
      hints.filter(({ hint, status }) => hint === '' && status >= 0).map((h) => h.extension),
    );
  }

  #hintChanged(status: HintStatus): void {
    const key = `${status.extension}@${status.context}`;
    const known = this.#hints.get(key);
    const isKnown = known !== undefined && known.status >= 0 && known.hint !== '';
    if (status.hint !== '' || status.status < 0) this.#hints.set(key, status);
    else if (isKnown) this.#hints.set(key, { ...status, hint: known.hint });
    else this.#vague.add(status.extension);
  }

  #deviceChanged({ device, state }: DeviceStatus): void {
    this.#devices.set(device, state);
  }

  /** What is published is what the sources said last. */
  #compare(): void {
    for (const extension of this.view.keys()) {
      const named = ruleOf(this.#rules, extension) !== undefined;
      demand(named, 'law 4 (rules)', () => `${extension} is still exported and no rule names it`);
    }
    for (const extension of new Set([...this.view.keys(), ...this.#candidates()])) this.#isAsTold(extension);
  }

  #isAsTold(extension: string): void {
    const rule = ruleOf(this.#rules, extension);
    if (!this.#isRead || rule === undefined || rule.source === 'channels' || this.#vague.has(extension))
      return;
    const state = rule.source === 'hint' ? this.#ofHint(rule, extension) : this.#ofDevices(rule, extension);
    const is = this.view.get(extension);
    demand(is === state, 'exports', () => `${extension} is published as ${is}, its source says ${state}`);
  }

  *#candidates(): Generator<string> {
    for (const { extension } of this.#hints.values()) yield extension;
    for (const device of this.#devices.keys()) yield extensionNamed(device);
  }

  #ofHint(rule: ExportPlan, extension: string): DeviceState | undefined {
    const hint = this.#hints.get(`${extension}@${rule.context}`);
    return hint === undefined || lampsNamed(hint.hint).length > 0 ? undefined : ofStatus(hint.status);
  }

  #ofDevices(rule: ExportPlan, extension: string): DeviceState | undefined {
    const states = devicesOf(rule, extension)
      .filter((device) => lampsNamed(device).length === 0)
      .map((device) => this.#devices.get(device))
      .filter((state) => state !== undefined);
    return states.length > 0 ? together(states) : undefined;
  }
}

function extensionNamed(device: string): string {
  return device.slice(device.search(/[/:]/) + 1);
}
