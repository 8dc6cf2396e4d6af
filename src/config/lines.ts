/**
 * What the lines of `export`, `import` and `plain_lamps` have in common: which extensions each means and what it calls
 * them. Owns how `match`, `except` and `as` are read, the bounds on how much there is to compare, and that every
 * extension of a line has a name of its own.
 */
import {
  excluding,
  extensionsOf,
  formatItem,
  type Match,
  type MatchItem,
  type NamingItem,
  parseMatch,
  partsOfMatch,
  shapesOfMatch,
  shortestLength,
} from '../core/match.ts';
import { MAX_LAMP_NAME } from '../core/names.ts';
import { collision, type NamingLine, nameless, sizeOfNames } from '../core/naming.ts';
import { MAX_EXTENSION } from '../core/pattern.ts';
import { parseRenumber, type Renumber } from '../core/renumber.ts';
import { warnOfWords } from './doubtful.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';

/** Items of all matches together, and those among them that name many: every two of them are compared. */
const MAX_ITEMS = 10_000;
const MAX_WIDE_ITEMS = 2_000;
/** Regular expressions in one list: each name is held against all of them, for up to a millisecond each. */
const MAX_REGEXES = 50;
/** Pairs of lines that are told to overlap; one slip can make thousands. */
export const MAX_OVERLAPS = 50;

interface LineValues {
  readonly match: readonly string[];
  readonly except: readonly string[];
  readonly as: string;
}

/** A line of a list as it was read, and its place. */
export interface Placed<Rule extends NamingLine = NamingLine> {
  readonly path: string;
  readonly rule: Rule & { readonly where: string };
}

/** Which extensions the line means and what it calls them; `undefined`: a mistake, which is told. */
export function readNaming(
  values: LineValues,
  path: string,
  findings: Findings,
  otherwise?: Renumber,
): NamingLine | undefined {
  const naming = readItems(values.match, `${path}.match`, findings);
  if (values.match.length === 0 && findings.fine(`${path}.match`)) {
    findings.mistake(
      `${path}.match`,
      `${path}.match is missing; write a pattern like _1XXX, a range like 1000-1099, or 1001`,
    );
  }
  const except = readItems(values.except, `${path}.except`, findings);
  const as = readAs(values.as, `${path}.as`, findings) ?? otherwise;
  if (naming === undefined || naming.length === 0 || except === undefined) return undefined;
  if (!findings.fine(`${path}.as`)) return undefined;
  const match = excluding(naming, except);
  const regex = naming.find(({ kind }) => kind === 'regex');
  if (regex?.kind === 'regex' && as !== undefined) {
    findings.mistake(
      `${path}.as`,
      `${path} has both as and the regular expression /${regex.source}/; whether two of its extensions would get one name cannot be told beforehand, so write patterns, ranges or extensions`,
    );
    return undefined;
  }
  return { match, ...(as !== undefined && { as }) };
}

/** Whether there is not too much to compare; else that is told. */
export function checkSize(placed: readonly Placed[], list: string, findings: Findings): boolean {
  const items = placed
    .flatMap(({ rule }) => rule.match)
    .map((item) => (item.kind === 'except' ? item.item : item));
  const regexes = items.filter(({ kind }) => kind === 'regex').length;
  if (regexes > MAX_REGEXES) {
    findings.mistake(list, `${list} has ${regexes} regular expressions; at most ${MAX_REGEXES} are allowed`);
    return false;
  }
  const plainly = { all: items.length, wide: items.filter(({ kind }) => kind !== 'extension').length };
  if (tooMuch(plainly)) return refuseSize(list, plainly, 'items,', findings);
  const isPlain = placed.every(({ rule }) => rule.as === undefined && !rule.match.some(isExcept));
  if (isPlain) return true;
  const sizes = placed.map(({ rule }) => sizeOfNames(rule));
  const sum = (key: 'all' | 'wide') => sizes.reduce((total, size) => total + size[key], 0);
  const worked = { all: sum('all'), wide: sum('wide') };
  const what = 'items once as and except are worked out,';
  return !tooMuch(worked) || refuseSize(list, worked, what, findings);
}

interface Size {
  readonly all: number;
  readonly wide: number;
}

function tooMuch({ all, wide }: Size): boolean {
  return all > MAX_ITEMS || wide > MAX_WIDE_ITEMS;
}

function refuseSize(list: string, { all, wide }: Size, what: string, findings: Findings): false {
  findings.mistake(
    list,
    `${list} has ${all} ${what} ${wide} of them patterns or ranges; at most ${MAX_ITEMS} and ${MAX_WIDE_ITEMS} are allowed, so write wider ones`,
  );
  return false;
}

function isExcept({ kind }: MatchItem): boolean {
  return kind === 'except';
}

/**
 * There must be extensions, and each must have a name of its own. `tag`: of the PBX that the lamps EXT*tag are of; absent, where
 * it is not known, or where the lamp has no tag. An extension of an open pattern whose name has no room is left out at
 * run time; one that never fits is a slip.
 */
export function checkNames({ path, rule }: Placed, tag: string | undefined, findings: Findings): boolean {
  if (rule.match.some(isExcept) && isEmpty(rule.match)) {
    findings.mistake(
      `${path}.except`,
      `${path}.except leaves nothing of match; leave the line out, or narrow it`,
    );
    return false;
  }
  const most = tag === undefined ? MAX_EXTENSION : MAX_LAMP_NAME - 1 - tag.length;
  if (rule.as === undefined) return tag === undefined || checkLengths(rule, path, tag, findings);
  const odd = nameless(rule, most);
  if (odd !== undefined) {
    findings.mistake(`${path}.as`, `${path}.as ${whyNameless(odd, most)}`);
    return false;
  }
  const two = collision(rule);
  if (two === undefined) return true;
  findings.mistake(
    `${path}.as`,
    `${path}.as makes ${two.name} of both ${two.extensions.join(' and ')}; keep what tells them apart, or narrow match`,
  );
  return false;
}

/** Of regular expressions it is not known what they name, and of what they exclude only where that can be listed. */
function isEmpty(match: Match): boolean {
  const { naming } = partsOfMatch(match);
  if (naming.some(({ kind }) => kind === 'regex')) return false;
  if (shapesOfMatch(match)?.length === 0) return true;
  const isListed = naming.every(({ kind }) => kind !== 'pattern');
  for (const _ of isListed ? extensionsOf(match) : ['']) return false;
  return true;
}

function whyNameless({ extension, name }: { extension: string; name: string }, most: number): string {
  if (name === '') return `leaves nothing of ${extension}`;
  if (name.length <= most) return `makes ${show(name)} of ${extension}, which is no extension`;
  return `makes ${name.length} characters of ${extension}; there is room for ${most}`;
}

function checkLengths({ match }: NamingLine, path: string, tag: string, findings: Findings): boolean {
  let fine = true;
  for (const [index, item] of match.entries()) {
    const length = item.kind === 'except' ? 0 : shortestLength(item) + 1 + tag.length;
    if (item.kind === 'except' || length <= MAX_LAMP_NAME) continue;
    const why = `names extensions whose lamps EXT*${tag} have ${length} characters or more; Asterisk holds ${MAX_LAMP_NAME}`;
    findings.mistake(`${path}.match[${index}]`, `${path}.match ${show(formatItem(item))} ${why}`);
    fine = false;
  }
  return fine;
}

function readItems(
  items: readonly string[],
  path: string,
  findings: Findings,
): readonly NamingItem[] | undefined {
  if (!findings.fine(path)) return undefined;
  const parsed = parseMatch(items);
  if (parsed.ok) {
    for (const [index, item] of parsed.match.entries()) {
      if (item.kind === 'pattern') warnOfWords(item.pattern, `${path}[${index}]`, path, findings);
    }
    return parsed.match;
  }
  for (const { index, why } of parsed.mistakes) {
    findings.mistake(`${path}[${index}]`, `${path} ${show(items[index])} ${why}`);
  }
  return undefined;
}

function readAs(text: string, path: string, findings: Findings): Renumber | undefined {
  if (text === '' || !findings.fine(path)) return undefined;
  const as = parseRenumber(text);
  if (typeof as !== 'string') return as;
  findings.mistake(path, `${path} ${show(text)} ${as}`);
  return undefined;
}
