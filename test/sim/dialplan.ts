/**
 * The little of Asterisk's dialplan that hints need: which extension a pattern matches, what a hint becomes
 * for one extension, and the number a device state is as an extension status. Pure; written apart from
 * src/core on purpose, so that the product is not checked against itself.
 */
import type { DeviceState } from '../../src/core/state.ts';

/** `ast_devstate_to_extenstate` (main/pbx.c). */
export const STATUS: Record<DeviceState, number> = {
  UNKNOWN: 0,
  NOT_INUSE: 0,
  INUSE: 1,
  BUSY: 2,
  UNAVAILABLE: 4,
  INVALID: 4,
  RINGING: 8,
  RINGINUSE: 9,
  ONHOLD: 16,
};

const STATUS_TEXT: Record<number, string> = {
  0: 'Idle',
  1: 'InUse',
  2: 'Busy',
  4: 'Unavailable',
  8: 'Ringing',
  9: 'InUse&Ringing',
  16: 'Hold',
};

/** `ast_extension_state2str` (main/pbx.c): anything unlisted is "Unknown". */
export function statusText(status: number): string {
  return STATUS_TEXT[status] ?? 'Unknown';
}

/**
 * What a phone that watches by dialog-info is shown (`ast_sip_exten_state_to_str`, res/res_pjsip/presence_xml.c):
 * for it, held and busy look like in use, and UNAVAILABLE looks idle.
 */
export function dialogInfo(state: DeviceState | undefined): 'dark' | 'early' | 'confirmed' | 'terminated' {
  if (state === undefined) return 'dark';
  if (state === 'RINGING') return 'early';
  return STATUS[state] === 0 || STATUS[state] === 4 ? 'terminated' : 'confirmed';
}

/** Dashes do not count when extensions are compared (`ext_cmp`, `_extension_match_core` in main/pbx.c). */
export function withoutDashes(extension: string): string {
  return extension.replaceAll('-', '');
}

/** One character or class of a pattern as a regular expression. */
function patternPart(part: string): string {
  if (part.startsWith('[') && part.endsWith(']') && part.length > 2) {
    return `[${part.slice(1, -1).replace(/[\\^\]]/g, '\\$&')}]`;
  }
  switch (part.toUpperCase()) {
    case 'X':
      return '[0-9]';
    case 'Z':
      return '[1-9]';
    case 'N':
      return '[2-9]';
    default:
      return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
}

/** Whether `extension` is what `pattern` (beginning with `_`) means: `_extension_match_core` (main/pbx.c). */
export function patternMatches(pattern: string, extension: string): boolean {
  let source = '';
  for (const part of pattern.slice(1).match(/\[[^\]]+\]|./g) ?? []) {
    if (part === '-') continue; // nothing between parts; a range inside [a-z]
    if (part === '.' || part === '!') {
      source += part === '.' ? '.+' : '.*'; // swallows all that is left, whatever the pattern goes on to say
      break;
    }
    source += patternPart(part);
  }
  return new RegExp(`^${source}$`, 's').test(withoutDashes(extension));
}

/** `${EXTEN}`, `${EXTEN:skip}` and `${EXTEN:skip:length}` in a hint, for one extension. */
export function expandHint(hint: string, extension: string): string {
  return hint.replace(/\$\{EXTEN(?::(-?\d+)(?::(-?\d+))?)?\}/g, (_all, skip?: string, length?: string) => {
    const rest = extension.slice(Number(skip ?? 0));
    if (length === undefined) return rest;
    return rest.slice(0, Number(length));
  });
}

/** The devices of a hint: before the first `,`, split at `&` (`parse_hint_device`, main/pbx.c). */
export function hintDevices(hint: string): string[] {
  return (hint.split(',', 1)[0] ?? '').split('&');
}

/** The presence of a hint: after the first `,` (`parse_hint_presence`, main/pbx.c); '' when there is none. */
export function hintPresence(hint: string): string {
  const comma = hint.indexOf(',');
  return comma < 0 ? '' : hint.slice(comma + 1);
}

/** mulberry32: a small seeded generator of numbers in [0, 1), so that a failing run can be run again. */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A shuffled copy: Asterisk up to 22.10 lists hints and devices in the order of a hash table. */
export function shuffled<T>(items: Iterable<T>, random: () => number): T[] {
  return [...items]
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
