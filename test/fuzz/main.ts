/**
 * Fuzzing on the command line:
 *
 *   npm run fuzz -- --inputs 1000000 [--seed N] [--kind mesh|ami]    what fails is written to --keep FOLDER
 *   npm run fuzz -- --replay FILE
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kind } from './generate.ts';
import { asText, fromText } from './input.ts';
import { attempt, type Failure, MEMORY_MARGIN, memory, run } from './run.ts';
import { loadSource } from './source.ts';

const MIB = 1024 * 1024;
/** Kinds take turns, so that memory is compared between like and like. */
const ROUNDS = 10;
/** An input of AMI often ends a session, and the next one must be up before the next input. */
const SHARES: Readonly<Record<Kind, number>> = { mesh: 0.85, ami: 0.15 };

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    kind: { type: 'string' },
    keep: { type: 'string', default: '.' },
    replay: { type: 'string' },
    source: { type: 'string' },
  },
});
for (const text of [values.inputs, values.seed ?? '0']) {
  if (/^[1-9]\d*$|^0$/.test(text)) continue;
  console.error(`"${text}" is no number`);
  process.exit(2);
}
const source = await loadSource(values.source);
process.exitCode =
  values.replay === undefined
    ? await many(Number(values.inputs), Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)))
    : await again(values.replay);

async function again(file: string): Promise<number> {
  const why = await attempt(fromText(readFileSync(file, 'utf8')), source);
  console.log(why ?? 'nothing fails');
  return why === undefined ? 0 : 1;
}

async function many(inputs: number, seed: number): Promise<number> {
  const one = values.kind === 'mesh' || values.kind === 'ami' ? values.kind : undefined;
  const kinds: readonly Kind[] = one ? [one] : ['mesh', 'ami'];
  const seen: Record<string, number> = {};
  const rss: number[] = [];
  let [tried, slowestMs] = [0, 0];
  const began = performance.now();
  const tell = (): void => {
    const { rss: now, heap } = memory();
    rss.push(now);
    const seconds = (performance.now() - began) / 1_000;
    const rate = tried === 0 ? '' : `, ${(tried / seconds).toFixed(0)}/s, slowest ${slowestMs.toFixed(0)} ms`;
    const sizes = `RSS ${(now / MIB).toFixed(0)} MiB, heap ${(heap / MIB).toFixed(0)} MiB`;
    console.log(`${String(tried).padStart(9)} inputs in ${seconds.toFixed(0)} s${rate}; ${sizes}`);
  };
  console.log(`seed ${seed}`);
  tell();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of kinds) {
      const share = Math.ceil((inputs * (one ? 1 : SHARES[kind])) / ROUNDS);
      const outcome = await run(kind, seed * ROUNDS + round, share, source);
      tried += outcome.tried;
      slowestMs = Math.max(slowestMs, outcome.slowestMs);
      for (const [what, times] of Object.entries(outcome.seen)) {
        seen[`${kind}: ${what}`] = (seen[`${kind}: ${what}`] ?? 0) + times;
      }
      if (outcome.failure) return keep(outcome.failure, seed);
    }
    tell();
  }
  for (const [what, times] of Object.entries(seen).sort())
    console.log(`${String(times).padStart(9)}  ${what}`);
  // The first tenth warms up: code is compiled, heaps find their size.
  const grown = (rss.at(-1) ?? 0) - (rss[1] ?? 0);
  console.log(
    `after the first tenth RSS grew by ${(grown / MIB).toFixed(1)} MiB; ${MEMORY_MARGIN / MIB} are allowed`,
  );
  return grown > MEMORY_MARGIN ? 1 : 0;
}

function keep({ why, inputs, isShown }: Failure, seed: number): number {
  mkdirSync(values.keep, { recursive: true });
  const file = join(values.keep, `fuzz-${seed}.hex`);
  writeFileSync(file, asText(inputs));
  const how = isShown ? `npm run fuzz -- --replay ${file}` : `it does not fail again by itself; see ${file}`;
  console.log(`${why}\n${inputs.length} inputs: ${how}`);
  return 1;
}
