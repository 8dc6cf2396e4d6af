// Two PBXs that tell each other the states of their devices by PJSIP (res_pjsip_publish_asterisk). Owns that
// configuration, which is as docs/migration.md has it, without its filters: nothing but the lamps changes here.
import type { Asterisk } from '../../asterisk/asterisk.ts';
import type { Extras } from '../../asterisk/asterisk-files.ts';
import { freeUdpPort } from '../../asterisk/ports.ts';
import type { StartSite } from '../contract.ts';
import { endpoints, hinted } from './common.ts';
import { sameDevice } from './same-device.ts';

const LOOPBACK = '127.0.0.1';

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What `own` has for the exchange with `peer`: where it listens for it, and where it sends. Peers know each other by the
 * user of the From header.
 */
export function exchange(own: string, peer: string, listen: Address, to: Address): Extras {
  const pjsip = `
[exchange]
type = transport
protocol = udp
bind = ${listen.host}:${listen.port}

[${peer}]
type = aor
contact = sip:${own}@${to.host}:${to.port}

[${peer}]
type = endpoint
aors = ${peer}
transport = exchange

[${peer}-states]
type = outbound-publish
server_uri = sip:${own}@${to.host}:${to.port}
from_uri = sip:${own}@${listen.host}
event = asterisk-devicestate
transport = exchange

[${peer}]
type = inbound-publication
endpoint = ${peer}
event_asterisk-devicestate = ${peer}

[${peer}]
type = asterisk-publication
devicestate_publish = ${peer}-states
device_state = yes
`;
  return { pjsip };
}

/**
 * Begins the exchange at a PBX that runs. Not at its boot: what one tells a PBX that is not there holds up what comes
 * next for half a minute.
 */
export async function publishes(pbx: Asterisk): Promise<void> {
  await pbx.cli('module load res_pjsip_publish_asterisk.so');
}

export const startPublish: StartSite = async (lab, root, options) => {
  const { lamps, way } = options;
  const listenA = { host: LOOPBACK, port: await freeUdpPort() };
  const listenB = { host: LOOPBACK, port: await freeUdpPort() };
  const [toA, toB] = way
    ? [await way.udp(LOOPBACK, listenA.port), await way.udp(LOOPBACK, listenB.port)]
    : [listenA, listenB];
  const common = { root, phones: endpoints(options), dialplan: hinted(lamps) };
  const [a, b] = await Promise.all([
    lab.pbx({ ...common, name: 'publish-a', ...exchange('a', 'b', listenA, toB) }),
    lab.pbx({ ...common, name: 'publish-b', ...exchange('b', 'a', listenB, toA) }),
  ]);
  await publishes(b);
  await publishes(a);
  return sameDevice({ name: 'publish', a, b, lamps, carriers: [] });
};
