/**
 * Asterisk's extension patterns: how one is read, why one is refused, what it matches, and whether two can
 * match the same extension. Knows nothing of ranges, lists or the config.
 */
import { MAX_LAMP_NAME } from './names.ts';

/**
 * A pattern taken apart: the characters each place may hold, and whether more characters may follow the
 * last place.
 */
export interface Shape {
  readonly places: readonly string[];
  readonly open: boolean;
}

export const DIGITS = '0123456789';
/** What an extension is made of (names.ts), plainest first so that witnesses read well; `FIRST` may begin one. */
export const FIRST = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*+#`;
export const ALPHABET = `${FIRST}._`;
/** Characters of an extension. */
export const MAX_EXTENSION = MAX_LAMP_NAME - 1;

const PATTERN = /^_(?:-|[A-Za-z0-9*+#_]|\[(?:[A-Za-z0-9*+#._](?:-[A-Za-z0-9*+#._])?)+\])*[.!]?$/;
const PLACES = /\[([^\]]+)\]|[^-]/g;

/**
 * Why a pattern is refused. Stricter than Asterisk, which takes an unclosed class and one with a "[" in it for
 * "never" and an edge "-" with a warning (seen on 22.10), skips an empty class, and ignores whatever follows
 * `.` or `!`: in a config these are slips.
 */
export function whyNotPattern(pattern: string): string | undefined {
  const slip = whyNotWritten(pattern);
  if (slip !== undefined) return slip;
  const shape = readPattern(pattern);
  if (shape.places.length === 0 && !shape.open) return 'names nothing; write what follows the "_"';
  if (shape.places.includes('')) {
    return 'has a class [...] that runs backwards; write the lower character first, like [1-5]';
  }
  if (shape.places.length > MAX_EXTENSION) {
    return `is too long; a lamp's name EXT*tag has at most ${MAX_LAMP_NAME} characters`;
  }
  if (shapesOverlap(shape, { places: [], open: true }) === undefined) {
    return 'matches no extension; an extension begins with A-Z a-z 0-9 * + or #';
  }
  return undefined;
}

function whyNotWritten(pattern: string): string | undefined {
  if (PATTERN.test(pattern)) return undefined;
  const outside = pattern.replace(/\[[^\]]*\]/g, '');
  if (outside.includes('[') || outside.includes(']'))
    return 'has a "[" without its "]", or the other way round';
  const odd = /[^A-Za-z0-9*+#_.!-]/u.exec(outside)?.[0];
  if (odd !== undefined) return `has ${JSON.stringify(odd)}, which no extension has`;
  if (/[.!]./.test(outside)) {
    return 'goes on after "." or "!", which Asterisk ignores; end it there, or write [.] for a dot';
  }
  return 'has a class [...] of another form than [1-5a]: characters of an extension, and ranges of them';
}

/**
 * What the places of a pattern mean, by the rules of `_extension_match_core` (main/pbx.c): X is 0-9, Z 1-9,
 * N 2-9, in either case; `[1-5a]` one of these; `.` one or more of anything and `!` none or more, both the
 * end; `-` means nothing outside a class; all else is itself.
 */
export function readPattern(pattern: string): Shape {
  const places: string[] = [];
  for (const [token, inClass] of pattern.slice(1).matchAll(PLACES)) {
    if (token === '!') return { places, open: true };
    if (token === '.') return { places: [...places, ALPHABET], open: true };
    places.push(inClass === undefined ? placeOf(token) : classOf(inClass));
  }
  return { places, open: false };
}

function placeOf(character: string): string {
  switch (character) {
    case 'X':
    case 'x':
      return DIGITS;
    case 'Z':
    case 'z':
      return DIGITS.slice(1);
    case 'N':
    case 'n':
      return DIGITS.slice(2);
    default:
      return character;
  }
}

/** A range that runs backwards is empty. */
function classOf(text: string): string {
  const ranges = Array.from(
    text.matchAll(/(.)(?:-(.))?/g),
    ([, first = '', last = first]) => [first, last] as const,
  );
  return [...ALPHABET].filter((c) => ranges.some(([first, last]) => first <= c && c <= last)).join('');
}

/** Whether an extension (isExtension is the caller's to ask) has the shape. */
export function shapeMatches({ places, open }: Shape, extension: string): boolean {
  if (extension.length < places.length || (!open && extension.length > places.length)) return false;
  return places.every((allowed, at) => allowed.includes(extension.charAt(at)));
}

/** An extension that both shapes match: place by place, both must allow one character. */
export function shapesOverlap(a: Shape, b: Shape): string | undefined {
  const length = Math.max(a.places.length, b.places.length, 1);
  if (length > MAX_EXTENSION) return undefined;
  if ((!a.open && a.places.length < length) || (!b.open && b.places.length < length)) return undefined;
  let witness = '';
  for (let at = 0; at < length; at++) {
    const common = commonOf(a.places[at] ?? ALPHABET, b.places[at] ?? ALPHABET, at === 0 ? FIRST : ALPHABET);
    if (common === undefined) return undefined;
    witness += common;
  }
  return witness;
}

/** The first character that is in all three. */
function commonOf(a: string, b: string, c: string): string | undefined {
  for (const character of a) {
    if (b.includes(character) && c.includes(character)) return character;
  }
  return undefined;
}
