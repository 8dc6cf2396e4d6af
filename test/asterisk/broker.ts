// One real broker process beside one real Asterisk. Owns its config file, identity, state folder and life; the
// log it prints is what tests see of it from inside.
import { appendFileSync, readFileSync } from 'node:fs';
import { cp, mkdir, open, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/http/contract.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';
import { type Child, type Exit, LOWEST, start } from './child.ts';
import type { Namespace } from './net.ts';
import { freeTcpPort } from './ports.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** `HINTMESH_TEST_BUILT=1`: what `npm run build` made, which starts sooner; for figures that are to be those of the product. */
const HINTMESH =
  process.env['HINTMESH_TEST_BUILT'] === '1'
    ? [process.execPath, join(REPOSITORY, 'dist', 'main.js')]
    : [process.execPath, '--import', 'tsx', join(REPOSITORY, 'src', 'main.ts')];
/** tsx compiles before the first line runs, and several brokers may start at once on a loaded machine. */
const START_TIMEOUT_MS = 30_000;

const LOOPBACK = '127.0.0.1';

const identities = new Map<string, Promise<string>>();

/** A line of the broker's log. */
export interface LogLine {
  readonly level: string | number;
  readonly event?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

export type Transport = 'websocket' | 'zeromq';
export const TRANSPORTS: readonly Transport[] = ['websocket', 'zeromq'];

/** A peer as in the config. */
export interface PeerConfig {
  readonly tag: string;
  readonly transport?: Transport;
  readonly url?: string;
  readonly fingerprint?: string;
  readonly curve_key?: string;
}

/** As `hintmesh keygen` prints it for the others' lists: the keys for both transports, and the one port. */
export function peerEntry(tag: string, { fingerprint, curve }: Identity, url?: string): PeerConfig {
  if (curve === undefined) throw new Error(`the identity of ${tag} has no key for ZeroMQ`);
  return { tag, ...(url === undefined ? {} : { url }), fingerprint, curve_key: curve.publicKey };
}

/** The entry with the one line `transport: zeromq` in it, or without. */
export function overTransport(transport: Transport, entry: PeerConfig): PeerConfig {
  const { tag, transport: _, ...rest } = entry;
  return { tag, ...(transport === 'zeromq' ? { transport } : {}), ...rest };
}

type Section = Readonly<Record<string, unknown>>;

/** What a broker must know of its Asterisk, which may be a simulated one too. */
export interface LocalPbx {
  readonly host: string;
  readonly amiPort: number;
  /** The user in its manager.conf. */
  readonly broker: { readonly username: string; readonly secret: string };
  readonly context: string;
}

export interface BrokerOptions {
  readonly tag: string;
  readonly pbx: LocalPbx;
  /** Where its files go. */
  readonly folder: string;
  /** Of its own folder there; absent: its tag. */
  readonly name?: string;
  readonly namespace?: Namespace;
  /** The `export` list; absent: the four-digit hints of the context that phones are in. */
  readonly exports?: readonly Section[];
  /** The lists `import` and `plain_lamps`. */
  readonly imports?: readonly Section[];
  readonly plainLamps?: readonly Section[];
  readonly timing?: Section;
  readonly lamps?: Section;
  readonly logLevel?: string;
  /** It must not take processor time from the others: as if it were on another machine. */
  readonly elsewhere?: boolean;
  /** Its standard output is a pipe, which `hold()` leaves unread. */
  readonly piped?: boolean;
}

/** A command that has ended, with all it printed. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** What a reload may change; `peers` is changed in place. */
export type Reloadable = Partial<
  Pick<BrokerOptions, 'exports' | 'imports' | 'plainLamps' | 'timing' | 'lamps' | 'logLevel'>
>;

export class Broker {
  readonly tag: string;
  readonly pbx: LocalPbx;
  readonly host: string;
  readonly port: number;
  /** Where its metrics and API are; loopback of the namespace it runs in. */
  readonly httpUrl: string;
  readonly identityFile: string;
  readonly identity: Identity;
  /** As the config will have them at the next start. */
  readonly peers: PeerConfig[] = [];
  #options: BrokerOptions;
  #folder: string;
  #httpPort: number;
  #child: Child | undefined;

  constructor(
    options: BrokerOptions,
    where: { host: string; port: number; httpPort: number },
    identity: Identity,
  ) {
    this.tag = options.tag;
    this.pbx = options.pbx;
    this.host = where.host;
    this.port = where.port;
    this.#httpPort = where.httpPort;
    this.httpUrl = `http://${LOOPBACK}:${where.httpPort}`;
    this.identity = identity;
    this.#options = options;
    this.#folder = brokerFolder(options);
    this.identityFile = join(this.#folder, 'identity.pem');
  }

  /** Makes its identity; `start()` runs it. */
  static async create(options: BrokerOptions): Promise<Broker> {
    const folder = brokerFolder(options);
    await mkdir(join(folder, 'state'), { recursive: true });
    // One identity a tag is enough for a process: making one takes a while.
    const identity = identities.get(options.tag) ?? generateIdentity(options.tag);
    identities.set(options.tag, identity);
    const pem = await identity;
    await writeFile(join(folder, 'identity.pem'), pem, { mode: 0o600 });
    await writeFile(join(folder, 'secret'), options.pbx.broker.secret, { mode: 0o600 });
    const host = options.namespace?.peerAddress ?? '127.0.0.1';
    const port = options.namespace ? 7440 : await freeTcpPort(host);
    // Several run on one machine: the default port has room for one.
    const httpPort = options.namespace ? 7441 : await freeTcpPort(LOOPBACK);
    return new Broker(options, { host, port, httpPort }, loadIdentity(pem));
  }

  get url(): string {
    return `wss://${this.host}:${this.port}`;
  }

  get #logFile(): string {
    return join(this.#folder, 'log');
  }

  get #configFile(): string {
    return join(this.#folder, 'hintmesh.yaml');
  }

  get stateFolder(): string {
    return join(this.#folder, 'state');
  }

  /** JSON is YAML. */
  async #writeConfig(): Promise<string> {
    const { pbx, timing = {}, lamps = {}, logLevel = 'info', imports, plainLamps } = this.#options;
    const config = {
      tag: this.tag,
      identity_file: this.identityFile,
      state_dir: this.stateFolder,
      ami: {
        host: pbx.host,
        port: pbx.amiPort,
        username: pbx.broker.username,
        secret_file: join(this.#folder, 'secret'),
      },
      listen: { host: this.host, port: this.port },
      http: { host: LOOPBACK, port: this.#httpPort },
      export: this.#options.exports ?? [{ context: pbx.context, match: '_XXXX' }],
      ...(imports && { import: imports }),
      ...(plainLamps && { plain_lamps: plainLamps }),
      peers: this.peers,
      timing,
      lamps,
      log: { level: logLevel },
    };
    await writeFile(this.#configFile, JSON.stringify(config, null, 2));
    return this.#configFile;
  }

  /** SIGHUP, with these changes in its config and `peers` as they are now; returns how it went. */
  async reload(changes: Reloadable = {}): Promise<LogLine> {
    this.#options = { ...this.#options, ...changes };
    await this.#writeConfig();
    return this.#hangUp();
  }

  /** SIGHUP, with this text for a config. */
  async reloadText(text: string): Promise<LogLine> {
    await writeFile(this.#configFile, text);
    return this.#hangUp();
  }

  #hangUp(): Promise<LogLine> {
    const after = this.log().length;
    this.#child?.signal('SIGHUP');
    const over = ({ event = '', count }: LogLine): boolean =>
      event === 'reloaded' || (event === 'reload-refused' && count !== undefined);
    return this.logs('that it reloaded', over, { after });
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error(`broker ${this.tag} was not started`);
    return this.#child.pid;
  }

  /** Runs it; returns when it says that it runs. Its log goes on where it was. */
  async start(): Promise<void> {
    const config = await this.#writeConfig();
    const before = this.lines().length;
    const log = await open(this.#logFile, 'a');
    const { namespace, elsewhere, piped } = this.#options;
    const enter = [...(elsewhere ? LOWEST : []), ...(namespace?.enter ?? [])];
    const argv = [...enter, ...HINTMESH, 'run', '-c', config];
    const child = start(argv, { stdio: ['ignore', piped ? 'pipe' : log.fd, log.fd], cwd: REPOSITORY });
    child.process.stdout?.on('data', (text: Buffer) => appendFileSync(this.#logFile, text));
    await log.close();
    this.#child = child;
    await until(
      () => `broker ${this.tag} says that it started`,
      () => {
        if (!child.running) throw new Error(`broker ${this.tag} did not start`);
        return (
          this.log().length > before &&
          this.log()
            .slice(before)
            .some((line) => line.event === 'started')
        );
      },
      START_TIMEOUT_MS,
    );
  }

  /** Its config as it stands. */
  configText(): string {
    return readFileSync(this.#configFile, 'utf8');
  }

  /** Another command with its config, such as `status`, in the network it runs in. */
  command(...args: string[]): Promise<Ended> {
    return this.begin(...args).ended;
  }

  /** The same, with what it has said so far. */
  begin(...args: string[]): { said(): string; ended: Promise<Ended> } {
    const enter = this.#options.namespace?.enter ?? [];
    const argv = [...enter, ...HINTMESH, ...args, '-c', this.#configFile];
    const child = start(argv, { stdio: ['ignore', 'pipe', 'pipe'], cwd: REPOSITORY });
    let out = '';
    for (const stream of [child.process.stdout, child.process.stderr]) {
      stream?.on('data', (text: Buffer) => {
        out += text;
      });
    }
    return { said: () => out, ended: child.exited.then(({ code }) => ({ code, out })) };
  }

  /** What `hintmesh status` has to show. */
  async status(): Promise<Status> {
    // Its API is for loopback alone, which is another one in a namespace.
    if (this.#options.namespace === undefined) {
      return (await (await fetch(`${this.httpUrl}/api/status`)).json()) as Status;
    }
    const { code, out } = await this.command('status', '--json');
    if (code !== 0) throw new Error(`status of ${this.tag}: ${out}`);
    return JSON.parse(out) as Status;
  }

  /** How the process ended, once it has. */
  get exited(): Promise<Exit> | undefined {
    return this.#child?.exited;
  }

  /** A stop in good order: it says bye. */
  async stop(): Promise<Exit | undefined> {
    return this.#child?.stop('SIGTERM');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#child?.stop('SIGKILL');
  }

  /** Nobody reads its standard output (`piped`) until `take()`. */
  hold(): void {
    this.#child?.process.stdout?.pause();
  }

  take(): void {
    this.#child?.process.stdout?.resume();
  }

  async freeze(): Promise<void> {
    await this.#child?.freeze();
  }

  thaw(): void {
    this.#child?.signal('SIGCONT');
  }

  /** Everything it printed, of all its runs. */
  lines(): string[] {
    try {
      return readFileSync(this.#logFile, 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  }

  log(): LogLine[] {
    return this.lines().flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
  }

  events(name: string): LogLine[] {
    return this.log().filter((line) => line.event === name);
  }

  /** Waits for a line that `wanted` accepts, among those after the first `after` lines of the log. */
  async logs(
    what: string,
    wanted: (line: LogLine) => boolean,
    options: { after?: number; ms?: number } = {},
  ) {
    return until(
      `broker ${this.tag} logs ${what}`,
      () =>
        this.log()
          .slice(options.after ?? 0)
          .find(wanted),
      options.ms,
    );
  }

  /** Copies its log and config to `folder`. */
  async keep(folder: string): Promise<void> {
    await cp(this.#folder, join(folder, basename(this.#folder)), { recursive: true });
  }

  async close(): Promise<void> {
    await this.kill();
  }
}

function brokerFolder({ folder, tag, name = tag }: BrokerOptions): string {
  return join(folder, `broker-${name}`);
}

/** Makes two brokers peers: `dialler` dials. */
export function befriend(dialler: Broker, dialled: Broker, transport: Transport = 'websocket'): void {
  dialler.peers.push(overTransport(transport, peerEntry(dialled.tag, dialled.identity, dialled.url)));
  dialled.peers.push(overTransport(transport, peerEntry(dialler.tag, dialler.identity)));
}
