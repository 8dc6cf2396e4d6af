/**
 * The simulation on the command line (docs/simulation.md):
 *
 *   npm run sim -- --seed 123 [--trace]      one run, and all that happened in it
 *   npm run sim -- --seeds 100000 [--from 5] many; what fails is shrunk and written to --keep FOLDER
 *   npm run sim -- --history FILE [--trace]  one that was kept
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generate } from './generate.ts';
import type { History } from './history.ts';
import { asText, fromText } from './history-file.ts';
import { loadCore, play, realCore } from './run.ts';
import { shrink } from './shrink.ts';
import type { Counts } from './world.ts';

const TELL_EVERY_MS = 5_000;
/** Failures of one law that are shrunk; more are counted. */
const SHRUNK_PER_LAW = 2;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    history: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    keep: { type: 'string' },
    core: { type: 'string' },
  },
});
const core = values.core === undefined ? await realCore() : await loadCore(values.core);

if (values.seeds !== undefined) process.exitCode = many(Number(values.from), Number(values.seeds));
else if (values.seed !== undefined) process.exitCode = one(generate(Number(values.seed)));
else if (values.history !== undefined) {
  process.exitCode = one(fromText(readFileSync(values.history, 'utf8')));
} else {
  console.error(
    'usage: npm run sim -- --seed N | --seeds N [--from N] [--keep FOLDER] | --history FILE  [--trace] [--shrink]',
  );
  process.exitCode = 2;
}

/** One run; with `--trace`, or when it fails, with all that happened. */
function one(history: History): number {
  const first = play(history, { core });
  const shown = first.law !== undefined && values.shrink ? shrink(history, first.law, core) : history;
  if (values.trace || first.law !== undefined) {
    console.log(asText(shown));
    play(shown, { core, say: (text) => console.log(text) });
  }
  console.log(`${first.steps} steps, ${first.ranMs} ms: ${first.text}`);
  return first.law === undefined ? 0 : 1;
}

function many(from: number, count: number): number {
  const counts: Counts = new Map();
  const failures = new Map<string, number[]>();
  const began = performance.now();
  let toldAt = began;
  let [steps, ranMs] = [0, 0];
  for (let seed = from; seed < from + count; seed += 1) {
    const history = generate(seed);
    const outcome = play(history, { core, counts });
    steps += outcome.steps;
    ranMs += outcome.ranMs;
    if (outcome.law !== undefined) {
      const seeds = failures.get(outcome.law) ?? [];
      failures.set(outcome.law, [...seeds, seed]);
      console.log(`seed ${seed}: ${outcome.text}`);
      if (seeds.length < SHRUNK_PER_LAW) keep(history, outcome.law);
    }
    if (performance.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = performance.now();
    tell(seed - from + 1);
  }
  tell(count);
  for (const [what, times] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    console.log(`${String(times).padStart(9)}  ${what}`);
  }
  for (const [law, seeds] of failures)
    console.log(`${law}: ${seeds.length} failures, seeds ${seeds.slice(0, 10)}`);
  return failures.size === 0 ? 0 : 1;

  function tell(done: number): void {
    const seconds = (performance.now() - began) / 1_000;
    const failed = [...failures.values()].reduce((sum, seeds) => sum + seeds.length, 0);
    console.log(
      `${done} seeds in ${seconds.toFixed(1)} s, ${(done / seconds).toFixed(1)} a second; a seed has ` +
        `${(steps / done).toFixed(0)} steps and ${(ranMs / done / 1_000).toFixed(1)} s of its own; ${failed} failed`,
    );
  }
}

function keep(history: History, law: string): void {
  const text = asText(shrink(history, law, core));
  if (values.keep === undefined) return console.log(text);
  mkdirSync(values.keep, { recursive: true });
  const file = join(
    values.keep,
    `${law.replaceAll(/[^a-z0-9]+/gi, '-').replace(/-$/, '')}-${history.seed}.jsonl`,
  );
  writeFileSync(file, text);
  console.log(`  shrunk: ${file}`);
}
