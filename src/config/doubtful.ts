/**
 * Lines that are taken, but hardly meant as they stand: warnings, not mistakes. Owns which those are. What cannot be
 * meant at all is lines.ts's and overlaps.ts's to refuse.
 */
import { meeting, newTests } from '../core/apart.ts';
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import { extensionsOf, formatItem, matches, partsOfMatch } from '../core/match.ts';
import { shapesOfNames } from '../core/naming.ts';
import { readPattern, shapesOverlap } from '../core/pattern.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import type { Placed } from './lines.ts';

/** Names that are held against earlier lines, over all lines: a fraction of a second. */
const MAX_TRIED = 100_000;

/** What a letter of a pattern means. */
const MEANING: Readonly<Record<string, string>> = { N: '2-9', X: '0-9', Z: '1-9' };
const WILD = '[NXZnxz]';
const LETTER = '[A-MO-WYa-mo-wy]';
/** `DND` and `anna`, but neither `vmXXX` nor `1XXXa`. */
const INSIDE = new RegExp(`(${LETTER}?)(${WILD}+)(?=${LETTER})`, 'g');
/** `ivan` */
const AT_END = new RegExp(`${LETTER}([nz]+)(?![A-Za-z])`);

/** The letters of a word in a pattern that mean digits there: `_DNDXXXX`, `_anna`. */
export function warnOfWords(pattern: string, at: string, path: string, findings: Findings): void {
  const text = pattern.replace(/\[[^\]]*\]/g, '0');
  const inside = [...text.matchAll(INSIDE)].find(
    ([, before, wild = '']) => before !== '' || !/^[Xx]+$/.test(wild),
  );
  const letter = (inside?.[2] ?? AT_END.exec(text)?.[1])?.charAt(0);
  if (letter === undefined) return;
  findings.warning(
    at,
    `${path} ${show(pattern)} has a word with ${letter} in it, which means a digit ${MEANING[letter.toUpperCase()]} in a pattern; write [${letter}] for the letter`,
  );
}

/** A peer chooses its extensions: of what is not closed it can light what it wants. */
export function warnOfOpenLamps(placed: readonly Placed<PlainRule>[], findings: Findings): void {
  for (const { path, rule } of placed) {
    if (rule.as !== undefined && rule.as.before !== '') continue;
    const open = partsOfMatch(rule.match).naming.find(
      (item) => item.kind === 'regex' || (item.kind === 'pattern' && readPattern(item.pattern).open),
    );
    if (open === undefined) continue;
    findings.warning(
      `${path}.match`,
      `${path}.match ${show(formatItem(open))} leaves open what ${rule.from} may call its extensions; one that is called like a Custom device of this PBX (of a feature, like DND1001) would overwrite it, so write closed patterns like _2XXX`,
    );
  }
}

/** The names after `import` are others than before it. */
export function warnOfIdleLamps(
  plain: readonly Placed<PlainRule>[],
  imports: readonly ImportRule[],
  findings: Findings,
): void {
  const tests = newTests();
  for (const { path, rule } of plain) {
    const taken = imports.filter(({ from }) => from === undefined || from === rule.from);
    const named = { match: rule.match };
    if (taken.length === 0 || taken.some((line) => meeting(named, line, tests) !== undefined)) continue;
    const [shape] = taken.flatMap((line) => shapesOfNames(line) ?? []);
    const name = shape && shapesOverlap(shape, shape);
    findings.warning(
      `${path}.match`,
      `${path} lights nothing: of ${rule.from}, import leaves no extension that it names${name === undefined ? '' : ` (but ${name}, for one)`}; its match is of what import calls them`,
    );
  }
}

/** Lines that list all they name, every one of which an earlier line names: `isBefore` says which of those counts first. */
export function warnOfShadowed<Rule extends ExportRule | ImportRule>(
  placed: readonly Placed<Rule>[],
  isBefore: (earlier: Rule, later: Rule) => boolean,
  findings: Findings,
): void {
  let tried = 0;
  for (const [index, { path, rule }] of placed.entries()) {
    if (!partsOfMatch(rule.match).naming.every(({ kind }) => kind === 'extension' || kind === 'range'))
      continue;
    const earlier = placed.slice(0, index).filter((line) => isBefore(line.rule, rule));
    // Lines that list what they name are refused where they overlap.
    const regexes = earlier.filter((line) => line.rule.match.some(({ kind }) => kind === 'regex'));
    let isShadowed = regexes.length > 0;
    for (const extension of isShadowed ? extensionsOf(rule.match) : []) {
      tried += 1;
      isShadowed = tried <= MAX_TRIED && regexes.some((line) => matches(line.rule.match, extension));
      if (!isShadowed) break;
    }
    const [first] = regexes;
    if (!isShadowed || first === undefined) continue;
    findings.warning(
      `${path}.match`,
      `${path} never counts: all that it names ${first.path} (${first.rule.where})${regexes.length > 1 ? ' and other lines before it name' : ' names'} first; put it before that, or leave it out`,
    );
  }
}
