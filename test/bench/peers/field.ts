// A broker under test with everything around it: its simulated Asterisk and so many simulated peers, each part in a
// process of its own. Owns how they are put together, and what a stretch of time cost the broker.
import { generateIdentity, loadIdentity } from '../../../src/mesh/identity.ts';
import type { Lab } from '../../asterisk/lab.ts';
import { until } from '../../until.ts';
import { BenchBroker } from './broker.ts';
import { Helper } from './helper.ts';
import { HUB, tagOf } from './names.ts';
import type { PbxCommands } from './pbx-process.ts';
import type { PeersCommands } from './peers-process.ts';

const SETTLED_WITHIN_MS = 60_000;

export interface FieldOptions {
  readonly peers: number;
  /** Of each peer. */
  readonly extensions: number;
  /** Of the broker under test. */
  readonly exports: number;
  /** The Asterisk has all lamps as they will be told, as after a restart of the broker: nothing is to be written at first. */
  readonly known?: boolean;
  /** Absent: as fast as it goes. */
  readonly pacing?: 'default';
}

export interface Field {
  readonly options: FieldOptions;
  readonly broker: BenchBroker;
  readonly pbx: Helper<PbxCommands>;
  readonly peers: Helper<PeersCommands>;
}

const identities = new Map<string, Promise<string>>();

/** One a tag is enough for a process: making one takes a while. */
function identityOf(tag: string): Promise<string> {
  const pem = identities.get(tag) ?? generateIdentity(tag);
  identities.set(tag, pem);
  return pem;
}

/** The broker runs, and no peer dials yet. */
export async function openField(lab: Lab, options: FieldOptions): Promise<Field> {
  const pbx = Helper.of<PbxCommands>('pbx-process');
  const peers = Helper.of<PeersCommands>('peers-process');
  lab.keep(pbx);
  lab.keep(peers);
  const { extensions, exports, known = false } = options;
  const lamps = { peers: known ? options.peers : 0, extensions };
  const booting = pbx.ask('boot', { exports, lamps });
  const pem = await identityOf(HUB);
  const pems = await Promise.all(Array.from({ length: options.peers }, (_, n) => identityOf(tagOf(n))));
  const broker = await BenchBroker.create({
    folder: lab.folder,
    pem,
    amiPort: await booting,
    peers: pems.map((each, n) => ({ tag: tagOf(n), fingerprint: loadIdentity(each).fingerprint })),
    lamps: options.pacing === 'default' ? {} : { writes_per_second: 'unlimited' },
  });
  lab.keep(broker);
  const hub = { url: `wss://127.0.0.1:${broker.port}`, fingerprint: broker.fingerprint };
  await Promise.all([broker.start(), peers.ask('make', { pems, extensions, hub })]);
  return { options, broker, pbx, peers };
}

/** All peers are linked, all their states are known, and all lamps are written. */
export async function linkAll({ options, broker, peers }: Field): Promise<void> {
  await peers.ask('link');
  const all = options.peers * options.extensions;
  await until(
    'all states are known and written',
    async () => {
      const { peer_extensions, lamps_owed, writes_unanswered } = await broker.metrics(
        'peer_extensions',
        'lamps_owed',
        'writes_unanswered',
      );
      return peer_extensions === all && lamps_owed + writes_unanswered === 0;
    },
    SETTLED_WITHIN_MS,
  );
}

export async function closeField({ broker, pbx, peers }: Field): Promise<void> {
  await Promise.all([broker.close(), pbx.close(), peers.close()]);
}

/** What `work` cost. */
export interface Spent {
  readonly ms: number;
  /** Of the broker's process. */
  readonly cpuMs: number;
  /** Of TLS, all links, both ways. */
  readonly wireBytes: number;
}

export async function spent({ broker, peers }: Field, work: () => Promise<unknown>): Promise<Spent> {
  const measure = async () => ({
    at: performance.now(),
    cpuMs: await broker.process.ask('cpu'),
    wireBytes: (await peers.ask('heard')).wireBytes,
  });
  const before = await measure();
  await work();
  const after = await measure();
  return {
    ms: after.at - before.at,
    cpuMs: after.cpuMs - before.cpuMs,
    wireBytes: after.wireBytes - before.wireBytes,
  };
}

/** The rest of `busy` without what the same time costs when nothing happens. */
export function beyond(busy: Spent, idle: Spent): Spent {
  const share = busy.ms / idle.ms;
  return {
    ms: busy.ms,
    cpuMs: busy.cpuMs - share * idle.cpuMs,
    wireBytes: busy.wireBytes - share * idle.wireBytes,
  };
}
