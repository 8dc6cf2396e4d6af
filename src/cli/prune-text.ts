/** What `hintmesh prune` prints of its plan for people. Owns the words. */
import { visible } from '../config/formats.ts';
import type { LampRow } from './prune-found.ts';
import type { Kept, KeptRow, Left, LeftRow, Plan } from './prune-plan.ts';
import { type Column, type Paint, table } from './text.ts';

/** Lamps that are named one by one in a line. */
const MAX_NAMED = 8;

const COLUMNS: readonly Column[] = [{ title: 'LAMP' }, { title: 'SHOWS' }, { title: 'WHY' }];

const LEFT: Readonly<Record<Left, (row: LeftRow) => string>> = {
  'former-peer': ({ pbx }) => `${pbx} is no peer any more`,
  named: ({ pbx }) => `--tag ${pbx}`,
  'not-told': ({ kind, pbx, extension }) =>
    `${pbx} is live and ${kind === 'device' ? `has no ${extension}` : `tells no presence of ${extension}`}`,
  plain: () => '--plain, and no line of plain_lamps: gives it',
};

export const NO_PRESENCES =
  'this Asterisk has no PresenceStateList (13 and later, with res_manager_presencestate): presences are not looked at';

/** Of those of one PBX, or without a tag. A hint has a line for each lamp. */
const KEPT: Readonly<Partial<Record<Kept, (pbx: string) => string>>> = {
  'own-tag': (pbx) => `${pbx} is this PBX: no broker wrote these`,
  'not-live': (pbx) => `${pbx} is not live, and only then it is known which extensions it has`,
  unasked: (pbx) => `${pbx} is a peer, and no broker can be asked which extensions it has`,
  'unknown-tag': (pbx) => `no peer of that name is remembered; if it was one: --tag ${pbx}`,
  unsettled: () => 'the broker is just writing them, or has not looked at them yet; try again in a minute',
  'plain-lamp': () =>
    'plain_lamps: gives them, or the running broker lights them; if not for good, take the line out and reload first',
  exported: () => 'an export line takes states of this PBX from them',
};

/** `1001*spb`, `1001*spb presence`. */
export function labelOf({ kind, name }: LampRow): string {
  return kind === 'device' ? name : `${name} ${kind}`;
}

export function leftLines(left: readonly LeftRow[], paint: Paint): string[] {
  if (left.length === 0) return [];
  const cells = left.map((row) => [labelOf(row), row.state, LEFT[row.why](row)]);
  return table(COLUMNS, cells, paint);
}

export function keptLines(kept: readonly KeptRow[]): string[] {
  const groups = new Map<string, KeptRow[]>();
  for (const row of kept) {
    const words = KEPT[row.why]?.(row.pbx ?? '');
    const of = `${row.pbx === undefined ? 'without a tag' : `of ${row.pbx}`}: ${words}`;
    if (words === undefined) continue;
    const group = groups.get(of);
    if (group === undefined) groups.set(of, [row]);
    else group.push(row);
  }
  const lines = Array.from(groups, ([of, rows]) => `kept: ${countOf(rows)} ${of}`);
  return [...lines, ...hintLines(kept)].map(visible);
}

/** A phone may look at these at any time. */
function hintLines(kept: readonly KeptRow[]): string[] {
  const rows = kept.filter(({ why }) => why === 'hint');
  const lines = rows.slice(0, MAX_NAMED).map((row) => `kept: ${labelOf(row)}: the hint ${row.hint} names it`);
  const more = rows.slice(MAX_NAMED);
  return more.length > 0 ? [...lines, `kept: ${countOf(more)} more that a hint names`] : lines;
}

export function summary({ left, kept }: Plan): string {
  if (left.length === 0) return kept.length === 0 ? 'nothing was left behind' : 'nothing can be removed';
  return `${rowCount(left.length)} left behind; nothing was changed
to take ${left.length === 1 ? 'it' : 'them'} out of Asterisk's database: --apply, as a manager user with write=system`;
}

export function rowCount(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

/** `3 lamps and 1 presence` */
function countOf(rows: readonly LampRow[]): string {
  const lamps = rows.filter(({ kind }) => kind === 'device').length;
  const presences = rows.length - lamps;
  return [
    ...(lamps > 0 ? [lamps === 1 ? '1 lamp' : `${lamps} lamps`] : []),
    ...(presences > 0 ? [presences === 1 ? '1 presence' : `${presences} presences`] : []),
  ].join(' and ');
}
