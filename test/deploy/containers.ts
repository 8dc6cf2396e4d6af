// What compose.yaml runs, as processes of this machine: `init`, and for each PBX an Asterisk and a broker that
// share a network namespace. Owns their files and their life. What images would be is a Debian root and the
// compiled program; the entry points are those of the Dockerfiles.

import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, type Exit, run, runSync, start } from '../asterisk/child.ts';
import { type Namespace, TwoHosts } from '../asterisk/net.ts';
import type { Root } from '../asterisk/provision.ts';
import { until } from '../until.ts';
import { build } from './systemd-host.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CONTAINER = fileURLToPath(new URL('asterisk-container.sh', import.meta.url));
const START_TIMEOUT_MS = 30_000;

export const TAGS = ['msk', 'spb'] as const;
export type Tag = (typeof TAGS)[number];

/**
 * What Docker gives the empty volumes before any container runs, though they are mounted read-only: owner, group
 * and mode of the folder in the image.
 */
const IMAGE_FOLDERS = [
  { of: 'hintmesh', dockerfile: 'deploy/docker/Dockerfile', folder: '/etc/hintmesh' },
  { of: 'asterisk', dockerfile: 'deploy/docker/asterisk/Dockerfile', folder: '/etc/asterisk/site' },
] as const;
/** Users of the images; `asterisk` has another number in the root that stands for its image. */
const NUMBERS: Readonly<Record<string, number>> = { root: 0, node: 1000, asterisk: 5060 };
/** Root of `init`, as compose.yaml has it. */
const ONLY_CHOWN = ['setpriv', '--bounding-set=-all,+chown', '--inh-caps=-all', '--no-new-privs'] as const;

/** The JSON form of ENTRYPOINT or CMD in a Dockerfile, the last one. */
export function argvOf(dockerfile: string, name: 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK'): string[] {
  const text = readFileSync(join(REPOSITORY, dockerfile), 'utf8').replace(/\\\n/g, ' ');
  const line = text.match(new RegExp(`^${name} .*$`, 'gm'))?.at(-1);
  return JSON.parse(line?.slice(line.indexOf('[')) ?? 'null') as string[];
}

/** From `install -d` in a Dockerfile. */
function ownerOf(dockerfile: string, folder: string): { owner: number; group: number; mode: number } {
  const text = readFileSync(join(REPOSITORY, dockerfile), 'utf8');
  const line = new RegExp(`install -d -m (\\d+) -o (\\w+) -g (\\w+).* ${folder}\\b`);
  const [, mode = '', owner = '', group = ''] = line.exec(text) ?? [];
  return { owner: NUMBERS[owner] ?? NaN, group: NUMBERS[group] ?? NaN, mode: Number.parseInt(mode, 8) };
}

export class Containers {
  readonly #root: Root;
  readonly #folder: string;
  readonly #hosts = new TwoHosts();
  readonly #children = new Map<string, Child>();

  constructor(root: Root) {
    this.#root = root;
    this.#folder = mkdtempSync(join(tmpdir(), 'hintmesh-containers-'));
  }

  /** Compiles the program and makes the volumes, empty. */
  async open(): Promise<void> {
    const program = this.#program;
    await build(program);
    symlinkSync(join(REPOSITORY, 'node_modules'), join(program, 'node_modules'));
    mkdirSync(join(this.#folder, 'bin'));
    symlinkSync(join(program, 'dist/main.js'), join(this.#folder, 'bin/hintmesh'));
    // What the image has at /opt/hintmesh, as far as it is run here.
    cpSync(join(REPOSITORY, 'deploy'), join(program, 'deploy'), { recursive: true });
    cpSync(join(REPOSITORY, 'dialplan'), join(program, 'dialplan'), { recursive: true });
    for (const tag of TAGS) {
      mkdirSync(this.volume(tag, 'state'), { recursive: true });
      for (const { of, dockerfile, folder } of IMAGE_FOLDERS) {
        const { owner, group, mode } = ownerOf(dockerfile, folder);
        mkdirSync(this.volume(tag, of));
        chownSync(this.volume(tag, of), owner, group);
        chmodSync(this.volume(tag, of), mode);
      }
    }
    await this.#hosts.open();
    const names = [
      `${this.#host('msk').peerAddress} msk`,
      `${this.#host('spb').peerAddress} spb`,
      '127.0.0.1 localhost',
    ];
    writeFileSync(join(this.#folder, 'hosts'), `${names.join('\n')}\n`);
  }

  volume(tag: Tag, of: string): string {
    return join(this.#folder, 'setup', `${tag}-${of}`);
  }

  #host(tag: Tag): Namespace {
    return tag === 'msk' ? this.#hosts.a : this.#hosts.b;
  }

  /** Of its interface, as this process sees it. */
  address(tag: Tag): string {
    return this.#host(tag).address;
  }

  get #program(): string {
    return join(this.#folder, 'program');
  }

  get #path(): string {
    return `${join(this.#folder, 'bin')}:${process.env['PATH']}`;
  }

  /** The service `init`, with the capability that it has; returns what it printed. */
  init(): Promise<string> {
    const { uid, gid } = this.asteriskUser;
    // The test's own variables are not in a container: as settings of the broker they would be strange.
    const env = ['-u', 'HINTMESH_REQUIRE_ASTERISK', `PATH=${this.#path}`, `ASTERISK_USER=${uid}:${gid}`];
    const script = join(this.#program, 'deploy/docker/init.sh');
    const argv = ['env', ...env, 'sh', script, join(this.#folder, 'setup'), this.#program];
    return run([...ONLY_CHOWN, ...argv], START_TIMEOUT_MS);
  }

  /** In the root that stands for its image. */
  get asteriskUser(): { readonly uid: number; readonly gid: number } {
    const id = (flag: string): number =>
      Number(runSync(['chroot', this.#root.path, 'id', flag, 'asterisk']).out);
    return { uid: id('-u'), gid: id('-g') };
  }

  /** `hintmesh` in the container of a broker. */
  hintmesh(tag: Tag, ...args: string[]): { ok: boolean; out: string } {
    const config = join(this.volume(tag, 'hintmesh'), 'hintmesh.yaml');
    return runSync([...this.#inside(tag), 'hintmesh', ...args, '-c', config]);
  }

  /** HEALTHCHECK of the broker's image. */
  health(tag: Tag): { ok: boolean; out: string } {
    const config = join(this.volume(tag, 'hintmesh'), 'hintmesh.yaml');
    const argv = argvOf('deploy/docker/Dockerfile', 'HEALTHCHECK').map((arg) =>
      arg.replace('/opt/hintmesh', this.#program),
    );
    return runSync([...this.#inside(tag), ...argv, config]);
  }

  /** Where the volumes lie here stands in the environment; in the containers it is the default. */
  #inside(tag: Tag): string[] {
    const hosts = join(this.#folder, 'hosts');
    const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const env = [
      'env',
      '-u',
      'HINTMESH_REQUIRE_ASTERISK',
      `PATH=${this.#path}`,
      `HINTMESH_STATE_DIR=${this.volume(tag, 'state')}`,
    ];
    return [...this.#host(tag).enter, 'unshare', '--mount', 'sh', '-c', mount, hosts, ...env];
  }

  async startAsterisk(tag: Tag): Promise<void> {
    const { path } = this.#root;
    const volumes = join(this.#folder, `${tag}-container`);
    const etc = join(volumes, 'etc');
    mkdirSync(join(volumes, 'lib'), { recursive: true });
    cpSync(join(path, 'etc/asterisk'), etc, { recursive: true });
    const image = join(REPOSITORY, 'deploy/docker/asterisk');
    for (const file of readdirSync(image).filter((name) => name.endsWith('.conf'))) {
      cpSync(join(image, file), join(etc, file));
    }
    await run(['cp', '-a', this.volume(tag, 'asterisk'), join(etc, 'site')]);
    const entry = argvOf('deploy/docker/asterisk/Dockerfile', 'ENTRYPOINT');
    await this.#start(tag, [
      ...this.#host(tag).enter,
      ...['unshare', '--mount', 'sh', CONTAINER, path, volumes, ...entry],
    ]);
    await until(
      () => `Asterisk of ${tag} is booted\n${this.log(tag)}`,
      () => this.cli(tag, 'core waitfullybooted').includes('has fully booted'),
      START_TIMEOUT_MS,
    );
  }

  async startBroker(tag: Tag): Promise<void> {
    const [program = '', ...entry] = argvOf('deploy/docker/Dockerfile', 'ENTRYPOINT');
    const config = join(this.volume(tag, 'hintmesh'), 'hintmesh.yaml');
    const args = argvOf('deploy/docker/Dockerfile', 'CMD').map((arg) =>
      arg === '/etc/hintmesh/hintmesh.yaml' ? config : arg,
    );
    await this.#start(`${tag}-broker`, [...this.#inside(tag), program, ...entry, ...args]);
    await until(
      () => `broker ${tag} is ready\n${this.log(`${tag}-broker`)}`,
      () =>
        this.get(tag, '/readyz').then(
          ({ status }) => status === 200,
          () => false,
        ),
      START_TIMEOUT_MS,
    );
  }

  async #start(name: string, argv: readonly string[]): Promise<void> {
    const log = await open(this.#logFile(name), 'a');
    this.#children.set(name, start(argv, { stdio: ['ignore', log.fd, log.fd] }));
    await log.close();
  }

  #logFile(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  log(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8');
  }

  /** From another host, as Prometheus asks: at the address of the PBX. */
  get(tag: Tag, path: string): Promise<Response> {
    return fetch(`http://${this.address(tag)}:7441${path}`);
  }

  /** `docker compose exec TAG asterisk -rx COMMAND`. */
  cli(tag: Tag, command: string): string {
    const pid = this.#children.get(tag)?.process.pid;
    const user = ['setpriv', '--reuid=asterisk', '--regid=asterisk', '--clear-groups'];
    return runSync([
      'nsenter',
      '-t',
      `${pid}`,
      '--mount',
      '--net',
      '--root',
      ...user,
      'asterisk',
      '-rx',
      command,
    ]).out;
  }

  /** `docker compose stop`: how each ended. */
  async stop(): Promise<ReadonlyMap<string, Exit>> {
    const ends = [...this.#children].map(
      async ([name, child]) => [name, await child.stop('SIGTERM')] as const,
    );
    return new Map(await Promise.all(ends));
  }

  async close(): Promise<void> {
    for (const child of this.#children.values()) await child.stop('SIGKILL');
    await this.#hosts.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
