// How the broker under test is run: the product as built (`HINTMESH_TEST_BUILT=1`) or its sources, with inside.ts
// loaded before it. Owns that command line.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../asterisk/child.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const INSIDE = fileURLToPath(new URL('./inside.ts', import.meta.url));
const COMPILE_WITHIN_MS = 60_000;

/** To be followed by the broker's own arguments. `folder`: for what must be compiled, once. */
export async function productArgv(folder: string): Promise<string[]> {
  const argv = [process.execPath, '--expose-gc'];
  if (process.env['HINTMESH_TEST_BUILT'] !== '1') {
    return [...argv, '--import', 'tsx', '--import', INSIDE, join(REPOSITORY, 'src/main.ts')];
  }
  return [...argv, '--import', await compiledOnce(join(folder, 'inside')), join(REPOSITORY, 'dist/main.js')];
}

const compilations = new Map<string, Promise<string>>();

/** Several brokers may start at once. */
function compiledOnce(folder: string): Promise<string> {
  const compilation = compilations.get(folder) ?? compiled(folder);
  compilations.set(folder, compilation);
  return compilation;
}

/** The product runs without tsx, so what is loaded into it must not need it either. */
async function compiled(folder: string): Promise<string> {
  const file = join(folder, 'inside.js');
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const project = {
    extends: join(REPOSITORY, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: join(INSIDE, '..'), outDir: folder },
    include: [],
    files: [INSIDE],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  await run([join(REPOSITORY, 'node_modules/.bin/tsc'), '-p', folder], COMPILE_WITHIN_MS);
  return file;
}
