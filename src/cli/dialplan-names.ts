/**
 * The names behind keys: which number an extension has at its own PBX, when the config calls it something else here,
 * and which extensions share one pattern of Asterisk. Owns the way back through `as:`, and how a name is written in a
 * pattern.
 */
import { formatItem, type Match, matches, type NamingItem, partsOfMatch } from '../core/match.ts';
import type { NamingLine } from '../core/naming.ts';
import { readPattern, type Shape } from '../core/pattern.ts';
import { type Renumber, renumber } from '../core/renumber.ts';
import { shapeOfText, shapesOfRange } from '../core/shapes.ts';

/** An extension's name and its number, with a middle in common: before + middle + after, and lead + middle + trail. */
export interface Relation {
  readonly before: string;
  readonly after: string;
  readonly lead: string;
  readonly trail: string;
}

/** What a press on a key means. */
interface Meaning {
  readonly relation: Relation;
  /** A mailbox: nothing rings there. */
  readonly mailbox: boolean;
  /** Of a mailbox here: its voicemail context. */
  readonly voicemailContext?: string;
}

/** What one key of a phone is about. */
export interface Key extends Meaning {
  /** What stands before the last star of the key. */
  readonly name: string;
  /** What its own PBX calls it; absent: that cannot be told from the config. */
  readonly number?: string;
  /** It tells presence too. */
  readonly presence: boolean;
}

/** Extensions that one pattern names, and whose numbers are all made of their names in the same way. */
export interface Group extends Meaning {
  /** One place of the pattern each: `X` for any digit, or one character, in brackets where it must be. */
  readonly places: readonly string[];
  readonly presence: boolean;
}

export interface Sorted {
  readonly groups: readonly Group[];
  /** Those that are written out, each for itself. */
  readonly explicit: readonly Key[];
}

export const SAME: Relation = { before: '', after: '', lead: '', trail: '' };

/** Bare, these are wildcards (main/pbx.c, `_extension_match_core`). */
const WILDCARDS = /[XZN.!]/gi;
/**
 * Standing alone these are not what somebody dials: Asterisk goes there by itself (main/pbx.c), at the end of each call
 * to `h`; and `hintmesh` is ours.
 */
const SPECIAL = new Set(['a', 'e', 'h', 'i', 'o', 's', 't', 'T', 'hintmesh']);
/** Digits, and what is dialled beside them. */
const DIALLED = /^(?=.*\d)[\d*#+]+$/;

/** A text that means itself in a pattern. */
export function inPattern(text: string): string {
  return text.replace(WILDCARDS, '[$&]');
}

/** The same, one place for each character. */
export function placesOf(text: string): string[] {
  return [...text].map(inPattern);
}

export function isSpecial(name: string): boolean {
  return SPECIAL.has(name);
}

/** What a name was before the rule; `undefined`: it is not one of the rule's, or that cannot be told. */
export function backThrough(
  rule: NamingLine,
  name: string,
): { number: string; relation: Relation } | undefined {
  const { match, as } = rule;
  if (as === undefined) return matches(match, name) ? { number: name, relation: SAME } : undefined;
  const { before, after } = as;
  const short = name.length < before.length + after.length;
  if (short || !name.startsWith(before) || !name.endsWith(after)) return undefined;
  const middle = name.slice(before.length, name.length - after.length);
  for (const shape of shapesOf(match)) {
    const cut = cutOff(shape, as, middle.length);
    if (cut === undefined) continue;
    const number = cut.lead + middle + cut.trail;
    if (renumber(as, number) === name && matches(match, number)) {
      return { number, relation: { before, after, ...cut } };
    }
  }
  return undefined;
}

/** Each name of a peer is held against the same rules. */
const shapes = new WeakMap<Match, readonly Shape[]>();

function shapesOf(match: Match): readonly Shape[] {
  const known = shapes.get(match) ?? partsOfMatch(match).naming.flatMap(shapesOfItem);
  shapes.set(match, known);
  return known;
}

function shapesOfItem(item: NamingItem): Shape[] {
  switch (item.kind) {
    case 'extension':
      return [shapeOfText(item.extension)];
    case 'range': {
      const [first = '', last = ''] = formatItem(item).split('-');
      return shapesOfRange(first, last);
    }
    case 'pattern':
      return [readPattern(item.pattern)];
    case 'regex':
      // What it matches is not known before, so only a template that keeps all of it has a way back.
      return [{ places: [], open: true }];
  }
}

/** What the template takes away from what has this shape, where that is always the same. */
function cutOff(
  { places, open }: Shape,
  { from, length }: Renumber,
  kept: number,
): Pick<Relation, 'lead' | 'trail'> | undefined {
  if (open) {
    const lead = from >= 0 && length === undefined ? literal(places.slice(0, from)) : undefined;
    return lead?.length === from ? { lead, trail: '' } : undefined;
  }
  const start = from < 0 ? Math.max(0, places.length + from) : from;
  const lead = literal(places.slice(0, start));
  const trail = literal(places.slice(start + kept));
  return lead === undefined || trail === undefined ? undefined : { lead, trail };
}

function literal(places: readonly string[]): string | undefined {
  return places.every((allowed) => allowed.length === 1) ? places.join('') : undefined;
}

/**
 * Keys by pattern: one for each length and kind of name, also of `samples`, which stand for all names like them. A
 * name that a pattern would take for another number is written out, and so is one with letters in it. `narrow`: codes
 * like `*76` stay as they are. `broken`: patterns that must not be; their names are written out.
 */
export function sortKeys(
  keys: readonly Key[],
  samples: readonly string[],
  narrow = false,
  broken: ReadonlySet<string> = new Set(),
): Sorted {
  const groups = new Map<string, Group>();
  const explicit: Key[] = [];
  const inGroups: Key[] = [];
  for (const key of merged(keys)) {
    const places = key.number === undefined ? undefined : placesOfKey(key, narrow);
    if (places === undefined) {
      explicit.push(key);
      continue;
    }
    const { presence, ...meaning } = key;
    const id = `${places.join('')} ${meaningOf(key)}`;
    groups.set(id, { ...meaning, places, presence: presence || groups.get(id)?.presence === true });
    inGroups.push(key);
  }
  const written = new Map<string, Group[]>();
  for (const group of groups.values()) {
    const pattern = group.places.join('');
    written.set(pattern, [...(written.get(pattern) ?? []), group]);
  }
  // Written alike, one would take the other's names: neither stays.
  const staying = [...written].flatMap(([pattern, alike]) =>
    alike.length === 1 && !broken.has(pattern) ? alike : [],
  );
  for (const key of inGroups) {
    const [taking] = staying.filter(({ places }) => overlap(places, placesOf(key.name))).toSorted(bySense);
    if (taking === undefined || meaningOf(taking) !== meaningOf(key)) explicit.push(key);
  }
  for (const name of samples) {
    const places = placesOfKey({ name, relation: SAME }, narrow) ?? [];
    if (written.has(places.join('')) || broken.has(places.join(''))) continue;
    staying.push({ places, relation: SAME, mailbox: false, presence: false });
  }
  return {
    groups: staying.toSorted(inOrder),
    explicit: explicit.toSorted((a, b) => compareNames(a.name, b.name)),
  };
}

/** Each name once. */
function merged(keys: readonly Key[]): Iterable<Key> {
  const byName = new Map<string, Key>();
  for (const key of keys) {
    const presence = key.presence || byName.get(key.name)?.presence === true;
    byName.set(key.name, { ...(byName.get(key.name) ?? key), presence });
  }
  return byName.values();
}

/** `undefined`: it has letters, and is written out. */
function placesOfKey(
  { name, relation }: Pick<Key, 'name' | 'relation'>,
  narrow: boolean,
): string[] | undefined {
  const { before, after } = relation;
  const middle = name.slice(before.length, name.length - after.length);
  if (!DIALLED.test(middle)) return undefined;
  const code = narrow ? (/^\*\d\d(?=\d)/.exec(middle)?.[0] ?? '') : '';
  const rest = [...middle.slice(code.length)].map((one) => (/\d/.test(one) ? 'X' : inPattern(one)));
  return [...placesOf(before + code), ...rest, ...placesOf(after)];
}

function meaningOf({ relation, mailbox, voicemailContext }: Meaning): string {
  return JSON.stringify([relation, mailbox, voicemailContext]);
}

/** Whether one name can have both. */
export function overlap(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((place, at) => oneCanBe(place, b[at] ?? ''));
}

function oneCanBe(a: string, b: string): boolean {
  const isDigit = (place: string) => place === 'X' || /^\d$/.test(place);
  return a === b || ((a === 'X' || b === 'X') && isDigit(a) && isDigit(b));
}

/** Of patterns that match, Asterisk takes the one that says more at the first place that differs (`ext_cmp`, main/pbx.c). */
function bySense({ places: a }: Group, { places: b }: Group): number {
  const at = a.findIndex((place, index) => (place === 'X') !== (b[index] === 'X'));
  return at < 0 ? 0 : a[at] === 'X' ? 1 : -1;
}

/** Digits alone first, then what begins with a star, then the rest; short before long. */
function inOrder({ places: a }: Group, { places: b }: Group): number {
  return rank(a) - rank(b) || a.length - b.length || compareText(a.join(''), b.join(''));
}

function rank(places: readonly string[]): number {
  if (places[0] === '*') return 1;
  return places.every((place) => /^[X\d]$/.test(place)) ? 0 : 2;
}

const { compare } = new Intl.Collator('en', { numeric: true });

/** 99 before 100, and always the same order. */
export function compareNames(a: string, b: string): number {
  return compare(a, b) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
