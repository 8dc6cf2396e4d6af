// The product as it is shipped, built from these sources beside what measures it: a broker of the soak then starts at
// once, and all it holds is its own. Owns the build.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../asterisk/child.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const BUILD_WITHIN_MS = 60_000;

export interface Product {
  readonly main: string;
  /** inside.ts, for `--import`. */
  readonly inside: string;
}

/** `folder` is made; it must not exist. */
export async function build(folder: string): Promise<Product> {
  mkdirSync(folder);
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  copyFileSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  const project = {
    extends: join(REPOSITORY, 'tsconfig.build.json'),
    compilerOptions: { rootDir: REPOSITORY, outDir: folder },
    include: [join(REPOSITORY, 'src')],
    files: [join(REPOSITORY, 'test/soak/inside.ts')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  await run([join(REPOSITORY, 'node_modules/.bin/tsc'), '-p', folder], BUILD_WITHIN_MS);
  return { main: join(folder, 'src/main.js'), inside: join(folder, 'test/soak/inside.js') };
}
