/**
 * The lists `import`, what is taken from the peers, and `plain_lamps`, which of it lights a lamp without a tag too.
 * Owns what a line of them must have. What it calls its extensions is lines.ts's, and that no two lines contradict each
 * other overlaps.ts's.
 */
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import { warnOfIdleLamps, warnOfOpenLamps, warnOfShadowed } from './doubtful.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import { checkNames, checkSize, type Placed, readNaming } from './lines.ts';
import { refuseImportOverlaps, refuseOwnNames, refusePlainOverlaps } from './overlaps.ts';
import { knownPeers, whyNotPeer } from './peer-tags.ts';
import type { Values } from './values.ts';

export function checkImports(values: Values, findings: Findings): ImportRule[] {
  const peers = knownPeers(values, findings);
  const placed: Placed<ImportRule>[] = [];
  for (const [index, line] of values.imports.entries()) {
    const path = `import[${index}]`;
    if (findings.bad(path)) continue;
    const { from } = line;
    if (from !== '') checkFrom(from, path, values, findings);
    const naming = readNaming(line, path, findings);
    if (naming === undefined) continue;
    const rule = { ...(from !== '' && { from }), ...naming, where: findings.where(path) };
    placed.push({ path, rule });
  }
  if (checkSize(placed, 'import', findings)) {
    // Of all peers that it speaks of, the one with the longest tag leaves the least room.
    const longest = peers?.toSorted((a, b) => b.length - a.length)[0];
    const fine = placed.filter(
      (line) => checkNames(line, line.rule.from ?? longest, findings) || line.rule.as === undefined,
    );
    refuseImportOverlaps(fine, findings);
    warnOfShadowed(fine, isBefore, findings);
  }
  return placed.map(({ rule }) => rule);
}

/** Whether the earlier line speaks of every peer that the later one speaks of. */
function isBefore(earlier: ImportRule, later: ImportRule): boolean {
  return earlier.from === undefined || earlier.from === later.from;
}

/** `imports`: what is left of the peers' extensions, and how they are called. */
export function checkPlainLamps(
  values: Values,
  exported: readonly Placed<ExportRule>[],
  imports: readonly ImportRule[],
  findings: Findings,
): PlainRule[] {
  const placed: Placed<PlainRule>[] = [];
  for (const [index, line] of values.plainLamps.entries()) {
    const path = `plain_lamps[${index}]`;
    if (findings.bad(path)) continue;
    checkFrom(line.from, path, values, findings);
    const naming = readNaming(line, path, findings);
    if (naming === undefined) continue;
    placed.push({ path, rule: { from: line.from, ...naming, where: findings.where(path) } });
  }
  if (checkSize(placed, 'plain_lamps', findings)) {
    const fine = placed.filter((line) => checkNames(line, undefined, findings));
    refusePlainOverlaps(fine, findings);
    const own = findings.fine('tag') ? [values.root.tag] : [];
    const tags = [...own, ...(knownPeers(values, findings) ?? [])];
    if (findings.fine('export')) refuseOwnNames(fine, exported, tags, findings);
    warnOfOpenLamps(fine, findings);
    if (findings.fine('import')) warnOfIdleLamps(fine, imports, findings);
  }
  return placed.map(({ rule }) => rule);
}

function checkFrom(from: string, path: string, values: Values, findings: Findings): void {
  const own = findings.fine('tag') ? values.root.tag : undefined;
  const at = `${path}.from`;
  if (!findings.fine(at)) return;
  const why = whyNotPeer(from, own, knownPeers(values, findings));
  if (why !== undefined) findings.mistake(at, `${at} ${show(from)} ${why}`);
}
