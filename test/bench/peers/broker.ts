// The broker under test: the real product in a process of its own, measured from inside and from outside. Owns its files,
// its life and the asking.
import { readFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '../../../src/mesh/identity.ts';
import { freeTcpPort } from '../../asterisk/ports.ts';
import { DEFAULT_USER } from '../../sim/asterisk.ts';
import { until } from '../../until.ts';
import { Helper } from './helper.ts';
import type { InsideCommands } from './inside.ts';
import { CONTEXT, HUB } from './names.ts';
import { productArgv } from './product.ts';

const LOOPBACK = '127.0.0.1';
const START_WITHIN_MS = 30_000;
/** Characters of its log shown when it does not start. */
const LOG_SHOWN = 2_000;

export interface BrokerOptions {
  /** Where its own folder goes. */
  readonly folder: string;
  readonly pem: string;
  readonly amiPort: number;
  readonly peers: readonly { readonly tag: string; readonly fingerprint: string }[];
  /** `lamps` of the config. */
  readonly lamps: Readonly<Record<string, unknown>>;
}

let made = 0;

export class BenchBroker {
  readonly port: number;
  readonly fingerprint: string;
  readonly #http: string;
  readonly #folder: string;
  readonly #options: BrokerOptions;
  #process: Helper<InsideCommands> | undefined;

  private constructor(options: BrokerOptions, folder: string, port: number, http: number) {
    this.#options = options;
    this.#folder = folder;
    this.port = port;
    this.#http = `http://${LOOPBACK}:${http}`;
    this.fingerprint = loadIdentity(options.pem).fingerprint;
  }

  static async create(options: BrokerOptions): Promise<BenchBroker> {
    made += 1;
    const folder = join(options.folder, `hub-${made}`);
    await mkdir(folder, { recursive: true });
    return new BenchBroker(options, folder, await freeTcpPort(), await freeTcpPort());
  }

  /** Returns when it has read its Asterisk and takes links. */
  async start(): Promise<void> {
    const { folder } = this.#options;
    const argv = [...(await productArgv(folder)), 'run', '-c', await this.#writeConfig()];
    const log = await open(this.#logFile, 'a');
    const process = new Helper<InsideCommands>('broker', argv, log.fd);
    await log.close();
    this.#process = process;
    await until(
      () =>
        `the broker has read its Asterisk; its log: ${readFileSync(this.#logFile, 'utf8').slice(-LOG_SHOWN)}`,
      async () => {
        if (!process.child.running)
          throw new Error(`the broker ended: ${readFileSync(this.#logFile, 'utf8')}`);
        return (await this.metric('asterisk_up').catch(() => 0)) === 1;
      },
      START_WITHIN_MS,
    );
  }

  get process(): Helper<InsideCommands> {
    if (this.#process === undefined) throw new Error('the broker was not started');
    return this.#process;
  }

  /** By name without `hintmesh_`; the sum of its series. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#http}/metrics`)).text();
    return sumOf(text, `hintmesh_${name}`);
  }

  async metrics<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<Record<Names[number], number>> {
    const text = await (await fetch(`${this.#http}/metrics`)).text();
    return Object.fromEntries(names.map((name) => [name, sumOf(text, `hintmesh_${name}`)])) as Record<
      Names[number],
      number
    >;
  }

  async close(): Promise<void> {
    await this.#process?.close();
  }

  get #logFile(): string {
    return join(this.#folder, 'log');
  }

  /** JSON is YAML. */
  async #writeConfig(): Promise<string> {
    const { pem, amiPort, peers, lamps } = this.#options;
    const file = (name: string) => join(this.#folder, name);
    await writeFile(file('identity.pem'), pem, { mode: 0o600 });
    await writeFile(file('secret'), DEFAULT_USER.secret, { mode: 0o600 });
    const config = {
      tag: HUB,
      identity_file: file('identity.pem'),
      state_dir: file('state'),
      ami: { port: amiPort, secret_file: file('secret') },
      listen: { host: LOOPBACK, port: this.port },
      http: { port: Number(new URL(this.#http).port) },
      export: [{ context: CONTEXT, match: '_XXXX' }],
      peers,
      lamps,
    };
    await writeFile(file('hintmesh.yaml'), JSON.stringify(config, null, 2));
    return file('hintmesh.yaml');
  }
}

/** Of a scrape in the text format: all series of that name together. */
export function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const rest = line.slice(name.length);
    if (rest.startsWith(' ') || rest.startsWith('{')) sum += Number(rest.slice(rest.lastIndexOf(' ') + 1));
  }
  return sum;
}
