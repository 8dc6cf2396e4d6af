/**
 * Which lamps and presences were left behind. Owns that decision and nothing else: no I/O. In doubt one stays: a row too
 * many costs nothing, and one that is missing shows idle on some phone after the next restart of Asterisk.
 */
import { type Match, matches } from '../core/match.ts';
import type { Kind } from '../core/message.ts';
import type { Listing } from '../core/source.ts';
import type { StateRow } from '../http/contract.ts';
import { foundIn, keyOf, type LampRow, namedByHints, unlistedBeside } from './prune-found.ts';

/** What decides about a lamp, beside Asterisk itself. */
export interface Known {
  /** Of this PBX. */
  readonly tag: string;
  /** Peers → what the running broker believes of them; `unasked`: no broker answers. */
  readonly peers: ReadonlyMap<string, string>;
  /** Tags that once were peers. */
  readonly former: ReadonlySet<string>;
  /** Tags that the admin says were PBXs of this federation. */
  readonly named: ReadonlySet<string>;
  /** Names without a tag that the admin says were lamps. */
  readonly plain: Match;
  /** What the config does with a name without a tag. */
  readonly useOf: (kind: Kind, name: string) => Use | undefined;
  /** The lamps of the running broker, by their keys; absent: no broker answers. */
  readonly lamps?: ReadonlyMap<string, StateRow>;
}

export type Use = 'plain-lamp' | 'exported';

/** Why a lamp was left behind, or why it stays. Closed lists: `--json` gives them. */
export type Left = 'former-peer' | 'named' | 'not-told' | 'plain';
export type Kept = 'own-tag' | 'not-live' | 'unasked' | 'unknown-tag' | 'hint' | 'unsettled' | Use;

/** `told`: by a live peer, so it is in use. */
type Verdict = Left | Kept | 'told';

export interface LeftRow extends LampRow {
  readonly why: Left;
  /** It may show a state that nobody vouches for, and no broker would mind if that was changed. */
  readonly darken: boolean;
}

export interface KeptRow extends LampRow {
  readonly why: Kept;
  /** `extension@context` of a hint that names it. */
  readonly hint?: string;
}

export interface Plan {
  readonly left: readonly LeftRow[];
  readonly kept: readonly KeptRow[];
}

/** What a lamp shows that no broker lights any more. */
const NOTHING: Readonly<Record<Kind, string>> = { device: 'INVALID', presence: 'not_set' };
/** What is shown for nobody there, and says no more than that. */
const DARK: Readonly<Record<Kind, ReadonlySet<string>>> = {
  device: new Set(['INVALID', 'UNAVAILABLE']),
  presence: new Set(['not_set', 'unavailable']),
};

const { compare } = new Intl.Collator('en', { numeric: true });

/**
 * By PBX and extension, 99 before 100, each lamp before its presence; those that a live peer tells are in neither, nor is
 * anything without a tag that the admin did not name.
 */
export function planOf(listing: Pick<Listing, 'devices' | 'presences' | 'hints'>, known: Known): Plan {
  const hints = namedByHints(listing.hints);
  const found = foundIn(listing);
  const listed = new Set(found.map(keyOf));
  const left: LeftRow[] = [];
  const kept: KeptRow[] = [];
  /** True when it was left behind. */
  const judge = (row: LampRow): boolean => {
    const why = whyLeft(row, known, listed.has(keyOf(row)));
    const hint = hints.get(keyOf(row));
    if (why === undefined || why === 'told') return false;
    if (!isLeft(why)) kept.push({ ...row, why });
    else if (hint !== undefined) kept.push({ ...row, why: 'hint', hint });
    else return left.push({ ...row, why, darken: mayDarken(row, known) }) > 0;
    return false;
  };
  for (const row of found) {
    const beside = judge(row) ? unlistedBeside(row) : undefined;
    if (beside !== undefined && !listed.has(keyOf(beside))) judge(beside);
  }
  return { left: sorted(left), kept: sorted(kept) };
}

function sorted<T extends LampRow>(rows: readonly T[]): T[] {
  return rows.toSorted(
    (a, b) =>
      compare(a.pbx ?? '', b.pbx ?? '') || compare(a.extension, b.extension) || compare(a.kind, b.kind),
  );
}

function isLeft(why: Verdict): why is Left {
  return why === 'former-peer' || why === 'named' || why === 'not-told' || why === 'plain';
}

/** `undefined`: it is none of ours. */
function whyLeft(row: LampRow, known: Known, isListed: boolean): Verdict | undefined {
  if (row.pbx === undefined) return matches(known.plain, row.name) ? whyPlainLeft(row, known) : undefined;
  const { tag, peers, former, named, lamps } = known;
  if (row.pbx === tag) return 'own-tag';
  const belief = peers.get(row.pbx);
  const isFormer = former.has(row.pbx);
  if (belief === undefined && !isFormer) return named.has(row.pbx) ? 'named' : 'unknown-tag';
  if (lamps === undefined) return isFormer ? 'former-peer' : 'unasked';
  if (belief !== undefined && belief !== 'live') return 'not-live';
  const its = lamps.get(keyOf(row));
  if (its !== undefined && its.state !== null && !isFormer) return 'told';
  // What the broker is about to write, or has not looked at yet, it would write into the database again. It does not see
  // what Asterisk does not list.
  if ((its !== undefined || isListed) && isUnsettled(row, its)) return 'unsettled';
  return isFormer ? 'former-peer' : 'not-told';
}

function isUnsettled({ state }: LampRow, its: StateRow | undefined): boolean {
  const { desired, written } = its?.lamp ?? { desired: undefined };
  if (desired === undefined) return true;
  return desired !== null && (desired !== written || desired !== state);
}

/** The broker goes on keeping a lamp that was taken out of the config dark, and knows none that it did not light. */
function whyPlainLeft(row: LampRow, { useOf, lamps }: Known): Verdict {
  const { kind, name } = row;
  const its = lamps?.get(keyOf(row));
  const use = useOf(kind, name);
  if (use !== undefined) return use;
  if (its === undefined) return 'plain';
  if (its.lamp?.desired !== NOTHING[kind]) return 'plain-lamp';
  return isUnsettled(row, its) ? 'unsettled' : 'plain';
}

/** A lamp that a running broker keeps right shows what it should, and would be written again if it did not. */
function mayDarken(row: LampRow, { lamps }: Known): boolean {
  const kept = lamps?.get(keyOf(row))?.lamp?.desired ?? null;
  return kept === null && !DARK[row.kind].has(row.state);
}
