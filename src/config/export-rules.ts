/**
 * The `export` list: each line becomes an ExportRule. Owns what a line must have, which devices may stand for
 * an extension, and that no two lines mean the same extension.
 */
import { EXT_PLACEHOLDER, type ExportRule, MAX_EXPORTS } from '../core/exports.ts';
import { countNamed, type Match, overlap, parseMatch, shortestLength } from '../core/match.ts';
import { isContext, lampOfDevice, MAX_LAMP_NAME } from '../core/names.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import type { ExportValues, Values } from './values.ts';

/** Asterisk cuts device names at 79 characters (main/devicestate.c). */
const MAX_DEVICE = 79;
/** Items of all matches together, and patterns and ranges among them: every two of them are compared. */
const MAX_ITEMS = 10_000;
const MAX_WIDE_ITEMS = 2_000;
/** Pairs of rules that are told to overlap; one slip can make thousands. */
const MAX_OVERLAPS = 50;
const DEVICE = /^[A-Za-z][^\s,&()\p{Cc}\p{Z}]*[/:][^\s,&()\p{Cc}\p{Z}]+$/u;

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
  { context, device, match: items }: ExportValues,
  path: string,
  tag: string | undefined,
  findings: Findings,
): ExportRule | undefined {
  if (findings.bad(path)) return undefined;
  const match = readMatch(items, `${path}.match`, tag, findings);
  const isHint = context !== '' || !findings.fine(`${path}.context`);
  const isDevice = device.length > 0 || !findings.fine(`${path}.device`);
  if (isHint === isDevice) {
    const what = isHint ? 'both a context and a device' : 'neither a context nor a device';
    findings.mistake(
      path,
      `${path} has ${what}; an extension has one source: its hint (context) or its devices (device)`,
    );
  }
  if (isHint) checkContext(context, `${path}.context`, findings);
  for (const [index, template] of device.entries()) {
    checkDevice(template, `${path}.device[${index}]`, device.indexOf(template) < index, match, findings);
  }
  if (match === undefined || !findings.fine(path)) return undefined;
  const where = findings.where(path);
  return isHint
    ? { source: 'hint', context, match, where }
    : { source: 'device', devices: device, match, where };
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

function checkDevice(
  template: string,
  path: string,
  again: boolean,
  match: Match | undefined,
  findings: Findings,
): void {
  if (!findings.fine(path)) return;
  const why = again ? 'is in this list twice' : whyNotDevice(template, match);
  if (why !== undefined) findings.mistake(path, `${path} ${show(template)} ${why}`);
}

function whyNotDevice(template: string, match: Match | undefined): string | undefined {
  const [before = '', after, ...more] = template.split(EXT_PLACEHOLDER);
  if (more.length > 0)
    return `has ${EXT_PLACEHOLDER} more than once; once is enough to stand for the extension`;
  if (/[{}]/.test(before + (after ?? ''))) return `has a "{" or "}" other than ${EXT_PLACEHOLDER}`;
  if (after === undefined && match !== undefined && !isSingle(match)) {
    return `has no ${EXT_PLACEHOLDER}, so every extension of the match would have the same state; write e.g. PJSIP/${EXT_PLACEHOLDER}, or match one extension only`;
  }
  const device = template.replace(EXT_PLACEHOLDER, '1');
  if (lampOfDevice(device) !== undefined) {
    return 'is a lamp (Custom:EXT*tag), the mirror of another PBX; exporting it would send a state back in a circle';
  }
  if (device.length > MAX_DEVICE || !DEVICE.test(device)) {
    return `is no device; a device is like PJSIP/${EXT_PLACEHOLDER} or Custom:name, at most ${MAX_DEVICE} characters, no blanks and none of , & ( )`;
  }
  return undefined;
}

function isSingle(match: Match): boolean {
  return match.every((item) => item.kind !== 'pattern') && countNamed(match) === 1;
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
