/**
 * What the extensions of a line of the config are called under its template, all of them together: whether each has a
 * name, whether two get the same, and whether another line can give it too. Exact, but for what regular expressions
 * name or exclude. Knows neither lists nor messages.
 */
import { type Match, matches, type NamingItem, overlap, shapesOfMatch } from './match.ts';
import { isExtension } from './names.ts';
import { ALPHABET, FIRST, MAX_EXTENSION, type Shape, shapeMatches, shapesOverlap } from './pattern.ts';
import { firstCharacters } from './regex.ts';
import { type Renumber, sliceOf } from './renumber.ts';
import { literalOf, MAX_SHAPES } from './shapes.ts';

/** A line that names extensions and says what they are called; every rule of the config is one. */
export interface NamingLine {
  readonly match: Match;
  readonly as?: Renumber;
}

/** A name that two extensions would get: of one line, or the first of the one line and the second of the other. */
export interface Shared {
  readonly name: string;
  readonly extensions: readonly [string, string];
}

/** Extensions that are alike, and their names. Each name stands for one extension, but for what is dropped. */
interface Piece {
  readonly extensions: Shape;
  /** Has no places where nothing is left of the extension: then there is no name. */
  readonly names: Shape;
  /** The part of the extensions that is in the names, and how many characters are before and after it there. */
  readonly slice: readonly [start: number, end: number];
  readonly around: readonly [before: number, after: number];
}

interface NameSet {
  readonly pieces: readonly Piece[];
  /** The pieces with one name each, by it; of two with the same one, the first. */
  readonly single: ReadonlyMap<string, Piece>;
  readonly wide: readonly Piece[];
}

/** All names of the line, but for those that regular expressions give or exclude; `undefined`: too many shapes. */
export function shapesOfNames(line: NamingLine): readonly Shape[] | undefined {
  return namesOf(line)?.pieces.map(({ names }) => names);
}

/** How much there is to compare: all shapes of the names, and those with more than one name. */
export function sizeOfNames(line: NamingLine): { readonly all: number; readonly wide: number } {
  const set = namesOf(line);
  if (set === undefined) return { all: MAX_SHAPES + 1, wide: MAX_SHAPES + 1 };
  return { all: set.pieces.length, wide: set.wide.length };
}

/**
 * An extension whose name is none or has more than `most` characters. Of an open pattern only if that is so of all it
 * names: else those are left out when they come.
 */
export function nameless(
  { match, as }: NamingLine,
  most: number,
): { readonly extension: string; readonly name: string } | undefined {
  for (const shape of shapesOfMatch(match) ?? []) {
    const pieces = piecesOf(shape, as);
    const fine = shape.open
      ? pieces.some((piece) => canBeNamed(piece, most))
      : pieces.every((piece) => allNamed(piece, most));
    const [piece] = pieces;
    if (fine || piece === undefined) continue;
    const [first = '', ...rest] = piece.names.places;
    const odd = [...first].find((character) => !FIRST.includes(character)) ?? first.charAt(0);
    const name = odd + rest.map((allowed) => allowed.charAt(0)).join('');
    return { extension: extensionOf(piece, name), name };
  }
  return undefined;
}

/** Two extensions of the line that would get one name. */
export function collision(line: NamingLine): Shared | undefined {
  const set = line.as === undefined ? undefined : namesOf(line);
  if (set === undefined) return undefined;
  const single = new Map<string, Piece>();
  for (const piece of set.pieces) {
    const name = shapesOverlap(piece.names, piece.names);
    if (name === undefined) continue;
    const other = single.get(name) ?? piece;
    const found = shared(line, line, name, [extensionOf(other, name), extensionOf(piece, name)]);
    const inside = found ?? shared(line, line, name, [extensionOf(piece, name), otherOf(piece, name)]);
    if (inside !== undefined) return inside;
    if (literalOf(piece.names) !== undefined) single.set(name, piece);
  }
  for (const [index, piece] of set.wide.entries()) {
    for (const other of [...set.single.values(), ...set.wide.slice(index + 1)]) {
      const found = sharedBy(line, piece, line, other);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * A name that both lines can give, and to what. For lines that rename nothing it is an extension that both can name.
 * Of two extensions one may be excluded by a regular expression: then it is not told.
 */
export function namesOverlap(a: NamingLine, b: NamingLine): Shared | undefined {
  if (a.as === undefined && b.as === undefined) {
    const witness = overlap(a.match, b.match);
    return witness === undefined ? undefined : { name: witness, extensions: [witness, witness] };
  }
  const [left, right] = [namesOf(a), namesOf(b)];
  if (left === undefined || right === undefined) return undefined;
  for (const [name, piece] of left.single) {
    const same = right.single.get(name);
    const others = right.wide.filter(({ names }) => shapeMatches(names, name));
    for (const other of same === undefined ? others : [same, ...others]) {
      const found = sharedBy(a, piece, b, other);
      if (found !== undefined) return found;
    }
  }
  for (const piece of left.wide) {
    for (const other of right.wide) {
      const found = sharedBy(a, piece, b, other);
      if (found !== undefined) return found;
    }
    for (const [name, other] of right.single) {
      const found = shapeMatches(piece.names, name) ? sharedBy(a, piece, b, other) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Whether an extension of the line is called so. */
export function isNameOf(line: NamingLine, name: string): boolean {
  if (line.as === undefined) return matches(line.match, name);
  const set = isExtension(name) ? namesOf(line) : undefined;
  const single = set?.single.get(name);
  if (set === undefined) return false;
  const named = (piece: Piece) =>
    shapeMatches(piece.names, name) && matches(line.match, extensionOf(piece, name));
  return (single !== undefined && named(single)) || set.wide.some(named);
}

/** A name of the line that ends with this text, and what is called so. Of open patterns it is not told. */
export function nameEndingWith(
  line: NamingLine,
  end: string,
): { readonly extension: string; readonly name: string } | undefined {
  for (const piece of namesOf(line)?.pieces ?? []) {
    const { places, open } = piece.names;
    const start = places.length - end.length;
    if (open || start < 1 || ![...end].every((character, at) => places[start + at]?.includes(character)))
      continue;
    const shape = { places: [...places.slice(0, start), ...end], open };
    const name = shapesOverlap(shape, shape);
    const extension = name === undefined ? undefined : extensionOf(piece, name);
    if (name !== undefined && extension !== undefined && matches(line.match, extension))
      return { extension, name };
  }
  return undefined;
}

/**
 * A regular expression of `a` of which cannot be told in advance that it names none of the names of `b`: they can be
 * told apart by their first characters only.
 */
export function undecided(a: NamingLine, b: NamingLine): NamingItem | undefined {
  const regexes = a.match.filter((item) => item.kind === 'regex');
  if (regexes.length === 0) return undefined;
  const firsts = namesOf(b)?.pieces.map(({ names }) => names.places[0] ?? (names.open ? FIRST : ''));
  return regexes.find(({ source }) => {
    const mine = firstCharacters(source);
    return (
      firsts === undefined ||
      firsts.some((theirs) => [...theirs].some((character) => mine.includes(character)))
    );
  });
}

/** What each line's names are is worked out once: every line is held against every other one. */
const sets = new WeakMap<NamingLine, NameSet>();

function namesOf(line: NamingLine): NameSet | undefined {
  const known = sets.get(line);
  if (known !== undefined) return known;
  const shapes = shapesOfMatch(line.match);
  if (shapes === undefined) return undefined;
  const pieces = shapes.flatMap((shape) => piecesOf(shape, line.as));
  if (pieces.length > MAX_SHAPES) return undefined;
  const single = new Map<string, Piece>();
  const wide: Piece[] = [];
  for (const piece of pieces) {
    const name = literalOf(piece.names);
    if (name === undefined) wide.push(piece);
    else if (isExtension(name) && !single.has(name)) single.set(name, piece);
  }
  const set = { pieces, single, wide };
  sets.set(line, set);
  return set;
}

/** One piece for each length, unless the end of an extension, however long, is the end of its name. */
function piecesOf(shape: Shape, as: Renumber | undefined): Piece[] {
  const { places, open } = shape;
  if (as === undefined) {
    const end = open ? Number.POSITIVE_INFINITY : places.length;
    return [{ extensions: shape, names: shape, slice: [0, end], around: [0, 0] }];
  }
  const { before, from, length, after } = as;
  const around = [before.length, after.length] as const;
  const pieces: Piece[] = [];
  for (let count = places.length; count <= (open ? MAX_EXTENSION : places.length); count++) {
    const all = Array.from({ length: count }, (_, at) => places[at] ?? ALPHABET);
    if (open && from >= 0 && length === undefined && after === '' && count >= from) {
      const names = { places: [...before, ...all.slice(from)], open };
      const slice = [from, Number.POSITIVE_INFINITY] as const;
      return [...pieces, { extensions: { places: all, open }, names, slice, around }];
    }
    const slice = sliceOf(as, count);
    const names = { places: [...before, ...all.slice(...slice), ...after], open: false };
    pieces.push({ extensions: { places: all, open: false }, names, slice, around });
  }
  return pieces;
}

function canBeNamed({ names: { places, open } }: Piece, most: number): boolean {
  const isBegun =
    places.length === 0 ? open : [...(places[0] ?? '')].some((character) => FIRST.includes(character));
  return isBegun && places.length <= most;
}

function allNamed({ names: { places } }: Piece, most: number): boolean {
  const first = places[0] ?? '';
  return (
    places.length > 0 && places.length <= most && [...first].every((character) => FIRST.includes(character))
  );
}

function sharedBy(a: NamingLine, left: Piece, b: NamingLine, right: Piece): Shared | undefined {
  const name = shapesOverlap(left.names, right.names);
  if (name === undefined) return undefined;
  const extensions = [extensionOf(left, name), extensionOf(right, name)] as const;
  return shared(a, b, name, extensions);
}

/** If both are really named: a regular expression may exclude one. Of one line it takes two. */
function shared(
  a: NamingLine,
  b: NamingLine,
  name: string,
  [left, right]: Shared['extensions'],
): Shared | undefined {
  if (a === b && left === right) return undefined;
  return matches(a.match, left) && matches(b.match, right) ? { name, extensions: [left, right] } : undefined;
}

/** An extension of the piece that has this name. */
function extensionOf(
  { extensions: { places }, slice: [start, end], around: [before, after] }: Piece,
  name: string,
): string {
  const dropped = (some: readonly string[]) => some.map((allowed) => allowed.charAt(0)).join('');
  return (
    dropped(places.slice(0, start)) + name.slice(before, name.length - after) + dropped(places.slice(end))
  );
}

/** Another one that has this name; the same, if there is no other. */
function otherOf(piece: Piece, name: string): string {
  const { extensions, slice } = piece;
  const one = extensionOf(piece, name);
  const at = extensions.places.findIndex(
    (allowed, place) => allowed.length > 1 && (place < slice[0] || place >= slice[1]),
  );
  return at < 0 ? one : one.slice(0, at) + extensions.places[at]?.charAt(1) + one.slice(at + 1);
}
