/**
 * `hintmesh prune`: rows of Asterisk's database that lamps and presences left behind, of what is no more. Owns
 * the order: what is known first, then what Asterisk has, and nothing is changed unless `--apply` says so.
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, DatabaseError, inDatabase, RemovalForbidden } from '../ami/database.ts';
import type { Config } from '../config/config.ts';
import { variableOf } from '../config/findings.ts';
import { visible } from '../config/formats.ts';
import type { AtBroker } from './broker-address.ts';
import { openConfig, readConfig } from './config-file.ts';
import { FAILED, Failure, type Io, OK } from './io.ts';
import { type LampRow, lampOf } from './prune-found.ts';
import { readPlainOptions, readTagOptions, whatIsKnown } from './prune-known.ts';
import { type Kept, type LeftRow, type Plan, planOf } from './prune-plan.ts';
import { keptLines, labelOf, leftLines, NO_PRESENCES, rowCount, summary } from './prune-text.ts';
import { paintFor, printableJson } from './text.ts';

export interface PruneOptions extends AtBroker {
  readonly apply?: boolean;
  readonly tag?: readonly string[];
  readonly plain?: readonly string[];
  /** Another manager user than the broker's, who has one right more. */
  readonly amiUsername?: string;
  readonly amiSecretFile?: string;
}

/** Of these it is not worth asking whether they have a row. */
const UNASKED: ReadonlySet<Kept> = new Set(['own-tag', 'not-live', 'unasked']);

/** What came of `--apply`. */
interface Outcome {
  readonly removed: readonly LeftRow[];
  /** Why it ended before all were removed. */
  readonly failed?: string;
}

export async function prune(options: PruneOptions, io: Io): Promise<number> {
  const said = { named: readTagOptions(options.tag ?? []), plain: readPlainOptions(options.plain ?? []) };
  const opened = openConfig(readConfig(options.config, environment(options, io)), io);
  if (opened === undefined) return FAILED;
  const { config } = opened;
  const known = await whatIsKnown(options, said, config, io);
  try {
    return await inDatabase(config.ami, async (database) => {
      if (!database.listsPresences) io.err(NO_PRESENCES);
      const plan = await withRows(planOf(database.listing, known), database);
      if (!options.apply) return show(plan, options, io);
      return tell(plan, await remove(plan.left, database, config.lamps), options, io);
    });
  } catch (error) {
    if (error instanceof DatabaseError) throw new Failure(visible(error.message));
    throw error;
  }
}

/** Options go before the environment, which goes before the file; a secret comes by no option. */
function environment({ amiUsername, amiSecretFile }: PruneOptions, { env }: Io): Io['env'] {
  return {
    ...env,
    ...(amiUsername !== undefined && { [variableOf('ami.username')]: amiUsername }),
    ...(amiSecretFile !== undefined && {
      [variableOf('ami.secret')]: undefined,
      [variableOf('ami.secret_file')]: resolve(amiSecretFile),
    }),
  };
}

/** Asterisk lists a device or presence until it restarts, also when its row is gone. */
async function withRows({ left, kept }: Plan, database: Database): Promise<Plan> {
  const isSeen = ({ kind }: LampRow): boolean => kind === 'device' || database.listsPresences;
  const withRow = async <T extends LampRow>(
    rows: readonly T[],
    unasked: (row: T) => boolean,
  ): Promise<T[]> => {
    const found: T[] = [];
    for (const row of rows) {
      if (unasked(row) || (isSeen(row) && (await database.has(lampOf(row))))) found.push(row);
    }
    return found;
  };
  return {
    left: await withRow(left, () => false),
    kept: await withRow(kept, ({ why }) => UNASKED.has(why)),
  };
}

/**
 * One after the other, each answered before the next; where a lamp is written, as slowly as the broker writes: Asterisk
 * passes each change on in threads of its own, and once these are behind, PJSIP does not answer phones. Ends at
 * the first that fails.
 */
async function remove(
  left: readonly LeftRow[],
  database: Database,
  { writesPerSecond }: Config['lamps'],
): Promise<Outcome> {
  const removed: LeftRow[] = [];
  for (const row of left) {
    try {
      await database.remove(lampOf(row), row.darken);
      removed.push(row);
      if (row.darken) await sleep(1_000 / writesPerSecond);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error instanceof RemovalForbidden) throw new Failure(forbidden(error));
      return { removed, failed: `${labelOf(row)} was not removed: ${error.message}` };
    }
  }
  return { removed };
}

function forbidden(error: RemovalForbidden): string {
  return `${visible(error.message)}
  nothing else of Hintmesh needs that: better a second manager user for it alone, as in deploy/manager-prune.conf,
  named with --ami-username and --ami-secret-file; or take the right away again afterwards
  nothing was removed`;
}

function show(plan: Plan, { json }: PruneOptions, io: Io): number {
  if (json) io.out(asJson(plan, []));
  else io.out([...leftLines(plan.left, paintFor(io)), ...keptLines(plan.kept), summary(plan)].join('\n'));
  return OK;
}

function tell(plan: Plan, { removed, failed }: Outcome, { json }: PruneOptions, io: Io): number {
  const lines = [...leftLines(removed, paintFor(io)), ...keptLines(plan.kept)];
  io.out(json ? asJson(plan, removed) : [...lines, `${rowCount(removed.length)} removed`].join('\n'));
  if (failed === undefined) return OK;
  const rest = plan.left.length - removed.length;
  io.err(`${visible(failed)}\n${rowCount(rest)} left behind: try again`);
  return FAILED;
}

function asJson({ left, kept }: Plan, removed: readonly LeftRow[]): string {
  const gone = new Set(removed);
  return printableJson({
    left: left.map((row) => {
      const { darken: _, ...rest } = row;
      return { ...rest, removed: gone.has(row) };
    }),
    kept,
  });
}
