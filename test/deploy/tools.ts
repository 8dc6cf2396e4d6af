// Programs that these tests need beside Node: found, or installed where that can be. Owns what they are called,
// where they come from, and the one decision: run, skip (and say so), or fail. Starts none of them.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, runSync } from '../asterisk/child.ts';
import { cacheFolder } from '../asterisk/provision.ts';

/** A slow mirror is given this long, and whoever holds the lock. */
const INSTALL_TIMEOUT_MS = 20 * 60_000;

/**
 * Program → Debian package, and whether it is only unpacked into the cache: installing Prometheus would also
 * start it as a service.
 */
const PACKAGES = {
  promtool: { name: 'prometheus', unpacked: true },
  prometheus: { name: 'prometheus', unpacked: true },
  'systemd-analyze': { name: 'systemd', unpacked: false },
} as const;

export interface Tool {
  /** For node:test: `false`, or why the tests are skipped. */
  readonly skip: false | string;
  readonly path: string;
}

/** With HINTMESH_REQUIRE_ASTERISK=1, which a pipeline sets, nothing may be missing. */
export function missing(why: string): { readonly skip: string } {
  if (process.env['HINTMESH_REQUIRE_ASTERISK'] === '1') throw new Error(why);
  console.log(`${why}; tests of it are skipped`);
  return { skip: why };
}

export async function tool(program: keyof typeof PACKAGES): Promise<Tool> {
  const found = find(program);
  if (found !== undefined) return { skip: false, path: found };
  const { name, unpacked } = PACKAGES[program];
  try {
    const why = whyNotInstalled();
    if (why !== undefined) throw new Error(why);
    console.log(`deploy: getting ${name}`);
    mkdirSync(cacheFolder(), { recursive: true });
    await locked(['apt-get', 'update', '-q']);
    if (unpacked) await unpack(name);
    else await locked(['apt-get', 'install', '-q', '-y', '--no-install-recommends', name]);
  } catch (error) {
    return { ...missing(`there is no ${program} (Debian: ${name}): ${(error as Error).message}`), path: '' };
  }
  const path = find(program);
  return path === undefined
    ? { ...missing(`package ${name} brought no ${program}`), path: '' }
    : { skip: false, path };
}

/** One at a time, also beside provision.ts of the Asterisks: apt-get fails where it would have to wait. */
function locked(argv: readonly string[]): Promise<string> {
  return run(['flock', join(cacheFolder(), 'lock'), ...argv], INSTALL_TIMEOUT_MS);
}

function whyNotInstalled(): string | undefined {
  if (process.getuid?.() !== 0) return 'it can be installed by root only';
  return runSync(['which', 'apt-get', 'dpkg-deb', 'flock', 'setpriv']).ok ? undefined : 'this is no Debian';
}

function find(program: keyof typeof PACKAGES): string | undefined {
  const unpacked = join(cacheFolder(), PACKAGES[program].name, 'usr/bin', program);
  if (existsSync(unpacked)) return unpacked;
  const { ok, out } = runSync(['which', program]);
  return ok ? out : undefined;
}

/** Built under another name and renamed: what has its name is whole. Of two at a time one wins. */
async function unpack(name: string): Promise<void> {
  const building = mkdtempSync(join(cacheFolder(), `${name}.`));
  try {
    // Its own user for downloads may not write here.
    const download = ['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', name];
    await locked(['sh', '-c', 'cd "$0" && exec "$@"', building, ...download]);
    const deb = readdirSync(building).find((file) => file.endsWith('.deb')) ?? '';
    await run(['dpkg-deb', '-x', join(building, deb), join(building, 'root')], INSTALL_TIMEOUT_MS);
    const path = join(cacheFolder(), name);
    try {
      renameSync(join(building, 'root'), path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
