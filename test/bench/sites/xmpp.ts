// Two PBXs that tell each other the states of their devices over an XMPP server (res_xmpp, distribute_events). Owns that
// configuration: the one that works with prosody, without the collection nodes that Asterisk's documents have for Tigase.
import type { Extras } from '../../asterisk/asterisk-files.ts';
import type { StartSite } from '../contract.ts';
import { endpoints, hinted } from './common.ts';
import { DOMAIN, PASSWORD, startProsody } from './prosody.ts';
import { sameDevice } from './same-device.ts';

/** What `own` has to tell `peer` over the server at this address. Without TLS, which costs the server nothing then. */
export function distribution(own: string, peer: string, server: { host: string; port: number }): Extras {
  const xmpp = `
[general]
autoregister = yes
autoprune = no
auth_policy = accept

[server]
type = client
serverhost = ${server.host}
port = ${server.port}
pubsub_node = pubsub.${DOMAIN}
username = ${own}@${DOMAIN}/pbx
secret = ${PASSWORD}
usetls = no
usesasl = yes
distribute_events = yes
status = available
statusmessage = pbx
priority = 1
timeout = 5
buddy = ${peer}@${DOMAIN}
`;
  return { modules: ['res_xmpp'], files: { 'xmpp.conf': xmpp } };
}

/** The server stands beside `b`: only what `a` sends has a way to go. */
export const startXmpp: StartSite = async (lab, root, options) => {
  const { lamps, way } = options;
  const server = await startProsody(lab, ['a', 'b']);
  const fromA = way ? await way.tcp(server.host, server.port) : server;
  const common = { root, phones: endpoints(options), dialplan: hinted(lamps) };
  const [a, b] = await Promise.all([
    lab.pbx({ ...common, name: 'xmpp-a', ...distribution('a', 'b', fromA) }),
    lab.pbx({ ...common, name: 'xmpp-b', ...distribution('b', 'a', server) }),
  ]);
  return sameDevice({ name: 'xmpp', a, b, lamps, carriers: [{ name: 'prosody', pid: server.pid }] });
};
