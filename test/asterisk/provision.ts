// Makes and finds the real Asterisks: one Debian root for each version, in a cache outside the checkout.
// Owns the cache's layout and lock; starts no Asterisk. Run by itself (`node --import tsx provision.ts`) it
// makes what is missing, so that the tests need not.
import { accessSync, existsSync, mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runSync, start } from './child.ts';

/** Debian suites, newer Asterisk first: what each ships is told by the root itself (22.10 and 16.28 once). */
export const SUITES = ['forky', 'bullseye'] as const;
export type Suite = (typeof SUITES)[number];

export interface Root {
  readonly suite: Suite;
  readonly path: string;
  /** As `asterisk -V` in the root says, without the distribution's suffix: `22.10.1`. */
  readonly version: string;
}

export type Roots = Readonly<Record<Suite, Root>>;

/** Making one root takes half a minute to a minute; a slow mirror is given this long. */
const MAKE_TIMEOUT_MS = 15 * 60_000;

/** Programs the tests use, and the packages that bring them. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['mmdebstrap', 'mmdebstrap'],
  ['sipp', 'sip-tester'],
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export function cacheFolder(): string {
  return process.env['HINTMESH_ASTERISK_CACHE'] ?? '/var/cache/hintmesh';
}

function has(program: string): boolean {
  return runSync(['which', program]).ok;
}

/** Why real Asterisks cannot be had here, or `undefined` when they can. Makes nothing. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'they need Linux';
  if (process.getuid?.() !== 0) return 'they need root, for chroot and network namespaces';
  if (!runSync(['unshare', '--mount', '--net', 'true']).ok) return 'they need to make network namespaces';
  if (!has('setpriv')) return 'they need setpriv (package util-linux)';
  if (missingPackages().length > 0 && !has('apt-get')) {
    return `they need ${missingPackages().join(', ')}, and there is no apt-get to install them`;
  }
  return undefined;
}

function missingPackages(): string[] {
  const missing = PROGRAMS.filter(([program]) => !has(program)).map(([, name]) => name);
  return existsSync(KEYRING) ? missing : [...missing, 'debian-archive-keyring'];
}

/** Debian 11 has voicemail in a package of its own, of which the newest version is not always there to be had. */
const VOICEMAIL = 'asterisk-voicemail';

function hasVoicemail({ path }: Root): boolean {
  const modules = ['usr/lib/asterisk/modules', 'usr/lib/x86_64-linux-gnu/asterisk/modules'];
  return modules.some((folder) => existsSync(join(path, folder, 'app_voicemail.so')));
}

/** Puts the module of the newest version that can be had beside the others: all are of one upstream version. */
async function addVoicemail({ path }: Root): Promise<void> {
  const inside = (command: string): Promise<string> =>
    run(['chroot', path, 'sh', '-c', command], MAKE_TIMEOUT_MS);
  // An old suite's release file has expired, as below.
  await inside('apt-get -q -o Acquire::Check-Valid-Until=false update');
  await inside(`cd /root && for version in $(apt-cache madison ${VOICEMAIL} | awk '{ print $3 }'); do
    apt-get -q download ${VOICEMAIL}="$version" && dpkg-deb -x ${VOICEMAIL}_*.deb / && exec rm ${VOICEMAIL}_*.deb
  done; exit 1`);
}

function find(suite: Suite): Root | undefined {
  const path = join(cacheFolder(), `root-${suite}`);
  if (!existsSync(path)) return undefined;
  const version = /^Asterisk (\d[\w.]*)/.exec(runSync(['chroot', path, 'asterisk', '-V']).out)?.[1];
  return version === undefined ? undefined : { suite, path, version };
}

/** Both roots, when both are there and work. */
export function findRoots(): Roots | undefined {
  const forky = find('forky');
  const bullseye = find('bullseye');
  return forky && bullseye ? { forky, bullseye } : undefined;
}

/**
 * Both roots, made when missing. What is missing is made by a process of its own under `flock`, so that of
 * two runs one makes and one waits, and a killed run leaves no lock behind. Fails with the reason.
 */
export async function provision(say: (line: string) => void): Promise<Roots> {
  const ready = findRoots();
  if (ready && Object.values(ready).every(hasVoicemail) && missingPackages().length === 0) return ready;
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  accessSync(cache);
  say(`asterisk: provisioning into ${cache}`);
  const self = fileURLToPath(import.meta.url);
  const node = [process.execPath, '--import', 'tsx', self, '--locked'];
  const child = start(['flock', join(cache, 'lock'), ...node], { stdio: ['ignore', 'inherit', 'inherit'] });
  const exit = await child.exited;
  const made = findRoots();
  if (exit.code === 0 && made) return made;
  throw new Error(`provisioning the real Asterisks failed (${exit.signal ?? `exit ${exit.code}`})`);
}

/** Everything that is missing, one line a step. Only under the lock. */
async function makeAll(say: (line: string) => void): Promise<void> {
  const packages = missingPackages();
  if (packages.length > 0) {
    say(`asterisk: installing ${packages.join(' ')}`);
    await run(['apt-get', 'update', '-q'], MAKE_TIMEOUT_MS);
    await run(['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...packages], MAKE_TIMEOUT_MS);
  }
  for (const suite of SUITES) {
    const root = find(suite) ?? (await make(suite, say));
    if (!hasVoicemail(root)) {
      say(`asterisk: adding voicemail to ${root.path}`);
      await addVoicemail(root);
    }
    say(`asterisk: ${root.path} has Asterisk ${root.version}`);
  }
}

/** Built under another name and renamed when it works: a root that has its name is whole. */
async function make(suite: Suite, say: (line: string) => void): Promise<Root> {
  const path = join(cacheFolder(), `root-${suite}`);
  const building = `${path}.building`;
  // Only what this file made has these names; a mount left inside by a killed run is not followed.
  for (const old of [building, path]) await run(['rm', '-rf', '--one-file-system', old], MAKE_TIMEOUT_MS);
  say(`asterisk: making ${path} from Debian ${suite}; this takes about a minute`);
  await run(
    [
      'mmdebstrap',
      '--quiet',
      '--variant=apt',
      '--mode=root',
      // An old suite's release file has expired; its signature is checked all the same.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      '--include=asterisk,asterisk-modules,asterisk-config,iproute2,procps',
      suite,
      building,
    ],
    MAKE_TIMEOUT_MS,
  );
  await rename(building, path);
  const root = find(suite);
  if (root) return root;
  await rm(path, { recursive: true, force: true });
  throw new Error(`Debian ${suite} gave no working Asterisk`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (line: string): void => console.log(line);
  try {
    const why = whyNot();
    if (why !== undefined) throw new Error(`real Asterisks cannot be had here: ${why}`);
    if (process.argv[2] === '--locked') await makeAll(say);
    else for (const root of Object.values(await provision(say))) say(`${root.path}: ${root.version}`);
  } catch (error) {
    console.error(`asterisk: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
