// What compose.yaml runs, as processes of this machine: `init`, and for each PBX an Asterisk and a broker that
// share a network namespace. Owns their files and their life. What images would be is a Debian root and the
// compiled program; the entry points are those of the Dockerfiles.

import {
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

/** The JSON form of ENTRYPOINT or CMD in a Dockerfile, the last one. */
export function argvOf(dockerfile: string, name: 'ENTRYPOINT' | 'CMD'): string[] {
  const lines = readFileSync(join(REPOSITORY, dockerfile), 'utf8').match(new RegExp(`^${name} (.*)$`, 'gm'));
  return JSON.parse(lines?.at(-1)?.slice(name.length) ?? 'null') as string[];
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
    const program = join(this.#folder, 'program');
    await build(program);
    symlinkSync(join(REPOSITORY, 'node_modules'), join(program, 'node_modules'));
    mkdirSync(join(this.#folder, 'bin'));
    symlinkSync(join(program, 'dist/main.js'), join(this.#folder, 'bin/hintmesh'));
    for (const tag of TAGS) {
      for (const of of ['hintmesh', 'asterisk', 'state'])
        mkdirSync(this.volume(tag, of), { recursive: true });
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

  get #path(): string {
    return `${join(this.#folder, 'bin')}:${process.env['PATH']}`;
  }

  /** The service `init`; returns what it printed. */
  init(): Promise<string> {
    const id = (flag: string): string => runSync(['chroot', this.#root.path, 'id', flag, 'asterisk']).out;
    // The test's own variables are not in a container: as settings of the broker they would be strange.
    const env = [
      '-u',
      'HINTMESH_REQUIRE_ASTERISK',
      `PATH=${this.#path}`,
      'BROKER_USER=0:0',
      `ASTERISK_USER=${id('-u')}:${id('-g')}`,
    ];
    const script = join(REPOSITORY, 'deploy/docker/init.sh');
    return run(['env', ...env, 'sh', script, join(this.#folder, 'setup'), REPOSITORY], START_TIMEOUT_MS);
  }

  /** `hintmesh` in the container of a broker. */
  hintmesh(tag: Tag, ...args: string[]): { ok: boolean; out: string } {
    const config = join(this.volume(tag, 'hintmesh'), 'hintmesh.yaml');
    return runSync([...this.#inside(tag), 'hintmesh', ...args, '-c', config]);
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

  /** From another host, as Prometheus asks: at the address of the Asterisk. */
  get(tag: Tag, path: string): Promise<Response> {
    return fetch(`http://${this.#host(tag).address}:7441${path}`);
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
