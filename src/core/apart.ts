/**
 * Whether two lines of the config are known to have no name in common although there are regular expressions in them.
 * Owns what can be told of those: which of the extensions that can be listed they name, and of others how they begin.
 * Knows neither lists nor messages.
 */
import { enumerate, matches, type NamingItem, partsOfMatch } from './match.ts';
import { isNameOf, type NamingLine, namesOverlap, shapesOfNames } from './naming.ts';
import { type Shape, shapeMatches, shapesOverlap } from './pattern.ts';
import { firstCharacters } from './regex.ts';
import { type Renumber, renumber } from './renumber.ts';
import { newBudget, without } from './shapes.ts';

/** Names that are held against regular expressions while a config is read: about a second. */
export const MAX_TESTS = 200_000;

/** What may still be spent on the lines of a config. */
export interface Tests {
  left: number;
}

export function newTests(): Tests {
  return { left: MAX_TESTS };
}

/** Whatever an extension is. */
const ANY: Shape = { places: [], open: true };

type Regex = Extract<NamingItem, { kind: 'regex' }>;

/** Where two lines meet, or may meet. */
export type Meeting =
  /** A name that both give, and the extension of the first line that has it. */
  | { readonly name: string; readonly extension: string }
  /** What cannot be compared: of the one line or of the other, among what it names or what it excludes. */
  | { readonly regex: Regex };

/**
 * `undefined` only when it is known that no name is given by both. A line with a regular expression among what it names
 * has no `as`, or one that keeps the whole extension.
 */
export function meeting(a: NamingLine, b: NamingLine, tests: Tests): Meeting | undefined {
  const seen = namesOverlap(a, b);
  if (seen !== undefined) return { name: seen.name, extension: seen.extensions[0] };
  const [left, right] = [partsOf(a), partsOf(b)];
  if (left.regex === undefined && right.regex === undefined) return undefined;
  for (const { name, extension } of listed(a, left, right)) {
    if (!spend(tests)) return unknown(left, right);
    if (givesName(b, name)) return { name, extension };
  }
  for (const { name } of listed(b, right, left)) {
    if (!spend(tests)) return unknown(left, right);
    if (givesName(a, name)) return { name, extension: extensionOf(a, name) };
  }
  return excludedAlike(left, right) ?? begunAlike(left, right) ?? begunAlike(right, left);
}

interface Parts {
  /** What its patterns name, less what patterns, ranges and extensions exclude. */
  readonly patterns: NamingLine;
  readonly shapes: readonly Shape[] | undefined;
  /** How the names begin that its regular expressions give, less the same. */
  readonly regexes: readonly { readonly regex: Regex; readonly shapes: readonly Shape[] }[];
  readonly excluding: Regex | undefined;
  /** One of them all. */
  readonly regex: Regex | undefined;
}

/** Worked out once: each line is held against many. */
const parts = new WeakMap<NamingLine, Parts>();

function partsOf(line: NamingLine): Parts {
  const known = parts.get(line) ?? takenApart(line);
  parts.set(line, known);
  return known;
}

function takenApart({ match, as }: NamingLine): Parts {
  const { naming, excluded } = partsOfMatch(match);
  const whole = match.filter((item) => item.kind === 'except' && item.item.kind !== 'regex');
  const patterns = {
    match: [...naming.filter(({ kind }) => kind === 'pattern'), ...whole],
    ...(as && { as }),
  };
  const seen = { match: excluded.filter(({ kind }) => kind !== 'regex'), ...(as && { as }) };
  // What is behind an open end comes to too many shapes to be worth it.
  const taken = as === undefined || as.after === '' ? (shapesOfNames(seen) ?? []) : [];
  const regexes = naming.filter(isRegex).map((regex) => {
    const shape = { places: [...(as?.before ?? ''), firstCharacters(regex.source)], open: true };
    return { regex, shapes: without(shape, taken, newBudget()) ?? [shape] };
  });
  const excluding = excluded.find(isRegex);
  return {
    patterns,
    shapes: shapesOfNames(patterns),
    regexes,
    excluding,
    regex: regexes[0]?.regex ?? excluding,
  };
}

/** Names of ranges and extensions: those that a regular expression of the other line may give, or one excludes. */
function* listed(line: NamingLine, own: Parts, other: Parts): Iterable<{ name: string; extension: string }> {
  const isAll = own.excluding !== undefined || other.excluding !== undefined;
  const begun = other.regexes.flatMap(({ shapes }) => shapes);
  if (!isAll && begun.length === 0) return;
  for (const extension of enumerate(line.match)) {
    const name = renumber(line.as, extension);
    if (name !== undefined && (isAll || begun.some((shape) => shapeMatches(shape, name))))
      yield { name, extension };
  }
}

function givesName(line: NamingLine, name: string): boolean {
  return isWhole(line.as) ? matches(line.match, extensionOf(line, name)) : isNameOf(line, name);
}

/** The extension of the line that this name of it stands for. */
function extensionOf(line: NamingLine, name: string): string {
  const { as } = line;
  if (as === undefined) return name;
  if (!isWhole(as)) {
    const text = { match: [{ kind: 'extension', extension: name }] } as const;
    return namesOverlap(line, text)?.extensions[0] ?? name;
  }
  const { before, after } = as;
  const isOne = name.startsWith(before) && name.endsWith(after);
  return isOne ? name.slice(before.length, name.length - after.length) : '';
}

/** Whether it keeps the whole extension. */
function isWhole(as: Renumber | undefined): as is Renumber {
  return as !== undefined && as.from === 0 && as.length === undefined;
}

/** Patterns that would meet if no regular expression excluded anything. */
function excludedAlike(a: Parts, b: Parts): Meeting | undefined {
  const regex = a.excluding ?? b.excluding;
  const meet = regex !== undefined && namesOverlap(a.patterns, b.patterns) !== undefined;
  return meet ? { regex } : undefined;
}

/** A regular expression whose names may begin as others do. */
function begunAlike({ regexes }: Parts, other: Parts): Meeting | undefined {
  const others = [...(other.shapes ?? [ANY]), ...other.regexes.flatMap(({ shapes }) => shapes)];
  const found = regexes.find(({ shapes }) =>
    shapes.some((shape) => others.some((name) => shapesOverlap(shape, name) !== undefined)),
  );
  return found && { regex: found.regex };
}

function unknown(a: Parts, b: Parts): Meeting | undefined {
  const regex = a.regex ?? b.regex;
  return regex && { regex };
}

function spend(tests: Tests): boolean {
  tests.left -= 1;
  return tests.left >= 0;
}

function isRegex(item: NamingItem): item is Regex {
  return item.kind === 'regex';
}
