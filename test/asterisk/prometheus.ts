// A real Prometheus that scrapes test brokers and evaluates the shipped alerts, with all waiting taken out of
// both. Owns its process, its files, and what it says is firing.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConditionCode } from '../../src/conditions.ts';
import { until } from '../until.ts';
import { type Child, start } from './child.ts';
import { freeTcpPort } from './ports.ts';

const ALERTS = new URL('../../deploy/prometheus/alerts.yml', import.meta.url);
const START_TIMEOUT_MS = 30_000;

/** The alert of a condition: `peer-gone` → `HintmeshPeerGone`. */
export function alertOf(code: ConditionCode): string {
  return `Hintmesh${code.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())}`;
}

export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Scraped {
  readonly httpUrl: string;
}

/** As the label `instance` has it. */
function instanceOf({ httpUrl }: Scraped): string {
  return new URL(httpUrl).host;
}

export class Prometheus {
  readonly #folder: string;
  readonly #url: string;
  readonly #child: Child;
  readonly #targets: string[] = [];
  #said = '';

  constructor(folder: string, url: string, child: Child) {
    this.#folder = folder;
    this.#url = url;
    this.#child = child;
    child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
  }

  /** `program`: where it is. */
  static async start(program: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'hintmesh-prometheus-'));
    const alerts = readFileSync(ALERTS, 'utf8').replace(/^( +for: ).*$/gm, '$10s');
    await writeFile(join(folder, 'alerts.yml'), alerts);
    await mkdir(join(folder, 'targets'));
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yml'],
      scrape_configs: [{ job_name: 'hintmesh', file_sd_configs: [{ files: ['targets/*.json'] }] }],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freeTcpPort()}`;
    const options = {
      'config.file': join(folder, 'prometheus.yml'),
      'storage.tsdb.path': join(folder, 'data'),
      'web.listen-address': address,
      'log.level': 'warn',
    };
    const argv = [program, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
    const child = start(argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    const prometheus = new Prometheus(folder, `http://${address}`, child);
    await prometheus.#ready();
    return prometheus;
  }

  async #ready(): Promise<void> {
    await until(
      () => `Prometheus is ready\n${this.#said}`,
      async () => {
        if (!this.#child.running) throw new Error(`Prometheus did not start\n${this.#said}`);
        const answer = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
        return answer?.ok;
      },
      START_TIMEOUT_MS,
    );
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`);
    return ((await answer.json()) as { data: T }).data;
  }

  /** Scrapes it from now on, once a second; returns when it was scraped. */
  async scrape(target: Scraped): Promise<void> {
    const instance = instanceOf(target);
    this.#targets.push(instance);
    const file = join(this.#folder, 'targets/brokers.json');
    // At once: several tests may add theirs at a time.
    writeFileSync(`${file}.new`, JSON.stringify([{ targets: this.#targets }]));
    renameSync(`${file}.new`, file);
    await until(
      `Prometheus has scraped ${instance}`,
      async () => (await this.value(`up{instance="${instance}"} == 1`)) !== undefined,
    );
  }

  /** Of a query that gives one series; `undefined`: it gives none. */
  async value(query: string): Promise<number | undefined> {
    const { result } = await this.#get<{ result: { value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(query)}`,
    );
    return result[0] && Number(result[0].value[1]);
  }

  /** What fires about this broker now. */
  async firing(target: Scraped): Promise<Alert[]> {
    const { alerts } = await this.#get<{ alerts: Alert[] }>('alerts');
    const instance = instanceOf(target);
    return alerts.filter(({ state, labels }) => state === 'firing' && labels['instance'] === instance);
  }

  async close(): Promise<void> {
    await this.#child.stop('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
