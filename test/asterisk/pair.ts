// The scene most scenarios play in: PBX `msk` and PBX `spb`, each with its broker, and each with lamps for the
// other's extensions. Owns their dialplans and how one says that a lamp is right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { CONTEXT, type Extras } from './asterisk-files.ts';
import { type Broker, type BrokerOptions, befriend, type PeerConfig, type Transport } from './broker.ts';
import type { Lab } from './lab.ts';
import type { Root } from './provision.ts';

export const MSK = 'msk';
export const SPB = 'spb';
const LOOPBACK = '127.0.0.1';

/** Endpoints with phones that call: the hints 1001 and 1002 are theirs. */
const CALLING = ['1001', '1002'];
/** Endpoint of the phones that only watch. */
export const WATCHER = '1009';

/** Law 2 on loopback: redial cap + one `alive` + the writes; a restarted broker compiles first. */
export const CONVERGES_MS = 15_000;

/** For `timing`: gone within seconds, so that scenarios are short. */
export const HASTY = {
  alive: '250ms',
  suspect_after: '1s',
  gone_after: '1500ms',
  first_sync: '2s',
  redial_max: '500ms',
};

export interface PairOptions {
  readonly msk: Root;
  readonly spb: Root;
  /** Between the two brokers; absent: websocket. */
  readonly transport?: Transport;
  /** Further dialplan lines in the phones' context of `msk`. */
  readonly dialplan?: string;
  /** The same of `spb`. */
  readonly spbDialplan?: string;
  /** What else is in the PBX `msk`. */
  readonly mskExtras?: Extras;
  readonly spbExtras?: Extras;
  /** The line of the shipped manager.conf for sites that export channels is in force at `msk`. */
  readonly channels?: boolean;
  readonly broker?: Partial<Omit<BrokerOptions, 'folder' | 'tag' | 'pbx'>>;
  readonly mskBroker?: Partial<Omit<BrokerOptions, 'folder' | 'tag' | 'pbx'>>;
  /** Further endpoints at both. */
  readonly phones?: readonly string[];
  /** Further peers, given the other side's broker. */
  readonly mskPeers?: (spb: Broker) => readonly PeerConfig[];
  readonly spbPeers?: readonly PeerConfig[];
  /** `msk` and its broker take no processor time from the rest, and the rest none from the PBX `spb`. */
  readonly mskElsewhere?: boolean;
  /** Two hosts that can be cut apart. */
  readonly apart?: boolean;
}

export interface Pair {
  readonly msk: Asterisk;
  readonly spb: Asterisk;
  readonly mskBroker: Broker;
  readonly spbBroker: Broker;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

function shipped(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** The shipped dialplan as `own` would have it, for phones in our context; more peers as its README says. */
export function lamps(own: string, peer: string, ...more: readonly string[]): string {
  const text = shipped('dialplan/hintmesh.conf')
    .replaceAll(MSK, '%')
    .replaceAll(SPB, peer)
    .replaceAll('%', own)
    .replaceAll('from-internal', CONTEXT);
  const include = `include => hintmesh-${peer}\n`;
  const block = text.slice(text.indexOf(`[hintmesh-${peer}]`));
  const both = (added: string): string => `${include}${include.replace(peer, added)}`;
  return more.reduce((all, added) => all.replace(include, both(added)) + block.replaceAll(peer, added), text);
}

/** What the shipped manager.conf says of the broker's user but its secret; `from`: where the broker is. */
export function brokerUser(from: string, channels = false): string {
  const all = shipped('deploy/manager.conf').split('[hintmesh]')[1] ?? '';
  const lines = channels ? all.replace(/^;(?=eventfilter = .*Newchannel)/m, '') : all;
  return lines.replace(/^secret.*$/m, '').replace('127.0.0.1/255.255.255.255', `${from}/255.255.255.255`);
}

/**
 * Hints 1001 and 1002 are real phones; 2000-2099 are Custom devices `l2000`… that a test sets with `setCustom`;
 * `more`: further lines of their context.
 */
export function hints(more = ''): string {
  const lines = [
    `[${CONTEXT}]`,
    'include => hintmesh',
    `exten => _1XXX,1,Dial(PJSIP/\${EXTEN},30)`,
    ...CALLING.map((phone) => `exten => ${phone},hint,PJSIP/${phone}`),
    ...Array.from({ length: 100 }, (_, i) => `exten => ${2000 + i},hint,Custom:l${2000 + i}`),
  ];
  return `${lines.join('\n')}\n${more}`;
}

/** Everything running, linked, and live both ways. */
export async function startPair(lab: Lab, options: PairOptions): Promise<Pair> {
  const hosts = options.apart ? await lab.hosts(2) : undefined;
  const [a, b] = hosts?.all ?? [];
  const phones = [...CALLING, WATCHER, ...(options.phones ?? [])];
  const [msk, spb] = await Promise.all([
    lab.pbx({
      root: options.msk,
      name: MSK,
      ...options.mskExtras,
      phones,
      dialplan: hints(options.dialplan) + lamps(MSK, SPB),
      manager: brokerUser(a?.address ?? LOOPBACK, options.channels),
      elsewhere: options.mskElsewhere ?? false,
      ...(a ? { namespace: a } : {}),
    }),
    lab.pbx({
      root: options.spb,
      name: SPB,
      ...options.spbExtras,
      phones,
      dialplan: hints(options.spbDialplan) + lamps(SPB, MSK),
      manager: brokerUser(b?.address ?? LOOPBACK),
      undisturbed: options.mskElsewhere ?? false,
      ...(b ? { namespace: b } : {}),
    }),
  ]);
  const [mskBroker, spbBroker] = await Promise.all([
    lab.broker({
      tag: MSK,
      pbx: msk,
      ...(a ? { namespace: a } : {}),
      elsewhere: options.mskElsewhere ?? false,
      ...options.broker,
      ...options.mskBroker,
    }),
    lab.broker({ tag: SPB, pbx: spb, ...(b ? { namespace: b } : {}), ...options.broker }),
  ]);
  befriend(spbBroker, mskBroker, options.transport);
  mskBroker.peers.push(...(options.mskPeers?.(spbBroker) ?? []));
  spbBroker.peers.push(...(options.spbPeers ?? []));
  await Promise.all([mskBroker.start(), spbBroker.start()]);
  await Promise.all([believes(mskBroker, SPB, 'live'), believes(spbBroker, MSK, 'live')]);
  assert.equal(await linkedOver(spbBroker, MSK), options.transport ?? 'websocket');
  return {
    msk,
    spb,
    mskBroker,
    spbBroker,
    cut: async () => a && b && hosts?.cut(a, b),
    mend: async () => a && b && hosts?.mend(a, b),
  };
}

/** Waits until the broker's last word on `peer` is `belief`. */
export function believes(broker: Broker, peer: string, belief: string, ms?: number): Promise<unknown> {
  return until(
    () => `${broker.tag} believes that ${peer} is ${belief}`,
    () =>
      broker
        .events('peer-belief')
        .filter((line) => line['peer'] === peer)
        .at(-1)?.['to'] === belief,
    ms,
  );
}

/** The transport of the broker's link to `peer`; undefined: it is down. */
export async function linkedOver(broker: Broker, peer: string): Promise<string | undefined> {
  const { peers } = await broker.status();
  return peers.find((row) => row.peer === peer)?.link?.transport;
}

/** Waits until each lamp of `states`, by name, has its state in `pbx` itself. */
export async function lampsAre(
  pbx: Asterisk,
  states: Readonly<Record<string, string>>,
  ms = CONVERGES_MS,
): Promise<void> {
  const ami = await pbx.ami();
  let seen: Record<string, string> = {};
  const wanted = JSON.stringify(states);
  try {
    await until(
      () => `lamps of ${pbx.name} are ${wanted}; they are ${JSON.stringify(seen)}`,
      async () => {
        const names = Object.keys(states);
        const now = await Promise.all(names.map((name) => ami.deviceState(`Custom:${name}`)));
        seen = Object.fromEntries(names.map((name, i) => [name, now[i] ?? '']));
        return JSON.stringify(seen) === wanted;
      },
      ms,
    );
  } finally {
    await ami.close();
  }
}

/** Sets Custom devices of `pbx`, by name, in one short AMI session. */
export async function setDevices(pbx: Asterisk, states: Readonly<Record<string, string>>): Promise<void> {
  const ami = await pbx.ami();
  try {
    for (const [name, state] of Object.entries(states)) await ami.setCustom(name, state);
  } finally {
    await ami.close();
  }
}
