/**
 * Which extensions a line of the config means: an Asterisk pattern, a range, one extension, a regular expression, or
 * a list of these, and what is excluded from them. Owns their syntax, what they match, and whether two of them can
 * name the same extension.
 */
import { isExtension, whyNotExtension } from './names.ts';
import { DIGITS, readPattern, type Shape, shapeMatches, shapesOverlap, whyNotPattern } from './pattern.ts';
import { compileRegex, whyNotRegex } from './regex.ts';
import { asExtensions, literalOf, newBudget, shapeOfText, shapesOfRange, without } from './shapes.ts';

/** One item that names extensions. */
export type NamingItem =
  /** `1001` */
  | { readonly kind: 'extension'; readonly extension: string }
  /** `1000-1099`: same number of digits on both sides, both ends included, at most MAX_RANGE extensions. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly digits: number }
  /** `_1XXX`: what Asterisk's pattern matching understands (main/pbx.c, `_extension_match_core`). */
  | { readonly kind: 'pattern'; readonly pattern: string }
  /** `/^1[0-4]/`: a regular expression, found anywhere in the extension. `source` is without the slashes. */
  | { readonly kind: 'regex'; readonly source: string };

/** One item of a match. What an `except` names is not named by the match, whatever the others say. */
export type MatchItem = NamingItem | { readonly kind: 'except'; readonly item: NamingItem };

type Range = Extract<MatchItem, { kind: 'range' }>;
type Pattern = Extract<MatchItem, { kind: 'pattern' }>;
type Regex = Extract<MatchItem, { kind: 'regex' }>;

/** What `match:` and `except:` say: at least one item that names. */
export type Match = readonly MatchItem[];

/** Extensions one range may name. */
export const MAX_RANGE = 10_000;
/** Digits on each side of a range: more are not exact in a JavaScript number. */
export const MAX_RANGE_DIGITS = 15;

/** An item that is refused: its index in the list, and why, as the end of a sentence that begins with it. */
export interface MatchMistake {
  readonly index: number;
  readonly why: string;
}

/** Every item understood, or every item that is not, each with the reason. An empty list is an empty match. */
export function parseMatch(
  items: readonly string[],
):
  | { readonly ok: true; readonly match: readonly NamingItem[] }
  | { readonly ok: false; readonly mistakes: readonly MatchMistake[] } {
  const match: NamingItem[] = [];
  const mistakes: MatchMistake[] = [];
  for (const [index, text] of items.entries()) {
    const item = parseItem(text);
    if (typeof item === 'string') mistakes.push({ index, why: item });
    else match.push(item);
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, match };
}

/** A match less what other items name. */
export function excluding(match: Match, except: readonly NamingItem[]): Match {
  return [...match, ...except.map((item) => ({ kind: 'except', item }) as const)];
}

/** The items that name, and those that are excluded. */
export function partsOfMatch(match: Match): {
  readonly naming: readonly NamingItem[];
  readonly excluded: readonly NamingItem[];
} {
  const naming: NamingItem[] = [];
  const excluded: NamingItem[] = [];
  for (const item of match) {
    if (item.kind === 'except') excluded.push(item.item);
    else naming.push(item);
  }
  return { naming, excluded };
}

/** Whether the match names the extension; never true for a text that is no extension. */
export function matches(match: Match, extension: string): boolean {
  if (!isExtension(extension)) return false;
  let named = false;
  for (const item of match) {
    if (item.kind === 'except') {
      if (itemMatches(item.item, extension)) return false;
    } else named ||= itemMatches(item, extension);
  }
  return named;
}

/**
 * The extensions named by single and range items and not excluded, each once; patterns and regular expressions add
 * none: nobody can list those.
 */
export function enumerate(match: Match): string[] {
  const { naming, excluded } = partsOfMatch(match);
  const named = new Set(naming.flatMap(listed));
  const tests: NamingItem[] = [];
  for (const item of excluded) {
    if (item.kind === 'pattern' || item.kind === 'regex') tests.push(item);
    else for (const extension of listed(item)) named.delete(extension);
  }
  if (tests.length === 0) return [...named];
  return [...named].filter((extension) => !tests.some((item) => itemMatches(item, extension)));
}

/** The same one by one, for who may have seen enough soon; one named twice comes twice. */
export function* extensionsOf(match: Match): Iterable<string> {
  for (const item of partsOfMatch(match).naming) {
    for (const extension of listed(item)) if (matches(match, extension)) yield extension;
  }
}

/**
 * How many extensions the single and range items name, one named twice counted twice, and one that is excluded as
 * well. Makes no list of them.
 */
export function countNamed(match: Match): number {
  let sum = 0;
  for (const item of match) {
    if (item.kind === 'extension') sum += 1;
    if (item.kind === 'range') sum += item.last - item.first + 1;
  }
  return sum;
}

/**
 * An extension that both can name, or `undefined` when there is none. Exact, patterns and exclusions included; but of
 * a regular expression it is never told what it names, and what one excludes is seen only where it excludes the witness.
 */
export function overlap(a: Match, b: Match): string | undefined {
  for (const left of a) {
    for (const right of b) {
      const witness = itemOverlap(left, right);
      if (witness !== undefined)
        return matches(a, witness) && matches(b, witness) ? witness : overlapOfShapes(a, b);
    }
  }
  return undefined;
}

/**
 * All that the match names, what a regular expression names left out; what one excludes is still in it. `undefined`:
 * it comes to more shapes, or costs more, than may be.
 */
export function shapesOfMatch(match: Match): readonly Shape[] | undefined {
  if (!shapesOfMatches.has(match)) shapesOfMatches.set(match, readShapes(match));
  return shapesOfMatches.get(match);
}

/** The item as it is written in a config, under `match:` or `except:`. */
export function formatItem(item: MatchItem): string {
  if (item.kind === 'except') return formatItem(item.item);
  if (item.kind === 'extension') return item.extension;
  if (item.kind === 'pattern') return item.pattern;
  if (item.kind === 'regex') return `/${item.source}/`;
  return `${padded(item.first, item.digits)}-${padded(item.last, item.digits)}`;
}

/** Length of the shortest extension the item names; of a regular expression, 1. */
export function shortestLength(item: NamingItem): number {
  if (item.kind === 'extension') return item.extension.length;
  if (item.kind === 'regex') return 1;
  return item.kind === 'range' ? item.digits : Math.max(1, shapeOf(item).places.length);
}

function parseItem(text: string): NamingItem | string {
  if (text.startsWith('/')) return parseRegex(text);
  if (text.startsWith('_')) {
    return whyNotPattern(text) ?? { kind: 'pattern', pattern: text };
  }
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range) return parseRange(range[1] ?? '', range[2] ?? '');
  return whyNotExtension(text) ?? { kind: 'extension', extension: text };
}

function parseRegex(text: string): NamingItem | string {
  if (text === '/' || !text.endsWith('/')) {
    return 'begins with "/", so it is a regular expression, but does not end with "/"; write it like /^10/';
  }
  const source = text.slice(1, -1);
  return whyNotRegex(source) ?? { kind: 'regex', source };
}

function parseRange(from: string, to: string): NamingItem | string {
  if (from.length !== to.length) {
    return `has ${from.length} digits on one side and ${to.length} on the other; write the same number of digits on both, like 0100-0199`;
  }
  if (from.length > MAX_RANGE_DIGITS) return `is a range of more than ${MAX_RANGE_DIGITS} digits`;
  const first = Number(from);
  const last = Number(to);
  if (first > last) return 'runs backwards; write the lower number first';
  if (last - first >= MAX_RANGE) {
    return `names ${last - first + 1} extensions; a range names at most ${MAX_RANGE}, a pattern like _1XXX any number`;
  }
  return { kind: 'range', first, last, digits: from.length };
}

/** Patterns are taken apart once: hints are matched against every rule whenever one changes. */
const shapes = new WeakMap<Pattern, Shape>();

function shapeOf(item: Pattern): Shape {
  const known = shapes.get(item);
  if (known) return known;
  const shape = readPattern(item.pattern);
  shapes.set(item, shape);
  return shape;
}

/** Compiled once, likewise. */
const tests = new WeakMap<Regex, (extension: string) => boolean>();

function testOf(item: Regex): (extension: string) => boolean {
  const known = tests.get(item);
  if (known) return known;
  const test = compileRegex(item.source);
  tests.set(item, test);
  return test;
}

function listed(item: NamingItem): string[] {
  if (item.kind === 'extension') return [item.extension];
  if (item.kind !== 'range') return [];
  const { first, last, digits } = item;
  return Array.from({ length: last - first + 1 }, (_, more) => padded(first + more, digits));
}

function shapesOfItem(item: NamingItem): Shape[] {
  if (item.kind === 'regex') return [];
  if (item.kind === 'extension') return [shapeOfText(item.extension)];
  if (item.kind === 'range')
    return shapesOfRange(padded(item.first, item.digits), padded(item.last, item.digits));
  const shape = asExtensions(shapeOf(item));
  return shape === undefined ? [] : [shape];
}

function itemMatches(item: NamingItem, extension: string): boolean {
  if (item.kind === 'extension') return item.extension === extension;
  if (item.kind === 'pattern') return shapeMatches(shapeOf(item), extension);
  if (item.kind === 'regex') return testOf(item)(extension);
  if (extension.length !== item.digits || !/^\d+$/.test(extension)) return false;
  const number = Number(extension);
  return item.first <= number && number <= item.last;
}

/** Worked out once: every line of the config is held against every other one. */
const shapesOfMatches = new WeakMap<Match, readonly Shape[] | undefined>();

function readShapes(match: Match): readonly Shape[] | undefined {
  const { naming, excluded } = partsOfMatch(match);
  const others = excluded.flatMap(shapesOfItem).map((shape) => ({ shape, text: literalOf(shape) }));
  const texts = new Set(others.map(({ text }) => text));
  const wide = others.filter(({ text }) => text === undefined).map(({ shape }) => shape);
  const budget = newBudget();
  const shapes: Shape[] = [];
  for (const shape of naming.flatMap(shapesOfItem)) {
    const text = literalOf(shape);
    const inIt =
      text === undefined
        ? others.filter((other) => other.text !== undefined && shapeMatches(shape, other.text))
        : [];
    if (text !== undefined && texts.has(text)) continue;
    const left = without(shape, [...wide, ...inIt.map((other) => other.shape)], budget);
    if (left === undefined) return undefined;
    shapes.push(...left);
  }
  return shapes;
}

/** The first witness is excluded: perhaps there is another one. */
function overlapOfShapes(a: Match, b: Match): string | undefined {
  const right = shapesOfMatch(b) ?? [];
  for (const left of shapesOfMatch(a) ?? []) {
    for (const other of right) {
      const witness = shapesOverlap(left, other);
      if (witness !== undefined && matches(a, witness) && matches(b, witness)) return witness;
    }
  }
  return undefined;
}

function itemOverlap(a: MatchItem, b: MatchItem): string | undefined {
  if (a.kind === 'regex' || b.kind === 'regex' || a.kind === 'except' || b.kind === 'except')
    return undefined;
  if (a.kind === 'extension') return itemMatches(b, a.extension) ? a.extension : undefined;
  if (b.kind === 'extension') return itemMatches(a, b.extension) ? b.extension : undefined;
  if (a.kind === 'pattern') {
    return b.kind === 'pattern' ? shapesOverlap(shapeOf(a), shapeOf(b)) : lowestOfShape(b, shapeOf(a));
  }
  if (b.kind === 'pattern') return lowestOfShape(a, shapeOf(b));
  const first = Math.max(a.first, b.first);
  const both = a.digits === b.digits && first <= Math.min(a.last, b.last);
  return both ? padded(first, a.digits) : undefined;
}

/**
 * The lowest number of the range that has the shape. It keeps as much of the range's beginning as it can,
 * takes the next higher digit where it cannot, and the lowest digits from there on.
 */
function lowestOfShape(range: Range, { places, open }: Shape): string | undefined {
  if (places.length > range.digits || (!open && places.length < range.digits)) return undefined;
  const first = padded(range.first, range.digits);
  const allowed = Array.from(first, (_, at) => [...DIGITS].filter((d) => places[at]?.includes(d) ?? true));
  if (allowed.some((digits) => digits.length === 0)) return undefined;
  for (let kept = range.digits; kept >= 0; kept--) {
    if (!allowed.slice(0, kept).every((digits, at) => digits.includes(first.charAt(at)))) continue;
    const higher = allowed[kept]?.find((digit) => digit > first.charAt(kept));
    if (kept < range.digits && higher === undefined) continue;
    const lowest = allowed.slice(kept + 1).map((digits) => digits[0] ?? '');
    const found = first.slice(0, kept) + (higher ?? '') + lowest.join('');
    return Number(found) <= range.last ? found : undefined;
  }
  return undefined;
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
