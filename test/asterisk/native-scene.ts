// Two PBXs, `spb` and `ekb`, that tell each other their device states by PJSIP (res_pjsip_publish_asterisk) and have
// brokers too, and a third one, `msk`, that has a broker only. Owns their configuration, in which that of the exchange
// is as docs/migration.md has it.
import { readFileSync } from 'node:fs';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import type { Extras } from './asterisk-files.ts';
import { type Broker, befriend } from './broker.ts';
import type { Lab } from './lab.ts';
import { believes, brokerUser, HASTY, hints, lamps, MSK, SPB, setDevices, WATCHER } from './pair.ts';
import { freeUdpPort } from './ports.ts';
import type { Root } from './provision.ts';
import { EKB } from './trio.ts';

/** A phone of `ekb` that `spb` has a hint for as it had before it had a broker. */
export const REMOTE = '1701';

const PAGE = readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8');

/** The block of the page that begins with this line, for these two sites. */
function documented(first: string, ...words: readonly (readonly [string, string])[]): string {
  const start = PAGE.indexOf(`\n    ${first}`);
  if (start < 0) throw new Error(`docs/migration.md has no block that begins with ${first}`);
  const lines = PAGE.slice(start + 1).split('\n');
  const end = lines.findIndex((line) => !/^( {4}|$)/.test(line));
  const block = lines.slice(0, end).map((line) => line.slice(4));
  return words.reduce((text, [from, to]) => text.replaceAll(from, to), block.join('\n'));
}

type Ports = Readonly<Record<string, number>>;

const FILE = 'exchange.conf';

/** What stands in pjsip.conf of `own` for the exchange with `peer`. */
function exchange(own: string, peer: string, ports: Ports, filtered: boolean): string {
  const text = documented(
    '[spb]',
    ['sip:msk@msk.example.com', 'sip:OWN@127.0.0.1'],
    ['sip:msk@spb.example.com', `sip:OWN@127.0.0.1:${ports[peer]}\ntransport = exchange`],
    ['spb', peer],
    ['OWN', own],
  );
  const transport = `[exchange]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:${ports[own]}\n`;
  return transport + (filtered ? text : text.replace(/^@?device_state_filter.*$/gm, ''));
}

const HINT = `exten => ${REMOTE},hint,PJSIP/${REMOTE}\n`;
const MORE = `${HINT}exten => 600,1,Answer()\n same => n,Wait(60)\n`;

/** The dialplan of `spb` in which that key is moved. */
export const MOVED = (hints(MORE) + lamps(SPB, MSK, EKB)).replace(
  HINT,
  documented('   exten =>').trimStart(),
);

export interface Native {
  readonly msk: Asterisk;
  readonly spb: Asterisk;
  readonly ekb: Asterisk;
  readonly mskBroker: Broker;
  readonly spbBroker: Broker;
  readonly ekbBroker: Broker;
  /** Puts in the filters of the page, and starts `spb` and `ekb` anew: what has come stays until then. */
  filter(): Promise<void>;
  /** Ends the exchange. */
  end(): Promise<void>;
}

/** Half a minute: what one tells before the other listens is lost, and what comes next waits for that to be given up. */
const EXCHANGES_MS = 45_000;

/** Loads the exchange, and waits until each tells the other. */
async function begin(pbxs: readonly [Asterisk, Asterisk]): Promise<void> {
  for (const pbx of pbxs) await pbx.cli('module load res_pjsip_publish_asterisk.so');
  const [one, other] = pbxs;
  await Promise.all([tells(one, other, 'DND9001'), tells(other, one, 'DND9002')]);
}

async function tells(from: Asterisk, to: Asterisk, device: string): Promise<void> {
  // Told once more each time: equal states are not.
  for (const state of ['INUSE', 'NOT_INUSE']) await setDevices(from, { [device]: state });
  await until(`${to.name} knows ${device}`, () => knows(to, `Custom:${device}`), EXCHANGES_MS);
}

/** Whether a PBX knows a device of this name, whoever told of it. */
export async function knows(pbx: Asterisk, device: string): Promise<boolean> {
  const ami = await pbx.ami();
  const rows = await ami.list('DeviceStateList');
  await ami.close();
  return rows.some((row) => row['device'] === device);
}

/** Everything running without filters, and all brokers linked with each other. */
export async function startNative(lab: Lab, roots: { msk: Root; spb: Root; ekb: Root }): Promise<Native> {
  const ports = { [SPB]: await freeUdpPort(), [EKB]: await freeUdpPort() };
  const site = (root: Root, name: string, others: readonly string[], extras: Extras = {}) => {
    const [first = '', ...rest] = others;
    return lab.pbx({
      root,
      name,
      phones: ['1001', '1002', REMOTE, WATCHER],
      dialplan: hints(MORE) + lamps(name, first, ...rest),
      manager: brokerUser('127.0.0.1'),
      ...extras,
    });
  };
  const unfiltered = (own: string, peer: string): Extras => ({
    pjsip: `#include ${FILE}\n`,
    files: { [FILE]: exchange(own, peer, ports, false) },
  });
  const [msk, spb, ekb] = await Promise.all([
    site(roots.msk, MSK, [SPB, EKB]),
    site(roots.spb, SPB, [MSK, EKB], unfiltered(SPB, EKB)),
    site(roots.ekb, EKB, [MSK, SPB], unfiltered(EKB, SPB)),
  ]);
  const both = [spb, ekb] as const;
  await begin(both);
  const broker = (tag: string, pbx: Asterisk, match: string) =>
    lab.broker({ tag, pbx, timing: HASTY, exports: [{ context: 'phones', match }] });
  const [mskBroker, spbBroker, ekbBroker] = await Promise.all([
    broker(MSK, msk, '2000-2009'),
    broker(SPB, spb, '1001'),
    broker(EKB, ekb, REMOTE),
  ]);
  befriend(spbBroker, mskBroker);
  befriend(ekbBroker, mskBroker);
  befriend(spbBroker, ekbBroker);
  await Promise.all([mskBroker.start(), spbBroker.start(), ekbBroker.start()]);
  await believes(spbBroker, MSK, 'live');
  await believes(spbBroker, EKB, 'live');
  await believes(ekbBroker, MSK, 'live');
  return {
    ...{ msk, spb, ekb, mskBroker, spbBroker, ekbBroker },
    filter: async () => {
      await spb.writeConfig(FILE, exchange(SPB, EKB, ports, true));
      await ekb.writeConfig(FILE, exchange(EKB, SPB, ports, true));
      await Promise.all(both.map((pbx) => pbx.saved().then(() => pbx.kill())));
      await Promise.all(both.map((pbx) => pbx.start()));
      await begin(both);
    },
    end: async () => {
      for (const pbx of both) await pbx.cli('module unload res_pjsip_publish_asterisk.so');
    },
  };
}
