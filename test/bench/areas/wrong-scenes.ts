// The contestants on two hosts each, of which one can be started late, cut off or killed. Owns how each is put together;
// their configuration is that of the sites, with the timing and the pace that ours has by default.
import type { Asterisk } from '../../asterisk/asterisk.ts';
import { BROKER_USER, CONTEXT, type Extras } from '../../asterisk/asterisk-files.ts';
import { befriend } from '../../asterisk/broker.ts';
import type { Lab } from '../../asterisk/lab.ts';
import type { Hosts, Namespace } from '../../asterisk/net.ts';
import { brokerUser, lamps as lampDialplan, MSK, SPB } from '../../asterisk/pair.ts';
import type { Root } from '../../asterisk/provision.ts';
import { endpoints, extensions, hinted } from '../sites/common.ts';
import { startProsody } from '../sites/prosody.ts';
import { exchange, publishes } from '../sites/publish.ts';
import { distribution } from '../sites/xmpp.ts';

/** `xmpp`: the server is beside the PBX whose lamps are watched. `xmpp, server at the origin`: beside the other one. */
export const CONTESTANTS = ['hintmesh', 'publish', 'xmpp', 'xmpp, server at the origin'] as const;
export type Contestant = (typeof CONTESTANTS)[number];

/** Two PBXs on hosts of their own; neither is started yet. */
export interface Scene {
  readonly hosts: Hosts;
  readonly a: Namespace;
  readonly b: Namespace;
  readonly lamps: number;
  /** After the number of an extension in the name of its lamp at `b`. */
  readonly suffix: string;
  /** Boots the PBX whose extensions change, and what carries its states. */
  startA(): Promise<Asterisk>;
  /** The same of the PBX that shows them. */
  startB(): Promise<Asterisk>;
  /** `kill -9` of the PBX `a` and whatever carries its states there. */
  killA(): Promise<void>;
}

type Prepare = (lab: Lab, root: Root, lamps: number) => Promise<Scene>;

/** Where PJSIP's exchange listens: every port of a host is free. */
const EXCHANGE_PORT = 5_070;
/** Where Asterisk's manager listens on a host of its own. */
const AMI_PORT = 5_038;

async function twoHosts(lab: Lab) {
  const hosts = await lab.hosts(2);
  const [a, b] = hosts.all as [Namespace, Namespace];
  return { hosts, a, b };
}

const hintmesh: Prepare = async (lab, root, lamps) => {
  const { hosts, a, b } = await twoHosts(lab);
  const include = 'include => hintmesh\n';
  const broker = (tag: string, namespace: Namespace) =>
    lab.broker({
      tag,
      name: `${namespace.name}-${tag}`,
      namespace,
      pbx: { host: namespace.address, amiPort: AMI_PORT, broker: BROKER_USER, context: CONTEXT },
      exports: [{ context: CONTEXT, match: extensions(lamps) }],
    });
  const [brokerA, brokerB] = await Promise.all([broker(MSK, a), broker(SPB, b)]);
  befriend(brokerB, brokerA);
  const pbx = (name: string, namespace: Namespace, dialplan: string) =>
    lab.pbx({
      root,
      name,
      namespace,
      phones: endpoints({ lamps }),
      dialplan,
      manager: brokerUser(namespace.address),
    });
  let origin: Asterisk | undefined;
  return {
    ...{ hosts, a, b, lamps, suffix: `*${MSK}` },
    startA: async () => {
      origin = await pbx('wrong-hintmesh-a', a, hinted(lamps, include) + lampDialplan(MSK, SPB));
      await brokerA.start();
      return origin;
    },
    startB: async () => {
      const shows = await pbx('wrong-hintmesh-b', b, hinted(0, include) + lampDialplan(SPB, MSK));
      await brokerB.start();
      return shows;
    },
    killA: async () => {
      await Promise.all([origin?.kill(), brokerA.kill()]);
    },
  };
};

/** Two PBXs with the same hints, and with what carries states inside them. */
async function alike(
  lab: Lab,
  root: Root,
  lamps: number,
  name: string,
  extras: (own: string, peer: string, at: Namespace, to: Namespace) => Extras,
  begun: (pbx: Asterisk) => Promise<void> = async () => {},
): Promise<Scene> {
  const { hosts, a, b } = await twoHosts(lab);
  const start = async (own: string, peer: string, at: Namespace, to: Namespace): Promise<Asterisk> => {
    const pbx = await lab.pbx({
      ...{ root, name: `wrong-${name}-${own}`, namespace: at },
      ...{ phones: endpoints({ lamps }), dialplan: hinted(lamps) },
      ...extras(own, peer, at, to),
    });
    await begun(pbx);
    return pbx;
  };
  let origin: Asterisk | undefined;
  return {
    ...{ hosts, a, b, lamps, suffix: '' },
    startA: async () => {
      origin = await start('a', 'b', a, b);
      return origin;
    },
    startB: () => start('b', 'a', b, a),
    killA: async () => {
      await origin?.kill();
    },
  };
}

const publish: Prepare = (lab, root, lamps) => {
  const at = ({ peerAddress }: Namespace) => ({ host: peerAddress, port: EXCHANGE_PORT });
  const extras = (own: string, peer: string, here: Namespace, there: Namespace) =>
    exchange(own, peer, at(here), at(there));
  return alike(lab, root, lamps, 'publish', extras, publishes);
};

/** The server runs before both, on one of the two hosts. */
const xmpp =
  (beside: 'a' | 'b'): Prepare =>
  async (lab, root, lamps) => {
    let server: { host: string; port: number } | undefined;
    const scene = await alike(lab, root, lamps, 'xmpp', (own, peer) => {
      if (server === undefined) throw new Error('the server is not started');
      return distribution(own, peer, server);
    });
    server = await startProsody(lab, ['a', 'b'], scene[beside]);
    return scene;
  };

export const SCENES: Readonly<Record<Contestant, Prepare>> = {
  hintmesh,
  publish,
  xmpp: xmpp('b'),
  'xmpp, server at the origin': xmpp('a'),
};
