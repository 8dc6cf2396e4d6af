/**
 * Lines that contradict each other. Owns which lines are held against which: one extension has one source, one name
 * one extension, and a lamp without a tag nobody but its peer.
 */
import { meeting, newTests, type Tests } from '../core/apart.ts';
import { sameButCapitals } from '../core/capitals.ts';
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import { formatItem, type MatchItem, overlap } from '../core/match.ts';
import { type NamingLine, nameEndingWith, namesOverlap, undecided } from '../core/naming.ts';
import type { Renumber } from '../core/renumber.ts';
import type { Findings } from './findings.ts';
import { MAX_OVERLAPS, type Placed } from './lines.ts';

export function refuseExportOverlaps(placed: readonly Placed<ExportRule>[], findings: Findings): void {
  refusePairs(placed, findings, (one, other) => {
    if (domainOf(one.rule) === domainOf(other.rule)) {
      const what = one.rule.source === 'mailbox' ? 'mailbox' : 'extension';
      const why = sameExtension(one, other, what, '', `${aOf(what)} has one source`);
      if (why !== undefined) return why;
    }
    const isPresence = [one, other].filter(({ rule }) => rule.source === 'presence').length;
    return isPresence === 1 ? undefined : sameName(one, other, 'would both be told to the peers as');
  });
}

/** What an extension's line is looked for among: mailboxes and presentities are told beside the extension. */
export function domainOf(rule: ExportRule): string {
  if (rule.source === 'mailbox') return `mailbox@${rule.context}`;
  return rule.source === 'presence' ? 'presence' : 'extension';
}

export function refuseImportOverlaps(placed: readonly Placed<ImportRule>[], findings: Findings): void {
  refusePairs(placed, findings, (one, other) => {
    const [a, b] = [one.rule.from, other.rule.from];
    if (a !== undefined && b !== undefined && a !== b) return undefined;
    const from = a ?? b ?? 'any peer';
    return (
      sameExtension(one, other, 'extension', ` of ${from}`, 'an extension has one name here') ??
      sameName(one, other, `can both make, of extensions of ${from},`)
    );
  });
}

export function refusePlainOverlaps(placed: readonly Placed<PlainRule>[], findings: Findings): void {
  const tests = newTests();
  refusePairs(placed, findings, (one, other) => {
    const { from } = one.rule;
    if (from === other.rule.from) {
      const why = sameExtension(one, other, 'extension', ` of ${from}`, 'an extension has one plain lamp');
      if (why !== undefined) return why;
    }
    const shared = namesOverlap(other.rule, one.rule);
    if (shared === undefined) return unseen(one, other) ?? sameLamp(one, other, tests);
    const [theirs, ours] = shared.extensions;
    return `${both(one, other)} can both light ${shared.name}: ${ours} of ${from} and ${theirs} of ${other.rule.from}; number plans that overlap are told apart by EXT*tag only, or by another as`;
  });
}

/** Of two peers; of one, two lines may name one extension by regular expressions, and the first counts. */
function sameLamp(one: Placed<PlainRule>, other: Placed<PlainRule>, tests: Tests): string | undefined {
  const met = one.rule.from === other.rule.from ? undefined : meeting(one.rule, other.rule, tests);
  if (met === undefined) return undefined;
  return 'regex' in met
    ? `${both(one, other)} may light one name: ${uncompared(met.regex)}`
    : `${both(one, other)} can both light ${met.name}: of ${one.rule.from} and of ${other.rule.from}; narrow one of them, or write another as`;
}

/** A lamp without a tag is nobody else's: neither an extension that we export, nor what its state is read from. */
export function refuseOwnNames(
  plain: readonly Placed<PlainRule>[],
  exported: readonly Placed<ExportRule>[],
  tags: readonly string[],
  findings: Findings,
): void {
  const own = exported.flatMap((line) => ownNames(line.rule).map((names) => ({ ...names, line })));
  refuseFirst(clashesWithOwn(plain, own, tags), findings);
}

/** A line, and why it is refused. */
interface Clash {
  readonly path: string;
  readonly why: string;
}

function* clashesWithOwn(
  plain: readonly Placed<PlainRule>[],
  own: readonly OwnNames[],
  tags: readonly string[],
): Iterable<Clash> {
  const tests = newTests();
  for (const { path, rule } of plain) {
    for (const { names, what, line } of own) {
      const met = meeting(rule, names, tests);
      const small = met === undefined ? sameButCapitals(rule, names) : undefined;
      const whose = `which is ${what} of ${line.path} (${line.rule.where})`;
      if (small !== undefined) {
        const why = `can light ${small}, if capitals do not count, ${whose}; hints of Asterisk up to 22.10 do not tell the two apart, so narrow one of them or write another as`;
        yield { path, why: `${path} ${why}` };
      }
      if (met === undefined) continue;
      const why =
        'regex' in met
          ? `may light a name ${whose}: ${uncompared(met.regex)}`
          : `can light ${met.name} (${met.extension} of ${rule.from}), ${whose}; where number plans overlap, EXT*tag alone tells them apart, so narrow one of them or write another as`;
      yield { path, why: `${path} ${why}` };
    }
    for (const tag of tags) {
      const lamp = nameEndingWith(rule, `*${tag}`);
      if (lamp === undefined) continue;
      yield {
        path,
        why: `${path} can light ${lamp.name} (${lamp.extension} of ${rule.from}), which is the name of a lamp of ${tag}; narrow it or write another as`,
      };
    }
  }
}

const CUSTOM = /^custom(?:presence)?:/i;
/** Characters of an extension: a name with others is no plain lamp's. */
const IN_NAMES = /^[A-Za-z0-9*+#._]*$/;

/** Names on this PBX that are taken, and by what. */
interface OwnNames {
  readonly names: NamingLine;
  readonly what: string;
  readonly line: Placed<ExportRule>;
}

/** Those that a rule exports, and those whose Custom state it reads. */
function ownNames(rule: ExportRule): Omit<OwnNames, 'line'>[] {
  if (rule.source === 'mailbox') return [];
  const own = { names: { match: rule.match }, what: 'an extension' };
  const templates =
    rule.source === 'device' ? rule.devices : rule.source === 'presence' ? [rule.presentity] : [];
  const read = templates
    .filter((template) => CUSTOM.test(template))
    .flatMap((template) => {
      const [before = '', after] = template.replace(CUSTOM, '').split('{ext}');
      if (!IN_NAMES.test(before + (after ?? ''))) return [];
      const whole: Renumber = {
        before,
        from: 0,
        ...(after === undefined && { length: 0 }),
        after: after ?? '',
      };
      return [{ names: { match: rule.match, as: whole }, what: `read from ${template} by an extension` }];
    });
  return [own, ...read];
}

type What = 'mailbox' | 'extension';
type Judge<Rule extends NamingLine> = (one: Placed<Rule>, other: Placed<Rule>) => string | undefined;

function refusePairs<Rule extends NamingLine>(
  placed: readonly Placed<Rule>[],
  findings: Findings,
  whyNot: Judge<Rule>,
): void {
  refuseFirst(clashesOfPairs(placed, whyNot), findings);
}

/** Each line against those before it. */
function* clashesOfPairs<Rule extends NamingLine>(
  placed: readonly Placed<Rule>[],
  whyNot: Judge<Rule>,
): Iterable<Clash> {
  for (const [index, one] of placed.entries()) {
    for (const other of placed.slice(0, index)) {
      const why = whyNot(one, other);
      if (why !== undefined) yield { path: one.path, why };
    }
  }
}

/** Those beyond the bound are not even looked for. */
function refuseFirst(clashes: Iterable<Clash>, findings: Findings): void {
  let told = 0;
  for (const { path, why } of clashes) {
    findings.mistake(`${path}.match`, why);
    told += 1;
    if (told === MAX_OVERLAPS) return;
  }
}

/** Of one extension the first line alone would count, whatever each makes of it. */
function sameExtension(
  one: Placed,
  other: Placed,
  what: What,
  ofWhom: string,
  law: string,
): string | undefined {
  const witness = overlap(other.rule.match, one.rule.match);
  if (witness === undefined) return undefined;
  return `${both(one, other)} can both mean ${what} ${witness}${ofWhom}; ${law}, so narrow one of them`;
}

function sameName(one: Placed, other: Placed, verb: string): string | undefined {
  if (one.rule.as === undefined && other.rule.as === undefined) return undefined;
  const shared = namesOverlap(other.rule, one.rule);
  if (shared === undefined) return unseen(one, other);
  const [theirs, ours] = shared.extensions;
  return `${both(one, other)} ${verb} ${shared.name}: ${ours} of the one and ${theirs} of the other; narrow one of them, or write another as`;
}

/** A line that renames beside a regular expression, which names nobody knows what. */
function unseen(one: Placed, other: Placed): string | undefined {
  for (const [line, renamed] of [
    [one, other],
    [other, one],
  ] as const) {
    const regex = renamed.rule.as === undefined ? undefined : undecided(line.rule, renamed.rule);
    if (regex?.kind !== 'regex') continue;
    return `${both(one, other)} may give one name to two extensions: what /${regex.source}/ names cannot be compared with what as makes; write patterns or ranges, or begin it with ^ and a character that none of the other names begins with`;
  }
  return undefined;
}

function uncompared(regex: MatchItem): string {
  return `what ${formatItem(regex)} names or excludes cannot be compared with the other line; write patterns or ranges in its place`;
}

function both(one: Placed, other: Placed): string {
  return `${one.path} and ${other.path} (${other.rule.where})`;
}

function aOf(what: What): string {
  return what === 'mailbox' ? 'a mailbox' : 'an extension';
}
