// Measures Hintmesh beside what else carries states between Asterisks, and writes docs/performance.md:
// `npm run bench`, in a quarter of an hour; with `-- --quick` roughly, in two minutes; with `-- --only AREA` in part.
// Owns the order of things and the exit code: 1 when something could not be measured, whatever the goals say.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { available } from '../asterisk/available.ts';
import { AREAS } from './areas.ts';
import type { Area, Results } from './contract.ts';
import { machine, today } from './machine.ts';
import { unfit, verdicts, writePage } from './page.ts';
import { begin, load, measured, roundsOf, save } from './run.ts';
import { CannotRun, prosodyRoot } from './sites/prosody-root.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const FULL_ROUNDS = 5;
const QUICK_ROUNDS = 1;

interface Wish {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly rounds: number;
  readonly results: string | undefined;
  readonly page: string | undefined;
  readonly noPage: boolean;
}

function wish(): Wish {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] as string[] },
      rounds: { type: 'string' },
      results: { type: 'string' },
      page: { type: 'string' },
      'no-page': { type: 'boolean', default: false },
    },
  });
  const { quick, only, rounds, results, page } = values;
  const unknown = only.find((name) => !AREAS.some((area) => area.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only ${unknown}: there are ${AREAS.map(({ name }) => name).join(', ')}`);
  }
  const many = rounds === undefined ? (quick ? QUICK_ROUNDS : FULL_ROUNDS) : roundsOf(rounds);
  return { quick, only, rounds: many, results, page, noPage: values['no-page'] };
}

/** Which server stands between the two of `xmpp`, or why there is none. */
async function prosody(): Promise<{ version: string } | { why: string }> {
  try {
    return { version: (await prosodyRoot()).version };
  } catch (error) {
    if (error instanceof CannotRun) return { why: error.message };
    throw error;
  }
}

async function bench(order: Wish): Promise<boolean> {
  const { quick, only, rounds } = order;
  const from = performance.now();
  const asterisks = await available();
  if (asterisks.skip !== false) return false;
  const root = asterisks.roots().forky;
  const server = await prosody();
  const words = { asterisk: root.version, ...('version' in server ? { prosody: server.version } : {}) };
  const notRun = 'why' in server ? { xmpp: server.why } : {};
  const asked = only.length === 0 ? (quick ? AREAS.filter(({ slow }) => slow !== true) : AREAS) : undefined;
  const areas = asked ?? AREAS.filter(({ name }) => only.includes(name));
  const file = order.results ?? join(mkdtempSync(join(tmpdir(), 'hintmesh-bench-')), 'results.json');
  const earlier = only.length === 0 ? undefined : load(file);
  const now = { date: today(), quick, machine: machine(words), notRun };
  let results = begin(
    now,
    areas.map(({ name }) => name),
    earlier,
  );
  console.log(
    `${Object.entries(now.machine)
      .map(([what, is]) => `${what} ${is}`)
      .join(', ')}`,
  );
  for (const [who, why] of Object.entries(notRun)) console.log(`${who} is not run: ${why}`);
  console.log(`results go to ${file}`);
  for (const area of areas) {
    results = await measured(results, { area, rounds, root, say: (text) => console.log(`  ${text}`) });
    save(file, results);
    const { seconds = 0, failed } = results.areas?.[area.name] ?? {};
    console.log(`${area.name}: ${seconds} s${failed === undefined ? '' : `, FAILED: ${failed}`}`);
  }
  sayGoals(results, areas);
  if (!order.noPage) writeUnless(results, file);
  console.log(`${Math.round((performance.now() - from) / 1_000)} s in all`);
  return areas.every(({ name }) => results.areas?.[name]?.failed === undefined);
}

function sayGoals(results: Results, areas: readonly Area[]): void {
  for (const { area, text, figure, met, why } of verdicts(results, areas)) {
    const said = met === undefined ? 'not measured' : met ? 'met' : 'NOT MET';
    console.log(`${said.padEnd(13)} ${area}, ${text}: ${figure}${why === undefined ? '' : `. ${why}`}`);
  }
}

function writeUnless(results: Results, file: string): void {
  const why = unfit(results, AREAS);
  if (why === undefined) {
    writePage(DOCS, results, AREAS);
    console.log('docs/performance.md is written');
  } else {
    console.log(`docs/performance.md stays as it is, for ${why}. To write it all the same: --page ${file}`);
  }
}

/** Of results that there are, measuring nothing. */
function pageOf(file: string): boolean {
  const results = load(file);
  if (results === undefined) throw new Error(`--page ${file}: there is no such file`);
  writePage(DOCS, results, AREAS);
  console.log(`docs/performance.md is written of ${file}`);
  return true;
}

let order: Wish;
try {
  order = wish();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(2);
}
try {
  const good = order.page === undefined ? await bench(order) : pageOf(order.page);
  process.exit(good ? 0 : 1);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
