// The Debian root that has the XMPP server prosody. Owns where it is and how it is made: in a root of its own, because
// the package would start a service on this machine. Run by itself under the cache's lock it makes what is missing.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runSync, start } from '../../asterisk/child.ts';
import { cacheFolder } from '../../asterisk/provision.ts';

const SUITE = 'bookworm';
/** Half a minute; a slow mirror is given this long. */
const MAKE_TIMEOUT_MS = 10 * 60_000;

/** Of a contestant that this machine cannot have: the others are measured all the same, and the page says so. */
export class CannotRun extends Error {}

export interface ProsodyRoot {
  readonly path: string;
  /** `0.12.3`. */
  readonly version: string;
}

const rootPath = (): string => join(cacheFolder(), `root-${SUITE}-prosody`);

function find(): ProsodyRoot | undefined {
  const path = rootPath();
  if (!existsSync(path)) return undefined;
  const said = runSync(['chroot', path, 'dpkg-query', '-W', '-f', `\${Version}`, 'prosody']);
  const version = /^(\d[\d.]*)/.exec(said.out)?.[1];
  return said.ok && version !== undefined ? { path, version } : undefined;
}

let found: Promise<ProsodyRoot> | undefined;

/** The root, made when missing, which is tried once. */
export function prosodyRoot(): Promise<ProsodyRoot> {
  found ??= findOrMake();
  return found;
}

/** Of two runs one makes and one waits. */
async function findOrMake(): Promise<ProsodyRoot> {
  const ready = find();
  if (ready) return ready;
  const self = ['--import', 'tsx', fileURLToPath(import.meta.url)];
  const locked = ['flock', join(cacheFolder(), 'lock'), process.execPath, ...self];
  const child = start(locked, { stdio: ['ignore', 'inherit', 'inherit'] });
  await child.exited;
  const made = find();
  if (made) return made;
  throw new CannotRun(`a Debian root with prosody could not be made in ${cacheFolder()}`);
}

/** Built under another name and renamed: a root that has its name is whole. */
async function make(): Promise<void> {
  const path = rootPath();
  const building = `${path}.building`;
  // A mount left inside by a killed run is not followed.
  for (const old of [building, path]) await run(['rm', '-rf', '--one-file-system', old], MAKE_TIMEOUT_MS);
  const options = ['--quiet', '--variant=apt', '--mode=root', '--include=prosody'];
  await run(['mmdebstrap', ...options, SUITE, building], MAKE_TIMEOUT_MS);
  await rename(building, path);
  if (find()) return;
  await rm(path, { recursive: true, force: true });
  throw new Error(`Debian ${SUITE} gave no prosody`);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && find() === undefined) {
  try {
    await make();
  } catch (error) {
    console.error(`prosody: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
