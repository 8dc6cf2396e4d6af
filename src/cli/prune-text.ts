/** What `hintmesh prune` prints of its plan for people. Owns the words. */
import { visible } from '../config/formats.ts';
import type { Kept, KeptRow, Left, LeftRow, Plan } from './prune-plan.ts';
import { type Column, type Paint, table } from './text.ts';

/** Lamps that are named one by one in a line. */
const MAX_NAMED = 8;

const COLUMNS: readonly Column[] = [{ title: 'LAMP' }, { title: 'SHOWS' }, { title: 'WHY' }];

const LEFT: Readonly<Record<Left, (row: LeftRow) => string>> = {
  'former-peer': ({ pbx }) => `${pbx} is no peer any more`,
  named: ({ pbx }) => `--tag ${pbx}`,
  'not-told': ({ pbx, extension }) => `${pbx} is live and has no ${extension}`,
};

/** Of those of one PBX. A hint has a line for each lamp. */
const KEPT: Readonly<Partial<Record<Kept, (pbx: string) => string>>> = {
  'own-tag': (pbx) => `${pbx} is this PBX: no broker wrote these`,
  'not-live': (pbx) => `${pbx} is not live, and only then it is known which extensions it has`,
  unasked: (pbx) => `${pbx} is a peer, and no broker can be asked which extensions it has`,
  'unknown-tag': (pbx) => `no peer of that name is remembered; if it was one: --tag ${pbx}`,
  unsettled: () => 'the broker is just writing them, or has not looked at them yet; try again in a minute',
};

export function leftLines(left: readonly LeftRow[], paint: Paint): string[] {
  if (left.length === 0) return [];
  const cells = left.map((row) => [row.name, row.state, LEFT[row.why](row)]);
  return table(COLUMNS, cells, paint);
}

export function keptLines(kept: readonly KeptRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { why, pbx } of kept) {
    const words = KEPT[why]?.(pbx);
    const of = `of ${pbx}: ${words}`;
    if (words !== undefined) counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  const lines = Array.from(counts, ([of, count]) => `kept: ${lampCount(count)} ${of}`);
  return [...lines, ...hintLines(kept)].map(visible);
}

/** A phone may look at these at any time. */
function hintLines(kept: readonly KeptRow[]): string[] {
  const rows = kept.filter(({ why }) => why === 'hint');
  const lines = rows.slice(0, MAX_NAMED).map(({ name, hint }) => `kept: ${name}: the hint ${hint} names it`);
  const more = rows.length - lines.length;
  return more > 0 ? [...lines, `kept: ${lampCount(more)} more that a hint names`] : lines;
}

export function summary({ left, kept }: Plan): string {
  if (left.length === 0) return kept.length === 0 ? 'nothing was left behind' : 'nothing can be removed';
  return `${rowCount(left.length)} left behind; nothing was changed
to take ${left.length === 1 ? 'it' : 'them'} out of Asterisk's database: --apply, as a manager user with write=system`;
}

export function rowCount(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

function lampCount(count: number): string {
  return count === 1 ? '1 lamp' : `${count} lamps`;
}
