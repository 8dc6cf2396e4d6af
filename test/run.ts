// Runs the suites named on the command line with node's own test runner, one after another, and exits
// non-zero as soon as one fails. Node 20's `--test` takes neither globs nor .ts files by itself, so the
// files are found here.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

interface Suite {
  readonly folders: readonly string[];
  readonly concurrency: number;
  /** Files that load the machine on purpose, or measure how fast something is: one at a time, after the others. */
  readonly alone?: readonly string[];
}

const FOLDERS = ['', 'core', 'sim', 'ami', 'http', 'config', 'cli', 'broker', 'demo', 'fuzz', 'soak'];
const BENCH = ['bench', 'bench/areas', 'bench/driver', 'bench/sites', 'bench/peers'];

const SUITES: Record<string, Suite> = {
  unit: {
    folders: [...FOLDERS, ...BENCH],
    concurrency: 2,
  },
  mesh: { folders: ['mesh'], concurrency: 2 },
  deploy: { folders: ['deploy'], concurrency: 2 },
  asterisk: {
    folders: ['asterisk'],
    concurrency: 2,
    alone: ['chaos.test.ts', 'fire.test.ts', 'prometheus.test.ts', 'standby.test.ts', 'storm.test.ts'],
  },
};

/** The longest suite takes a quarter of an hour; one that hangs must fail, not wait for whoever runs it. */
const SUITE_LIMIT_MS = 45 * 60_000;

function testFiles(folder: string): string[] {
  try {
    return readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
      .map((name) => join(root, folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const wanted = process.argv.slice(2);
if (wanted.length === 0 || wanted.some((name) => !(name in SUITES))) {
  console.error(`usage: run.ts SUITE...   (suites: ${Object.keys(SUITES).join(', ')})`);
  process.exit(2);
}
for (const name of wanted) {
  const suite = SUITES[name];
  if (!suite) continue;
  const files = suite.folders.flatMap(testFiles);
  if (files.length === 0) {
    console.error(`suite ${name}: no test files found, which cannot be right`);
    process.exit(1);
  }
  console.log(`# suite ${name}: ${files.length} files`);
  const isAlone = (file: string): boolean => suite.alone?.includes(basename(file)) === true;
  run(
    name,
    files.filter((file) => !isAlone(file)),
    suite.concurrency,
  );
  run(name, files.filter(isAlone), 1);
}

function run(name: string, files: readonly string[], concurrency: number): void {
  if (files.length === 0) return;
  const args = ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, ...files];
  const { status, error } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: SUITE_LIMIT_MS,
  });
  if (error !== undefined) console.error(`suite ${name}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
