// The limit: the same two PBXs and lamps as with brokers, and a bare relay (relay.ts) between them. Owns its two
// processes, their certificates, and the dialplan that has no more than hints.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateIdentity } from '../../../src/mesh/identity.ts';
import { CONTEXT } from '../../asterisk/asterisk-files.ts';
import { type Child, start } from '../../asterisk/child.ts';
import type { Lab } from '../../asterisk/lab.ts';
import { MSK } from '../../asterisk/pair.ts';
import { freeTcpPort } from '../../asterisk/ports.ts';
import type { StartSite } from '../contract.ts';
import { device, eachLamp, endpoints, extension, getsThrough, hinted } from './common.ts';
import { RELAY, type RelayOrder } from './relay.ts';

const LOOPBACK = '127.0.0.1';
const SUFFIX = `*${MSK}`;

export const startFloor: StartSite = async (lab, root, options) => {
  const { lamps, way } = options;
  const lamp = (n: number): string => extension(n, lamps) + SUFFIX;
  const hints = eachLamp(lamps).map((n) => `exten => ${lamp(n)},hint,Custom:${lamp(n)}\n`);
  const pbx = (name: string, dialplan: string) =>
    lab.pbx({ root, name, phones: endpoints(options), dialplan });
  const [a, b] = await Promise.all([
    pbx('floor-a', hinted(lamps)),
    pbx('floor-b', `[${CONTEXT}]\n${hints.join('')}`),
  ]);
  const [own, other] = await Promise.all([certify(lab, 'relay-a'), certify(lab, 'relay-b')]);
  const listens = { host: LOOPBACK, port: await freeTcpPort(LOOPBACK) };
  const common = { suffix: SUFFIX };
  const relayA = await relay(lab, {
    ...common,
    role: 'sender',
    ami: { host: a.host, port: a.amiPort },
    link: listens,
    identity: own,
    other,
  });
  const relayB = await relay(lab, {
    ...common,
    role: 'receiver',
    ami: { host: b.host, port: b.amiPort },
    link: (await way?.tcp(listens.host, listens.port)) ?? listens,
    identity: other,
    other: own,
  });
  const site = {
    name: 'floor' as const,
    a,
    b,
    lamps,
    device: (n: number) => device(n, lamps),
    lamp,
    lampDevice: (n: number) => `Custom:${lamp(n)}`,
    carriers: [
      { name: 'relay a', pid: relayA.pid },
      { name: 'relay b', pid: relayB.pid },
    ],
  };
  await getsThrough(site);
  return site;
};

/** A file with a certificate and its key. */
async function certify(lab: Lab, name: string): Promise<string> {
  const file = join(lab.folder, `${name}.pem`);
  await writeFile(file, await generateIdentity(name), { mode: 0o600 });
  return file;
}

async function relay(lab: Lab, order: RelayOrder): Promise<Child> {
  const argv = [process.execPath, '--import', 'tsx', RELAY, JSON.stringify(order)];
  const child = start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  lab.keep({
    close: async () => {
      await child.stop('SIGKILL');
    },
  });
  await Promise.race([
    new Promise((resolve) => child.process.once('message', resolve)),
    child.exited.then(() => Promise.reject(new Error(`the ${order.role} of the relay did not start`))),
  ]);
  return child;
}
