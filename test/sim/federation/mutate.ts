/**
 * Breaks copies of the core, never the core itself, and looks how soon the simulation finds out. On the command line
 * (`npm run sim:mutations`) all of them, as a table; CI takes some.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CoreModule } from './broker.ts';
import { generate } from './generate.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { loadCore, play } from './run.ts';

/** Seeds within which every mutation must be found out. */
export const MUTATION_SEEDS = 1_000;

const PACKAGES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const CORE = fileURLToPath(new URL('../../../src/core', import.meta.url));

export interface Caught {
  readonly seed: number;
  readonly text: string;
  readonly ms: number;
}

/** Undefined: no run of the first {@link MUTATION_SEEDS} finds it out. */
export async function hunt(mutation: Mutation, source = CORE): Promise<Caught | undefined> {
  const began = performance.now();
  const sound = await loadCore(source);
  const folder = mkdtempSync(join(tmpdir(), 'hintmesh-mutation-'));
  try {
    const core = await mutated(mutation, source, folder);
    for (let seed = 0; seed < MUTATION_SEEDS; seed += 1) {
      const { law, text } = play(generate(seed), { core });
      if (law === undefined) continue;
      // What the core itself does wrong proves nothing.
      if (play(generate(seed), { core: sound }).law !== undefined) continue;
      return { seed, text, ms: performance.now() - began };
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The mutated text of the file. Throws when what is to be replaced is not there exactly once. */
export function textOf({ name, file, find, replace }: Mutation, source = CORE): string {
  const text = readFileSync(join(source, file), 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`mutation "${name}": its text is ${times} times in ${file}, not once`);
  return text.replace(find, () => replace);
}

async function mutated(mutation: Mutation, source: string, folder: string): Promise<CoreModule> {
  cpSync(source, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(PACKAGES, join(folder, 'node_modules'));
  writeFileSync(join(folder, mutation.file), textOf(mutation, source));
  return loadCore(folder);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = performance.now();
  console.log(`mutation${' '.repeat(57)}seed      ms  what was found`);
  for (const mutation of MUTATIONS) {
    const caught = await hunt(mutation, process.argv[2]);
    if (caught === undefined) process.exitCode = 1;
    const [seed, ms] = caught ? [caught.seed, caught.ms.toFixed(0)] : ['NOT', ''];
    const text = (caught?.text ?? `not within ${MUTATION_SEEDS} seeds`).split('\n')[0]?.slice(0, 90);
    console.log(`${mutation.name.padEnd(64)} ${String(seed).padStart(4)} ${String(ms).padStart(7)}  ${text}`);
  }
  console.log(`${MUTATIONS.length} mutations, ${((performance.now() - began) / 1_000).toFixed(1)} s`);
}
