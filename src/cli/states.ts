/** `hintmesh states`: what each extension is, and what its lamp shows. Owns which rows are meant, and their form. */
import { visible } from '../config/formats.ts';
import { type Match, matches, parseMatch } from '../core/match.ts';
import { splitLampName, whyNotTag } from '../core/names.ts';
import type { StateRow } from '../http/contract.ts';
import { statesAnswer } from './answers.ts';
import { ask } from './api.ts';
import { type AtBroker, brokerAddress } from './broker-address.ts';
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
  const meant = selection(options);
  const answer = await ask(brokerAddress(options, io), { path: '/api/states' }, statesAnswer);
  const rows = (answer as StateRow[]).filter(meant);
  if (options.json) io.out(printableJson(rows));
  else if (rows.length > 0) io.out(table(COLUMNS, rows.map(cells), paintFor(io)).join('\n'));
  else
    io.err(
      (answer as StateRow[]).length > 0
        ? 'no extension of the broker is meant by that'
        : 'the broker has no extensions',
    );
  return OK;
}

function selection({ pbx, patterns = [] }: StatesOptions): (row: StateRow) => boolean {
  const whyNot = pbx === undefined ? undefined : whyNotTag(pbx);
  if (whyNot !== undefined) throw new Failure(`--pbx ${quoted(pbx)} ${whyNot}`, USAGE);
  const match = readPatterns(patterns);
  const lamps = new Set(patterns.filter((pattern) => splitLampName(pattern) !== undefined));
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

function cells({ pbx, extension, state, lamp }: StateRow): string[] {
  return [pbx, extension, state ?? 'none', lamp ? lampText(lamp) : '-'];
}

/** What it should show; and what Asterisk has, where that is something else. */
function lampText({ desired, written }: NonNullable<StateRow['lamp']>): string {
  if (desired === null) return `left as it is, ${written ?? 'not known'}`;
  return desired === written ? desired : `${desired}, not written yet: ${written ?? 'not known'}`;
}
