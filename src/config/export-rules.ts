/**
 * The `export` list: each line becomes an ExportRule. Owns what a line must have. What its extensions are called is
 * lines.ts's, that no two lines contradict each other overlaps.ts's, and which devices may stand for one
 * device-templates.ts's.
 */
import { EXT_PLACEHOLDER } from '../core/device-map.ts';
import { type ExportRule, MAX_EXPORTS } from '../core/exports.ts';
import { countNamed, MAX_RANGE, MAX_RANGE_DIGITS, type Match } from '../core/match.ts';
import { isContext } from '../core/names.ts';
import { DIGITS, readPattern } from '../core/pattern.ts';
import type { Renumber } from '../core/renumber.ts';
import { isLocal, type TemplateUse, whyNotPresentity, whyNotTemplate } from './device-templates.ts';
import { warnOfShadowed } from './doubtful.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import { checkNames, checkSize, type Placed, readNaming } from './lines.ts';
import { domainOf, refuseExportOverlaps } from './overlaps.ts';
import { knownPeers, whyNotPeer } from './peer-tags.ts';
import type { ExportValues, Values } from './values.ts';

/** The keys that say where a state comes from: each line has one. */
const SOURCES = ['context', 'device', 'channels', 'mailbox', 'presence'] as const;
const SOURCE_WORDS =
  'its hint (context), its devices (device) or their channels (channels); what a voicemail box (mailbox) or a person (presence) says has a line of its own';

/** A mailbox is told beside the extension of the same number, so it has a name of its own. */
const MAILBOX_NAME: Renumber = { before: 'vm', from: 0, after: '' };

export function checkExports(values: Values, findings: Findings): Placed<ExportRule>[] {
  const { root, exports } = values;
  const tag = findings.fine('tag') ? root.tag : undefined;
  const peers = knownPeers(values, findings);
  const placed: Placed<ExportRule>[] = [];
  for (const [index, line] of exports.entries()) {
    const path = `export[${index}]`;
    const rule = readRule(line, path, findings);
    checkTo(line.to, `${path}.to`, tag, peers, findings);
    if (rule !== undefined) placed.push({ path, rule });
  }
  if (checkSize(placed, 'export', findings)) {
    const fine = placed.filter((line) => checkNames(line, tag, findings) || line.rule.as === undefined);
    refuseExportOverlaps(fine, findings);
    warnOfShadowed(fine, (earlier, later) => domainOf(earlier) === domainOf(later), findings);
  }
  const named = placed.reduce((sum, { rule }) => sum + countNamed(rule.match), 0);
  if (named > MAX_EXPORTS) {
    findings.mistake('export', `export names ${named} extensions; a broker exports at most ${MAX_EXPORTS}`);
  }
  return placed;
}

function readRule(values: ExportValues, path: string, findings: Findings): ExportRule | undefined {
  if (findings.bad(path)) return undefined;
  const given = SOURCES.filter((key) => values[key].length > 0 || !findings.fine(`${path}.${key}`));
  const [source] = given;
  const naming = readNaming(values, path, findings, source === 'mailbox' ? MAILBOX_NAME : undefined);
  if (source === undefined || given.length > 1) {
    const what = source === undefined ? `none of ${SOURCES.join(', ')}` : `both ${given.join(' and ')}`;
    findings.mistake(path, `${path} has ${what}; an extension has one source: ${SOURCE_WORDS}`);
    return undefined;
  }
  checkSource(source, values, naming?.match, path, findings);
  if (naming === undefined) return undefined;
  const { context, device, channels, mailbox, presence, to } = values;
  const line = { ...naming, ...(to.length > 0 && { to }), where: findings.where(path) };
  switch (source) {
    case 'context':
      return { source: 'hint', context, ...line };
    case 'device':
      return { source, devices: device, ...line };
    case 'channels':
      return { source, devices: channels, ...line };
    case 'mailbox':
      return { source, context: mailbox, ...line, as: naming.as ?? MAILBOX_NAME };
    case 'presence':
      return { source, presentity: presence, ...line };
  }
}

function checkSource(
  source: (typeof SOURCES)[number],
  values: ExportValues,
  match: Match | undefined,
  path: string,
  findings: Findings,
): void {
  const { device, channels, presence } = values;
  if (source === 'context' || source === 'mailbox') {
    checkContext(values[source], `${path}.${source}`, source, findings);
  } else if (source === 'presence') {
    const why = findings.fine(`${path}.presence`) ? whyNotPresentity(presence, match) : undefined;
    if (why !== undefined) findings.mistake(`${path}.presence`, `${path}.presence ${show(presence)} ${why}`);
  } else {
    checkTemplates(source === 'device' ? device : channels, source, path, match, findings);
    if (source === 'channels' && match !== undefined) refusePatterns(match, `${path}.match`, findings);
  }
}

function checkContext(
  context: string,
  path: string,
  source: 'context' | 'mailbox',
  findings: Findings,
): void {
  if (!findings.fine(path) || isContext(context)) return;
  const what = source === 'mailbox' ? 'a context of voicemail.conf, like default, has' : 'a context has';
  findings.mistake(path, `${path} is ${show(context)}; ${what} 1 to 79 characters of A-Z a-z 0-9 _ . : + -`);
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
    if (item.kind !== 'pattern' && item.kind !== 'regex') continue;
    const [shown, what] =
      item.kind === 'pattern' ? [item.pattern, 'a pattern'] : [`/${item.source}/`, 'a regular expression'];
    const range = item.kind === 'pattern' ? asRange(item.pattern) : undefined;
    const instead = range ?? 'ranges like 1000-1099, or the extensions one by one';
    findings.mistake(
      `${path}[${index}]`,
      `${path} ${show(shown)} is ${what}, and beside channels there is nothing to match it with: no list has the extensions that are in no call; write ${instead}`,
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

/** Who may see the line: peers, each once. */
function checkTo(
  to: readonly string[],
  path: string,
  own: string | undefined,
  peers: readonly string[] | undefined,
  findings: Findings,
): void {
  for (const [index, tag] of to.entries()) {
    const at = `${path}[${index}]`;
    if (!findings.fine(at)) continue;
    const again = to.indexOf(tag) < index;
    const why = again ? 'is in this list twice' : whyNotPeer(tag, own, peers);
    if (why !== undefined) findings.mistake(at, `${path} ${show(tag)} ${why}`);
  }
}
