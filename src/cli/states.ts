/** `hintmesh states`: what each extension is, and what its lamp shows. Owns which rows are meant, and their form. */
import { visible } from '../config/formats.ts';
import { type Match, matches, parseMatch } from '../core/match.ts';
import { splitLampName, whyNotTag } from '../core/names.ts';
import type { StateRow, Status } from '../http/contract.ts';
import { statesAnswer, statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { type Address, type AtBroker, brokerAddress } from './broker-address.ts';
import { Failure, type Io, OK, USAGE } from './io.ts';
import { type Column, paintFor, printableJson, table } from './text.ts';

export interface StatesOptions extends AtBroker {
  readonly pbx?: string;
  /** Extensions as `match:` of a config names them, or lamps by name; none: all. */
  readonly patterns?: readonly string[];
}

const COLUMNS: readonly Column[] = [
  { title: 'PBX' },
  { title: 'EXTENSION' },
  { title: 'STATE' },
  { title: 'LAMP' },
];

export async function states(options: StatesOptions, io: Io): Promise<number> {
  const { pbx, patterns = [] } = options;
  const meant = selection(options);
  const address = brokerAddress(options, io);
  const all = (await ask(address, { path: '/api/states' }, statesAnswer)) as StateRow[];
  const rows = all.filter(meant);
  if (pbx !== undefined && !all.some((row) => row.pbx === pbx)) await mustBeKnown(pbx, address);
  if (options.json) io.out(printableJson(rows));
  else if (rows.length > 0) io.out(table(COLUMNS, sorted(rows).map(cells), paintFor(io)).join('\n'));
  else io.err(`no extension${pbx === undefined ? '' : ` of ${pbx}`} ${nothing(patterns)}`);
  return OK;
}

function nothing(patterns: readonly string[]): string {
  return patterns.length > 0 ? `matches ${patterns.map(quoted).join(' ')}` : 'is known';
}

/** Of a PBX that has no extensions: is it one of those the broker knows? */
async function mustBeKnown(pbx: string, address: Address): Promise<void> {
  const { pbx: own, peers } = (await ask(address, { path: '/api/status' }, statusAnswer)) as Status;
  const tags = [own, ...peers.map(({ peer }) => peer)];
  if (tags.includes(pbx)) return;
  const others = tags.length > 1 ? `its peers are ${tags.slice(1).join(', ')}` : 'it has no peers';
  throw new Failure(visible(`there is no peer ${pbx}: this PBX is ${own}, and ${others}`));
}

function selection({ pbx, patterns = [] }: StatesOptions): (row: StateRow) => boolean {
  const whyNot = pbx === undefined ? undefined : whyNotTag(pbx);
  if (whyNot !== undefined) throw new Failure(`--pbx ${quoted(pbx)} ${whyNot}`, USAGE);
  const match = readPatterns(patterns);
  const lamps = new Set(patterns);
  return ({ pbx: tag, extension, lamp }) => {
    if (pbx !== undefined && tag !== pbx) return false;
    return patterns.length === 0 || matches(match, extension) || (lamp !== undefined && lamps.has(lamp.name));
  };
}

function readPatterns(patterns: readonly string[]): Match {
  const parsed = parseMatch(patterns);
  if (parsed.ok) return parsed.match;
  throw new Failure(
    parsed.mistakes.map(({ index, why }) => `${quoted(patterns[index])} ${why}`).join('\n'),
    USAGE,
  );
}

function quoted(text: string | undefined): string {
  return visible(JSON.stringify(text));
}

const { compare } = new Intl.Collator('en', { numeric: true });

/** Ours first; then by PBX and extension, 99 before 100. */
function sorted(rows: readonly StateRow[]): StateRow[] {
  const rank = ({ lamp }: StateRow): number => (lamp === undefined ? 0 : 1);
  return rows.toSorted(
    (a, b) => rank(a) - rank(b) || compare(a.pbx, b.pbx) || compare(a.extension, b.extension),
  );
}

/** The words are told by `--help` (program.ts). */
function cells({ pbx, kind, extension, state, lamp }: StateRow): string[] {
  const plain = lamp === undefined || splitLampName(lamp.name)?.tag === pbx ? '' : ` (lamp ${lamp.name})`;
  const what = kind === 'device' ? '' : ` ${kind}`;
  return [pbx, `${extension}${what}${plain}`, state ?? 'not told', lamp ? lampText(lamp) : '-'];
}

function lampText({ desired, written }: NonNullable<StateRow['lamp']>): string {
  if (desired === null) return written === null ? 'stays as it is' : `stays ${written}`;
  if (desired === written) return desired;
  return `should be ${desired}; ${written === null ? "Asterisk's state is not known" : `is ${written}`}`;
}
