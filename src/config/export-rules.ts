/**
 * The `export` list: each line becomes an ExportRule. Owns what a line must have, and that no two lines mean the
 * same extension. Which devices may stand for one is device-templates.ts's.
 */
import { EXT_PLACEHOLDER } from '../core/device-map.ts';
import { type ExportRule, MAX_EXPORTS } from '../core/exports.ts';
import {
  countNamed,
  MAX_RANGE,
  MAX_RANGE_DIGITS,
  type Match,
  overlap,
  parseMatch,
  shortestLength,
} from '../core/match.ts';
import { isContext, MAX_LAMP_NAME } from '../core/names.ts';
import { DIGITS, readPattern } from '../core/pattern.ts';
import { isLocal, type TemplateUse, whyNotTemplate } from './device-templates.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import type { ExportValues, Values } from './values.ts';

/** The keys that say where a state comes from: each line has one. */
const SOURCES = ['context', 'device', 'channels'] as const;
/** Items of all matches together, and patterns and ranges among them: every two of them are compared. */
const MAX_ITEMS = 10_000;
const MAX_WIDE_ITEMS = 2_000;
/** Pairs of rules that are told to overlap; one slip can make thousands. */
const MAX_OVERLAPS = 50;

interface Placed {
  readonly path: string;
  readonly rule: ExportRule;
}

export function checkExports({ root, exports }: Values, findings: Findings): ExportRule[] {
  const tag = findings.fine('tag') ? root.tag : undefined;
  const placed: Placed[] = [];
  for (const [index, values] of exports.entries()) {
    const path = `export[${index}]`;
    const rule = readRule(values, path, tag, findings);
    if (rule !== undefined) placed.push({ path, rule });
  }
  const items = placed.flatMap(({ rule }) => rule.match);
  const wide = items.filter(({ kind }) => kind !== 'extension').length;
  if (items.length <= MAX_ITEMS && wide <= MAX_WIDE_ITEMS) refuseOverlaps(placed, findings);
  else {
    findings.mistake(
      'export',
      `export has ${items.length} items, ${wide} of them patterns or ranges; at most ${MAX_ITEMS} and ${MAX_WIDE_ITEMS} are allowed, so write wider ones`,
    );
  }
  const named = placed.reduce((sum, { rule }) => sum + countNamed(rule.match), 0);
  if (named > MAX_EXPORTS) {
    findings.mistake('export', `export names ${named} extensions; a broker exports at most ${MAX_EXPORTS}`);
  }
  return placed.map(({ rule }) => rule);
}

function readRule(
  values: ExportValues,
  path: string,
  tag: string | undefined,
  findings: Findings,
): ExportRule | undefined {
  if (findings.bad(path)) return undefined;
  const { context, device, channels } = values;
  const match = readMatch(values.match, `${path}.match`, tag, findings);
  const given = SOURCES.filter((key) => values[key].length > 0 || !findings.fine(`${path}.${key}`));
  const [source] = given;
  if (source === undefined || given.length > 1) {
    const what = source === undefined ? `none of ${SOURCES.join(', ')}` : `both ${given.join(' and ')}`;
    findings.mistake(
      path,
      `${path} has ${what}; an extension has one source: its hint (context), its devices (device) or their channels (channels)`,
    );
  }
  if (given.includes('context')) checkContext(context, `${path}.context`, findings);
  checkTemplates(device, 'device', path, match, findings);
  checkTemplates(channels, 'channels', path, match, findings);
  if (given.includes('channels')) refusePatterns(match ?? [], `${path}.match`, findings);
  if (match === undefined || !findings.fine(path)) return undefined;
  const where = findings.where(path);
  if (source === 'context') return { source: 'hint', context, match, where };
  return source === 'device'
    ? { source, devices: device, match, where }
    : { source: 'channels', devices: channels, match, where };
}

function readMatch(
  items: readonly string[],
  path: string,
  tag: string | undefined,
  findings: Findings,
): Match | undefined {
  if (!findings.fine(path)) return undefined;
  if (items.length === 0) {
    findings.mistake(path, `${path} is missing; write a pattern like _1XXX, a range like 1000-1099, or 1001`);
    return undefined;
  }
  const parsed = parseMatch(items);
  if (!parsed.ok) {
    for (const { index, why } of parsed.mistakes) {
      findings.mistake(`${path}[${index}]`, `${path} ${show(items[index])} ${why}`);
    }
    return undefined;
  }
  for (const [index, item] of parsed.match.entries()) {
    // A longer extension of an open pattern is left out at run time; one that never fits is a slip.
    const length = shortestLength(item) + 1 + (tag?.length ?? 0);
    if (length <= MAX_LAMP_NAME) continue;
    const why = `names extensions whose lamps EXT*${tag} have ${length} characters or more; Asterisk holds ${MAX_LAMP_NAME}`;
    findings.mistake(`${path}[${index}]`, `${path} ${show(items[index])} ${why}`);
  }
  return parsed.match;
}

function checkContext(context: string, path: string, findings: Findings): void {
  if (!findings.fine(path) || isContext(context)) return;
  findings.mistake(
    path,
    `${path} is ${show(context)}; a context has 1 to 79 characters of A-Z a-z 0-9 _ . : + -`,
  );
}

function checkTemplates(
  templates: readonly string[],
  use: TemplateUse,
  rule: string,
  match: Match | undefined,
  findings: Findings,
): void {
  for (const [index, template] of templates.entries()) {
    const path = `${rule}.${use}[${index}]`;
    if (!findings.fine(path)) continue;
    const again = templates.indexOf(template) < index;
    const why = again ? 'is in this list twice' : whyNotTemplate(template, use, match);
    if (why !== undefined) findings.mistake(path, `${path} ${show(template)} ${why}`);
    else if (use === 'channels' && isLocal(template)) {
      findings.warning(
        path,
        `${path} ${show(template)} counts Local channels, which stand for a step of a call, not for a phone; write the phone's device, e.g. PJSIP/${EXT_PLACEHOLDER}`,
      );
    }
  }
}

/** Hints and devices are listed by Asterisk; of a phone without a channel it lists nothing. */
function refusePatterns(match: Match, path: string, findings: Findings): void {
  for (const [index, item] of match.entries()) {
    if (item.kind !== 'pattern') continue;
    const instead = asRange(item.pattern) ?? 'ranges like 1000-1099, or the extensions one by one';
    findings.mistake(
      `${path}[${index}]`,
      `${path} ${show(item.pattern)} is a pattern, and beside channels there is nothing to match it with: no list has the extensions that are in no call; write ${instead}`,
    );
  }
}

/** The one range, or extension, that names the same extensions as the pattern. */
function asRange(pattern: string): string | undefined {
  const { places, open } = readPattern(pattern);
  if (open) return undefined;
  const first = places.map((place) => place.at(0)).join('');
  const last = places.map((place) => place.at(-1)).join('');
  if (first === last) return first;
  if (places.length > MAX_RANGE_DIGITS || !/^\d+$/.test(first)) return undefined;
  const varying = places.slice(places.findIndex((place) => place.length > 1));
  // Digits in a row, and whatever number follows: else there are gaps.
  const whole = varying.every((place, at) => (at === 0 ? DIGITS.includes(place) : place === DIGITS));
  return whole && Number(last) - Number(first) < MAX_RANGE ? `${first}-${last}` : undefined;
}

/** One source per extension: two lines that can name the same one would contradict each other. */
function refuseOverlaps(placed: readonly Placed[], findings: Findings): void {
  let told = 0;
  for (const [index, { path, rule }] of placed.entries()) {
    for (const earlier of placed.slice(0, index)) {
      const witness = overlap(earlier.rule.match, rule.match);
      if (witness === undefined) continue;
      told += 1;
      if (told > MAX_OVERLAPS) return;
      findings.mistake(
        `${path}.match`,
        `${path} and ${earlier.path} (${earlier.rule.where}) can both mean extension ${witness}; an extension has one source, so narrow one of them`,
      );
    }
  }
}
