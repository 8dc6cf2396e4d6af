/**
 * Which extensions a line of the config means: an Asterisk pattern, a range, one extension, or a list of
 * these. Owns their syntax, what they match, and whether two of them can name the same extension.
 */
import { isExtension, whyNotExtension } from './names.ts';
import { DIGITS, readPattern, type Shape, shapeMatches, shapesOverlap, whyNotPattern } from './pattern.ts';

/** One item of a match. */
export type MatchItem =
  /** `1001` */
  | { readonly kind: 'extension'; readonly extension: string }
  /** `1000-1099`: same number of digits on both sides, both ends included, at most MAX_RANGE extensions. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly digits: number }
  /** `_1XXX`: what Asterisk's pattern matching understands (main/pbx.c, `_extension_match_core`). */
  | { readonly kind: 'pattern'; readonly pattern: string };

type Range = Extract<MatchItem, { kind: 'range' }>;
type Pattern = Extract<MatchItem, { kind: 'pattern' }>;

/** What `match:` says: at least one item. */
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
  | { readonly ok: true; readonly match: Match }
  | { readonly ok: false; readonly mistakes: readonly MatchMistake[] } {
  const match: MatchItem[] = [];
  const mistakes: MatchMistake[] = [];
  for (const [index, text] of items.entries()) {
    const item = parseItem(text);
    if (typeof item === 'string') mistakes.push({ index, why: item });
    else match.push(item);
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, match };
}

/** Whether an item of the match names the extension; never true for a text that is no extension. */
export function matches(match: Match, extension: string): boolean {
  return isExtension(extension) && match.some((item) => itemMatches(item, extension));
}

/** The extensions named by single and range items, each once; patterns add none: nobody can list those. */
export function enumerate(match: Match): string[] {
  const named = new Set<string>();
  for (const item of match) {
    if (item.kind === 'extension') named.add(item.extension);
    if (item.kind !== 'range') continue;
    for (let number = item.first; number <= item.last; number++) named.add(padded(number, item.digits));
  }
  return [...named];
}

/** How many extensions the single and range items name, one named twice counted twice. Makes no list of them. */
export function countNamed(match: Match): number {
  const count = (item: MatchItem) => (item.kind === 'range' ? item.last - item.first + 1 : 1);
  return match.reduce((sum, item) => (item.kind === 'pattern' ? sum : sum + count(item)), 0);
}

/** An extension that both can name, or `undefined` when there is none. Exact, patterns included. */
export function overlap(a: Match, b: Match): string | undefined {
  for (const left of a) {
    for (const right of b) {
      const witness = itemOverlap(left, right);
      if (witness !== undefined) return witness;
    }
  }
  return undefined;
}

/** The item as it is written in a config. */
export function formatItem(item: MatchItem): string {
  if (item.kind === 'extension') return item.extension;
  if (item.kind === 'pattern') return item.pattern;
  return `${padded(item.first, item.digits)}-${padded(item.last, item.digits)}`;
}

/** Length of the shortest extension the item names. */
export function shortestLength(item: MatchItem): number {
  if (item.kind === 'extension') return item.extension.length;
  return item.kind === 'range' ? item.digits : Math.max(1, shapeOf(item).places.length);
}

function parseItem(text: string): MatchItem | string {
  if (text.startsWith('_')) {
    return whyNotPattern(text) ?? { kind: 'pattern', pattern: text };
  }
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range) return parseRange(range[1] ?? '', range[2] ?? '');
  return whyNotExtension(text) ?? { kind: 'extension', extension: text };
}

function parseRange(from: string, to: string): MatchItem | string {
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

function itemMatches(item: MatchItem, extension: string): boolean {
  if (item.kind === 'extension') return item.extension === extension;
  if (item.kind === 'pattern') return shapeMatches(shapeOf(item), extension);
  if (extension.length !== item.digits || !/^\d+$/.test(extension)) return false;
  const number = Number(extension);
  return item.first <= number && number <= item.last;
}

function itemOverlap(a: MatchItem, b: MatchItem): string | undefined {
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
