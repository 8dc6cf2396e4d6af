// Sites for the demo and for tests: a simulated Asterisk each, with a real broker beside it, joined by real
// WebSockets over pinned TLS on loopback.
import { type Around, Broker, type BrokerOptions, type Report } from '../../src/broker.ts';
import type { ExportRule } from '../../src/core/exports.ts';
import { parseMatch } from '../../src/core/match.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { DEFAULT_USER, SimulatedAsterisk, type SimulatedAsteriskOptions } from '../sim/asterisk.ts';

export const HOST = '127.0.0.1';

/** Nobody around: the broker cannot be asked to reload or leave. */
export const ALONE: Around = {
  reload: async () => ({ ok: false, mistakes: ['this broker has no config file'] }),
  leave: () => {},
};

export interface SiteOptions {
  readonly exports?: readonly ExportRule[];
  readonly asterisk?: SimulatedAsteriskOptions;
  readonly broker?: Partial<BrokerOptions>;
}

export class Site {
  readonly tag: string;
  readonly asterisk: SimulatedAsterisk;
  /** Of the next broker. */
  identity: Identity;
  readonly reports: Report[] = [];
  broker: Broker | undefined;
  /** Where its peers dial it; kept over restarts of the broker. */
  port = 0;
  readonly #options: SiteOptions;

  constructor(tag: string, identity: Identity, options: SiteOptions) {
    this.tag = tag;
    this.identity = identity;
    this.#options = options;
    this.asterisk = new SimulatedAsterisk({ name: tag, ...options.asterisk });
  }

  /** Starts a broker that dials those of the `peers` that already listen, and waits for the others to dial. */
  async startBroker(peers: readonly Site[]): Promise<Broker> {
    const broker = new Broker(this.brokerOptions(peers), (report) => this.reports.push(report), ALONE);
    await broker.start();
    this.broker = broker;
    this.port = broker.address?.port ?? 0;
    return broker;
  }

  async stop(): Promise<void> {
    await this.broker?.close();
    await this.asterisk.stop();
  }

  /** What its broker is told when it has these peers. */
  brokerOptions(peers: readonly Site[]): BrokerOptions {
    const rules = this.#options.exports ?? [hintRule('ext-local', '_1XXX')];
    const takes = (from: ExportRule['source']) => rules.some(({ source }) => source === from);
    return {
      tag: this.tag,
      version: '0.0.0',
      ami: {
        host: HOST,
        port: this.asterisk.port,
        username: DEFAULT_USER.username,
        secret: DEFAULT_USER.secret,
        pingEveryMs: 1_000,
        relistEveryMs: 300_000,
        channels: takes('channels'),
        devices: takes('device'),
        presences: takes('presence'),
        mailboxes: takes('mailbox'),
      },
      exports: rules,
      peers: peers.map((peer) => ({
        tag: peer.tag,
        fingerprint: peer.identity.fingerprint,
        goneState: 'UNAVAILABLE',
        ...(peer.port ? { url: `wss://${HOST}:${peer.port}` } : {}),
      })),
      formerTags: [],
      goneState: 'UNAVAILABLE',
      timing: { aliveEveryMs: 1_000, suspectAfterMs: 3_000, goneAfterMs: 15_000, firstSyncMs: 15_000 },
      pacing: { writesPerSecond: 100, burst: 10, window: 32 },
      redial: { minMs: 200, maxMs: 2_000 },
      tcp: { tag: this.tag, identity: this.identity, listen: { host: HOST, port: this.port } },
      ...this.#options.broker,
    };
  }
}

export function hintRule(context: string, ...items: string[]): ExportRule {
  const parsed = parseMatch(items);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes));
  return { source: 'hint', context, match: parsed.match, where: 'sites.ts:1:1' };
}

/** Sites with their Asterisks booted and their brokers started, each a peer of all others. */
export async function startSites(options: Readonly<Record<string, SiteOptions>>): Promise<Site[]> {
  const sites = await Promise.all(
    Object.entries(options).map(async ([tag, each]) => {
      return new Site(tag, loadIdentity(await generateIdentity(tag)), each);
    }),
  );
  await Promise.all(
    sites.map(async ({ asterisk }) => {
      await asterisk.start();
      await asterisk.whenBooted();
    }),
  );
  for (const site of sites) await site.startBroker(sites.filter((other) => other !== site));
  return sites;
}
