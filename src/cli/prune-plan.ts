/**
 * Which lamps were left behind. Owns that decision and nothing else: no I/O. In doubt a lamp stays: a row too many
 * costs nothing, and one that is missing shows idle on some phone after the next restart of Asterisk.
 */
import { lampOfDevice, lampsOfHint } from '../core/names.ts';
import type { Listing } from '../core/source.ts';
import type { DeviceState } from '../core/state.ts';
import type { StateRow } from '../http/contract.ts';

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
  /** The lamps of the running broker, by name; absent: no broker answers. */
  readonly lamps?: ReadonlyMap<string, StateRow>;
}

/** Why a lamp was left behind, or why it stays. Closed lists: `--json` gives them. */
export type Left = 'former-peer' | 'named' | 'not-told';
export type Kept = 'own-tag' | 'not-live' | 'unasked' | 'unknown-tag' | 'hint' | 'unsettled';

/** `told`: by a live peer, so it is in use. */
type Verdict = Left | Kept | 'told';

export interface LampRow {
  readonly name: string;
  readonly pbx: string;
  readonly extension: string;
  /** What Asterisk shows. */
  readonly state: DeviceState;
}

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

const { compare } = new Intl.Collator('en', { numeric: true });

/** Of all devices, the lamps, by PBX and extension, 99 before 100; those that a live peer tells are in neither. */
export function planOf({ devices, hints }: Pick<Listing, 'devices' | 'hints'>, known: Known): Plan {
  const named = new Map<string, string>(
    hints.flatMap(({ hint, extension, context }) =>
      lampsOfHint(hint).map((lamp) => [`${lamp.extension}*${lamp.tag}`, `${extension}@${context}`] as const),
    ),
  );
  const left: LeftRow[] = [];
  const kept: KeptRow[] = [];
  for (const { device, state } of devices) {
    // Brokers write `Custom:`; who spells it otherwise is somebody else.
    const lamp = device.startsWith('Custom:') ? lampOfDevice(device) : undefined;
    if (lamp === undefined) continue;
    const { extension, tag: pbx } = lamp;
    const row: LampRow = { name: `${extension}*${pbx}`, pbx, extension, state };
    const why = whyLeft(row, known);
    const hint = named.get(row.name);
    if (why === 'told') continue;
    if (!isLeft(why)) kept.push({ ...row, why });
    else if (hint !== undefined) kept.push({ ...row, why: 'hint', hint });
    else left.push({ ...row, why, darken: mayDarken(row, known) });
  }
  return { left: sorted(left), kept: sorted(kept) };
}

function sorted<T extends LampRow>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => compare(a.pbx, b.pbx) || compare(a.extension, b.extension));
}

function isLeft(why: Verdict): why is Left {
  return why === 'former-peer' || why === 'named' || why === 'not-told';
}

function whyLeft({ name, pbx, state }: LampRow, { tag, peers, former, named, lamps }: Known): Verdict {
  if (pbx === tag) return 'own-tag';
  const belief = peers.get(pbx);
  const isFormer = former.has(pbx);
  if (belief === undefined && !isFormer) return named.has(pbx) ? 'named' : 'unknown-tag';
  if (lamps === undefined) return isFormer ? 'former-peer' : 'unasked';
  if (belief !== undefined && belief !== 'live') return 'not-live';
  const row = lamps.get(name);
  if (row !== undefined && row.state !== null && !isFormer) return 'told';
  // What the broker is about to write, or has not looked at yet, it would write into the database again.
  const { desired, written } = row?.lamp ?? { desired: undefined };
  if (desired === undefined) return 'unsettled';
  if (desired !== null && (desired !== written || desired !== state)) return 'unsettled';
  return isFormer ? 'former-peer' : 'not-told';
}

/**
 * A lamp that a running broker keeps right shows what it should, and would be written again if it did not. These two
 * states are what a phone shows for nobody there, and say no more than that.
 */
function mayDarken({ name, state }: LampRow, { lamps }: Known): boolean {
  const kept = lamps?.get(name)?.lamp?.desired ?? null;
  return kept === null && state !== 'INVALID' && state !== 'UNAVAILABLE';
}
