/**
 * The little the laws must know of names and states, written anew from docs/architecture.md and docs/protocol.md: the
 * core is not asked what is right. Also how a violation is told.
 */
import type { DeviceState } from '../../../../src/core/state.ts';
import type { ExportPlan } from '../history.ts';

/** A law does not hold. `law` is short and stays the same, whatever the run: failures are told apart by it. */
export class Violation extends Error {
  readonly law: string;

  constructor(law: string, text: string) {
    super(`${law}: ${text}`);
    this.law = law;
  }
}

export function demand(holds: boolean, law: string, text: () => string): asserts holds {
  if (!holds) throw new Violation(law, text());
}

/** Plans have no presence, so no state is one. */
export function ofDevice<T extends DeviceState | null | undefined>(state: T | string): T {
  demand(
    state === null || state === undefined || /^[A-Z_]+$/.test(state),
    'kinds',
    () => `${state} is no device state`,
  );
  return state as T;
}

const MAX_LAMP_NAME = 72;
const TAG = /^[a-z][a-z0-9]*(\.[a-z0-9]+)*$/;
const EXTENSION = /^[A-Za-z0-9*+#][A-Za-z0-9*+#._]*$/;

export function lampOf(extension: string, tag: string): string | undefined {
  const name = `${extension}*${tag}`;
  return name.length <= MAX_LAMP_NAME ? name : undefined;
}

/** At the last `*`. */
export function splitLamp(name: string): { readonly extension: string; readonly tag: string } | undefined {
  const star = name.lastIndexOf('*');
  const [extension, tag] = [name.slice(0, star), name.slice(star + 1)];
  if (star < 1 || name.length > MAX_LAMP_NAME || tag.length < 2) return undefined;
  return EXTENSION.test(extension) && TAG.test(tag) ? { extension, tag } : undefined;
}

const lampsOf = new Map<string, readonly string[]>();

/** The lamps among the devices of a hint. */
export function lampsNamed(hint: string): readonly string[] {
  const known = lampsOf.get(hint);
  if (known) return known;
  const lamps = (hint.split(',')[0] ?? '')
    .split('&')
    .filter((device) => /^custom:/i.test(device))
    .map((device) => device.slice('Custom:'.length))
    .filter((name) => splitLamp(name) !== undefined);
  lampsOf.set(hint, lamps);
  return lamps;
}

/** What is written for a state that an origin tells. */
export function shownAs(told: DeviceState | undefined): DeviceState {
  if (told === undefined) return 'INVALID';
  return told === 'UNKNOWN' ? 'NOT_INUSE' : told;
}

/** ExtensionStatus as phones show it; undefined: there is no such hint. */
export function ofStatus(status: number): DeviceState | undefined {
  const states: Record<number, DeviceState> = {
    0: 'NOT_INUSE',
    1: 'INUSE',
    2: 'BUSY',
    4: 'UNAVAILABLE',
    8: 'RINGING',
    9: 'RINGINUSE',
    16: 'ONHOLD',
  };
  return states[status];
}

/** From the least to the most: what hides what. */
const ORDER: readonly DeviceState[] = [
  'INVALID',
  'UNKNOWN',
  'UNAVAILABLE',
  'NOT_INUSE',
  'ONHOLD',
  'RINGING',
  'INUSE',
  'BUSY',
  'RINGINUSE',
];

/** Several devices as one. */
export function together(states: readonly DeviceState[]): DeviceState {
  const engaged = states.some((state) => state === 'INUSE' || state === 'BUSY' || state === 'ONHOLD');
  if (engaged && states.includes('RINGING')) return 'RINGINUSE';
  return ORDER[Math.max(0, ...states.map((state) => ORDER.indexOf(state)))] ?? 'INVALID';
}

/** A channel's state as its device's. */
export function ofChannel(state: number, held: boolean): DeviceState {
  if (state === 0) return 'NOT_INUSE';
  if (state === 5 || state === 9) return 'RINGING';
  if (state === 7) return 'BUSY';
  return held ? 'ONHOLD' : 'INUSE';
}

export function deviceOf(channel: string): string | undefined {
  return channel.includes('<') ? undefined : channel.slice(0, channel.lastIndexOf('-'));
}

const patterns = new Map<string, RegExp>();

function patternOf(item: string): RegExp {
  const known = patterns.get(item);
  if (known) return known;
  const body = item.slice(1).replaceAll(/[*+#]/g, '\\$&').replaceAll('X', '[0-9]');
  const pattern = new RegExp(`^${body.replaceAll('.', '.+').replaceAll('!', '.*')}$`);
  patterns.set(item, pattern);
  return pattern;
}

/** `1`, `1-4`, `_X!`, `_[1-3]`: as much of the syntax as plans use. */
export function isNamed(match: readonly string[], extension: string): boolean {
  return match.some((item) => {
    const range = /^(\d+)-(\d+)$/.exec(item);
    if (range) {
      const [from = '', to = ''] = range.slice(1);
      const number = Number(extension);
      return extension.length === from.length && Number(from) <= number && number <= Number(to);
    }
    if (!item.startsWith('_')) return item === extension;
    return EXTENSION.test(extension) && patternOf(item).test(extension);
  });
}

/** The extensions that are named one by one or by range. */
export function namedOneByOne(match: readonly string[]): string[] {
  return match.flatMap((item) => {
    const range = /^(\d+)-(\d+)$/.exec(item);
    if (!range) return item.startsWith('_') ? [] : [item];
    const [from, to] = range.slice(1).map(Number);
    return Array.from({ length: (to ?? 0) - (from ?? 0) + 1 }, (_, i) => String((from ?? 0) + i));
  });
}

const rulesOf = new WeakMap<readonly ExportPlan[], Map<string, ExportPlan | undefined>>();

export function ruleOf(rules: readonly ExportPlan[], extension: string): ExportPlan | undefined {
  const known = rulesOf.get(rules) ?? new Map<string, ExportPlan | undefined>();
  rulesOf.set(rules, known);
  if (!known.has(extension))
    known.set(
      extension,
      rules.find(({ match }) => isNamed(match, extension)),
    );
  return known.get(extension);
}

/** The devices that a rule makes an extension of. */
export function devicesOf(rule: ExportPlan, extension: string): string[] {
  return (rule.devices ?? []).map((device) => device.replace('{ext}', extension));
}
