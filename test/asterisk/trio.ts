// Three PBXs, `msk`, `spb` and `ekb`, on hosts of their own, and one mesh of both transports between them. Owns which
// line has which; the dialplans and what a PBX is made of are pair.ts's.
import type { Asterisk } from './asterisk.ts';
import { type Broker, type BrokerOptions, befriend, type Transport } from './broker.ts';
import type { Lab } from './lab.ts';
import type { Hosts, Namespace } from './net.ts';
import { believes, brokerUser, HASTY, hints, lamps, MSK, SPB, WATCHER } from './pair.ts';
import type { Root } from './provision.ts';

export const EKB = 'ekb';
const TAGS = [MSK, SPB, EKB];
/** Those who are not cut off must not think so, however busy this machine is. */
const TIMING = { ...HASTY, gone_after: '4s' };

interface Line {
  readonly dialler: string;
  readonly dialled: string;
  readonly transport: Transport;
}

/** Each dials one and is dialled by one; only `spb` has both transports. */
export const LINES: readonly Line[] = [
  { dialler: MSK, dialled: SPB, transport: 'websocket' },
  { dialler: SPB, dialled: EKB, transport: 'zeromq' },
  { dialler: EKB, dialled: MSK, transport: 'zeromq' },
];

export interface Site {
  readonly tag: string;
  readonly pbx: Asterisk;
  readonly broker: Broker;
  /** The tags of the others. */
  readonly others: readonly string[];
}

export interface Trio {
  readonly hosts: Hosts;
  readonly sites: readonly Site[];
  site(tag: string): Site;
  host(tag: string): Namespace;
  cut(one: string, other: string): Promise<void>;
  mend(one: string, other: string): Promise<void>;
}

export interface TrioOptions {
  /** Of the brokers, in place of what makes them hasty. */
  readonly timing?: BrokerOptions['timing'];
  /** Further dialplan lines in the phones' context, at each. */
  readonly dialplan?: string;
  /** Where the PBX of a host runs, when it takes more to get there than to enter the host. */
  readonly pbxPlace?: (tag: string, host: Namespace) => Promise<Namespace>;
}

async function startSite(
  lab: Lab,
  tag: string,
  root: Root,
  host: Namespace,
  options: TrioOptions,
): Promise<Site> {
  const others = TAGS.filter((other) => other !== tag);
  const [first = '', ...more] = others;
  const pbx = await lab.pbx({
    root,
    name: tag,
    phones: ['1001', '1002', WATCHER],
    dialplan: hints(options.dialplan) + lamps(tag, first, ...more),
    manager: brokerUser(host.address),
    namespace: (await options.pbxPlace?.(tag, host)) ?? host,
  });
  const broker = await lab.broker({ tag, pbx, namespace: host, timing: options.timing ?? TIMING });
  return { tag, pbx, broker, others };
}

/** Everything running, linked, and live all ways. `roots`: of `msk`, `spb` and `ekb`. */
export async function startTrio(
  lab: Lab,
  roots: readonly [Root, Root, Root],
  options: TrioOptions = {},
): Promise<Trio> {
  const hosts = await lab.hosts(TAGS.length);
  const places = new Map(TAGS.map((tag, i) => [tag, hosts.all[i] as Namespace]));
  const sites = await Promise.all(
    TAGS.map((tag, i) => startSite(lab, tag, roots[i] as Root, places.get(tag) as Namespace, options)),
  );
  const site = (tag: string): Site => sites.find((one) => one.tag === tag) as Site;
  for (const { dialler, dialled, transport } of LINES) {
    befriend(site(dialler).broker, site(dialled).broker, transport);
  }
  await Promise.all(sites.map(({ broker }) => broker.start()));
  await Promise.all(
    sites.flatMap(({ broker, others }) => others.map((peer) => believes(broker, peer, 'live'))),
  );
  const host = (tag: string): Namespace => places.get(tag) as Namespace;
  return {
    hosts,
    sites,
    site,
    host,
    cut: (one, other) => hosts.cut(host(one), host(other)),
    mend: (one, other) => hosts.mend(host(one), host(other)),
  };
}
