// Two PBXs with a broker each, `msk` whose extensions change and `spb` that shows them, over WebSocket or over ZeroMQ.
// As an admin would have it: the shipped manager user, the shipped dialplan, lamps written out. Only the pace is the
// bench's: as fast as it goes, where nothing else is asked for.
import { type Broker, overTransport, peerEntry, type Transport } from '../../asterisk/broker.ts';
import type { Lab } from '../../asterisk/lab.ts';
import { believes, brokerUser, lamps as lampDialplan, linkedOver, MSK, SPB } from '../../asterisk/pair.ts';
import type { Root } from '../../asterisk/provision.ts';
import { until } from '../../until.ts';
import type { Site, SiteOptions, StartSite } from '../contract.ts';
import { device, eachLamp, endpoints, extension, extensions, getsThrough, hinted } from './common.ts';

const LOOPBACK = '127.0.0.1';
/** The first snapshot is written at the pace that lamps have: at the default one so many a second at least. */
const WRITTEN_A_SECOND = 50;
/** And brokers need some time to find each other. */
const LINKED_MS = 30_000;

/** A config of ours may say it so. */
const UNLIMITED = { writes_per_second: 'unlimited' };

export const startHintmesh: StartSite = (lab, root, options) => startOver('websocket', lab, root, options);
export const startZeromq: StartSite = (lab, root, options) => startOver('zeromq', lab, root, options);

async function startOver(transport: Transport, lab: Lab, root: Root, options: SiteOptions): Promise<Site> {
  const { lamps } = options;
  const name = transport === 'websocket' ? 'hintmesh' : 'zeromq';
  const pbx = (tag: string, dialplan: string) =>
    lab.pbx({
      root,
      name: `${name}-${tag}`,
      phones: endpoints(options),
      dialplan,
      manager: brokerUser(LOOPBACK),
    });
  const include = 'include => hintmesh\n';
  const [a, b] = await Promise.all([
    pbx(MSK, hinted(lamps, include) + lampDialplan(MSK, SPB)),
    pbx(SPB, `[phones]\n${include}${written(lamps)}`),
  ]);
  const pace = options.pacing === 'default' ? {} : { lamps: UNLIMITED };
  const exports = [{ context: a.context, match: extensions(lamps) }];
  const broker = (tag: string, beside: typeof a) =>
    lab.broker({ tag, name: `${name}-${tag}`, pbx: beside, exports, ...pace });
  const [brokerA, brokerB] = await Promise.all([broker(MSK, a), broker(SPB, b)]);
  await befriend(brokerB, brokerA, transport, options);
  await Promise.all([brokerA.start(), brokerB.start()]);
  await believes(brokerA, SPB, 'live', LINKED_MS);
  await believes(brokerB, MSK, 'live', LINKED_MS);
  if ((await linkedOver(brokerB, MSK)) !== transport) throw new Error(`not linked over ${transport}`);
  await until(
    `${lamps} lamps are written`,
    async () => {
      const { known, owed, unanswered } = (await brokerB.status()).lamps;
      return known >= lamps && owed + unanswered === 0;
    },
    LINKED_MS + (lamps / WRITTEN_A_SECOND) * 1_000,
  );
  const site: Site = {
    name,
    a,
    b,
    lamps,
    device: (n) => device(n, lamps),
    lamp: (n) => `${extension(n, lamps)}*${MSK}`,
    lampDevice: (n) => `Custom:${extension(n, lamps)}*${MSK}`,
    carriers: [
      { name: 'broker a', pid: brokerA.pid },
      { name: 'broker b', pid: brokerB.pid },
    ],
  };
  await getsThrough(site);
  return site;
}

/** The shipped lamp dialplan of `spb` with every lamp written out: those by pattern wait until somebody asks for them. */
function written(lamps: number): string {
  const head = `[hintmesh-${MSK}]\n`;
  const lines = eachLamp(lamps).map((n) => {
    const lamp = `${extension(n, lamps)}*${MSK}`;
    return `exten => ${lamp},hint,Custom:${lamp}\n`;
  });
  const shipped = lampDialplan(SPB, MSK);
  if (!shipped.includes(head)) throw new Error(`the shipped dialplan has no ${head}`);
  return shipped.replace(head, head + lines.join(''));
}

/** `dialler` dials, through the way if there is one. */
async function befriend(
  dialler: Broker,
  dialled: Broker,
  transport: Transport,
  { way }: SiteOptions,
): Promise<void> {
  const { host, port } = (await way?.tcp(dialled.host, dialled.port)) ?? dialled;
  const entry = peerEntry(dialled.tag, dialled.identity, `wss://${host}:${port}`);
  dialler.peers.push(overTransport(transport, entry));
  dialled.peers.push(overTransport(transport, peerEntry(dialler.tag, dialler.identity)));
}
