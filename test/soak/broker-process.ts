// A broker of the soak: the product as a process of its own, measured from inside. Owns its files, its life and the
// asking; what is done to it is churn.ts's.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../src/http/contract.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { freeTcpPort } from '../asterisk/ports.ts';
import { DEFAULT_USER, type SimulatedAsterisk } from '../sim/asterisk.ts';
import { until } from '../until.ts';
import { LEAK_VARIABLE, type Leak, type Measure } from './inside.ts';
import type { Product } from './product.ts';

const LOOPBACK = '127.0.0.1';
/** The machine may be busy. */
const START_WITHIN_MS = 30_000;
const MEASURED_WITHIN_MS = 20_000;
const RELOADED_WITHIN_MS = 20_000;
/** A broker ends within 5 s. */
const STOP_WITHIN_MS = 10_000;

type Section = Readonly<Record<string, unknown>>;

export interface BrokerOptions {
  readonly tag: string;
  readonly asterisk: SimulatedAsterisk;
  readonly product: Product;
  /** Its own. */
  readonly folder: string;
  /** The `export` list. */
  readonly exports: readonly Section[];
  /** `lamps.writes_per_second`. */
  readonly writesPerSecond: number;
  readonly leak?: Leak;
}

export class BrokerProcess {
  readonly tag: string;
  readonly identity: Identity;
  /** Where its peers dial it. */
  readonly port: number;
  readonly httpUrl: string;
  /** Entries of the config. */
  readonly peers: Section[] = [];
  /** What else a reload may change, by section of the config. */
  more: Readonly<Record<string, Section>> = {};
  readonly #options: BrokerOptions;
  #child: ChildProcess | undefined;
  #up = false;

  private constructor(options: BrokerOptions, identity: Identity, port: number, httpPort: number) {
    this.tag = options.tag;
    this.#options = options;
    this.identity = identity;
    this.port = port;
    this.httpUrl = `http://${LOOPBACK}:${httpPort}`;
  }

  static async create(options: BrokerOptions): Promise<BrokerProcess> {
    mkdirSync(options.folder, { recursive: true });
    const pem = await generateIdentity(options.tag);
    writeFileSync(join(options.folder, 'identity.pem'), pem, { mode: 0o600 });
    writeFileSync(join(options.folder, 'secret'), DEFAULT_USER.secret, { mode: 0o600 });
    const ports = [await freeTcpPort(), await freeTcpPort()] as const;
    return new BrokerProcess(options, loadIdentity(pem), ...ports);
  }

  /** Returns when it says that it runs. */
  async start(): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    const before = readFileSync(this.#logFile, 'utf8').length;
    const { leak, product } = this.#options;
    const argv = ['--expose-gc', '--import', product.inside, product.main, 'run', '-c', this.#writeConfig()];
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...(leak && { [LEAK_VARIABLE]: leak }) },
    });
    closeSync(log);
    this.#child = child;
    const what = `broker ${this.tag} runs`;
    await until(
      what,
      () => {
        if (!this.running) throw new Error(`broker ${this.tag} ended: ${this.log.slice(before)}`);
        return this.log.includes('"event":"started"', before);
      },
      START_WITHIN_MS,
    );
    this.#up = true;
  }

  /** It has started, and nobody has stopped it. */
  get up(): boolean {
    return this.#up && this.running;
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** `undefined`: it ended before it answered. */
  async measure(): Promise<Measure | undefined> {
    const child = this.#child;
    if (child === undefined || !this.running) return undefined;
    const over = new AbortController();
    const late = setTimeout(
      () => over.abort(new Error(`broker ${this.tag} does not answer`)),
      MEASURED_WITHIN_MS,
    );
    const { signal } = over;
    const ended = once(child, 'exit', { signal }).then(() => undefined);
    const answered = once(child, 'message', { signal }).then(([measure]) => measure as Measure);
    child.send('measure', () => {}); // one that has just ended cannot be asked: `ended` tells
    try {
      return await Promise.race([ended, answered]);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(late);
      // The one that lost is no longer waited for.
      for (const loser of [ended, answered]) loser.catch(() => {});
      over.abort();
    }
  }

  async status(): Promise<Status> {
    return (await (await fetch(`${this.httpUrl}/api/status`)).json()) as Status;
  }

  /** SIGHUP, with the config as it is to be now; returns when it was taken, and fails when it was refused. */
  async reload(): Promise<void> {
    const { counters: before } = await this.status();
    this.#writeConfig();
    this.#child?.kill('SIGHUP');
    await until(
      `${this.tag} takes its new config`,
      async () => {
        const { counters } = await this.status();
        if (counters.reloadsRefused > before.reloadsRefused)
          throw new Error(`${this.tag} refused its config`);
        return counters.reloads > before.reloads;
      },
      RELOADED_WITHIN_MS,
    );
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#up = false;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(late);
  }

  get #logFile(): string {
    return join(this.#options.folder, 'log');
  }

  /** JSON is YAML. */
  #writeConfig(): string {
    const { folder, asterisk, exports, writesPerSecond } = this.#options;
    const { lamps, ...more } = this.more;
    const config = {
      tag: this.tag,
      identity_file: join(folder, 'identity.pem'),
      state_dir: join(folder, 'state'),
      ami: { port: asterisk.port, secret_file: join(folder, 'secret') },
      listen: { host: LOOPBACK, port: this.port },
      http: { port: Number(new URL(this.httpUrl).port) },
      export: exports,
      peers: this.peers,
      lamps: { writes_per_second: writesPerSecond, ...lamps },
      ...more,
    };
    const file = join(folder, 'hintmesh.yaml');
    writeFileSync(file, JSON.stringify(config, null, 2));
    return file;
  }
}
