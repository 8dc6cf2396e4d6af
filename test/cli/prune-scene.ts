// A simulated Asterisk with rows that were left behind, a user who may remove them, and what a broker says of them. Owns
// their making; each test file has its own.
import { afterEach } from 'node:test';
import type { Kind } from '../../src/core/message.ts';
import type { PeerRow, StateRow } from '../../src/http/contract.ts';
import { newFolder } from '../config/folder.ts';
import { DEFAULT_USER, SimulatedAsterisk, type SimulatedAsteriskOptions } from '../sim/asterisk.ts';
import { type BrokerFiles, brokerFiles } from './broker-files.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh } from './in-process.ts';
import { freePorts } from './ports.ts';

/** Rows of AstDB, by what stands after `Custom:` or `CustomPresence:`. */
export interface Rows {
  readonly lamps?: Readonly<Record<string, string>>;
  readonly presences?: Readonly<Record<string, string>>;
}

export interface Told {
  readonly left: readonly {
    readonly kind: Kind;
    readonly name: string;
    readonly state: string;
    readonly why: string;
    readonly removed: boolean;
  }[];
  readonly kept: readonly { readonly kind: Kind; readonly name: string; readonly why: string }[];
}

export interface PruneScene {
  readonly files: BrokerFiles;
  /** Asterisk boots with these rows, and the broker, if any, tells these states. */
  begin(rows: Rows, states?: readonly StateRow[], options?: SimulatedAsteriskOptions): Promise<void>;
  readonly pbx: SimulatedAsterisk;
  /** Setvars since it began. */
  readonly writes: readonly string[];
  /** `hintmesh prune`, with the broker that answers. */
  prune(...args: readonly string[]): ReturnType<typeof hintmesh>;
  /** The same, where none does. */
  alone(...args: readonly string[]): ReturnType<typeof hintmesh>;
  /** Options: remove, as a user who may. */
  readonly apply: readonly string[];
  /** The keys of the rows there are. */
  rows(): { lamps: string[]; presences: string[] };
}

const SECRET = 'the-secret-of-pruning';

/** Of peers spb (live) and nsk (gone), and of old, which is none any more. */
export async function pruneScene(): Promise<PruneScene> {
  const { sim: port } = await freePorts('sim');
  const files = await brokerFiles({ amiPort: port });
  const secret = newFolder().write('pruner.secret', `${SECRET}\n`);
  const broker = await fakeBroker();
  const peers: readonly PeerRow[] = [
    peerOf(),
    peerOf({ peer: 'nsk', belief: 'gone' }),
    peerOf({ peer: 'old', belief: 'gone', former: true }),
  ];
  broker.answers.set('GET /api/status', json(statusOf({ peers })));
  let pbx: SimulatedAsterisk | undefined;
  let writes: string[] = [];
  const running = (): SimulatedAsterisk => {
    if (pbx === undefined) throw new Error('the scene has not begun');
    return pbx;
  };
  afterEach(async () => {
    await pbx?.stop();
    pbx = undefined;
  });
  return {
    files,
    async begin({ lamps = {}, presences = {} }, states = [], options = {}) {
      await pbx?.stop();
      pbx = new SimulatedAsterisk({
        port,
        bootMs: 10,
        users: [DEFAULT_USER, { username: 'pruner', secret: SECRET, read: 'system', write: 'system,call' }],
        ...options,
      });
      for (const [key, value] of Object.entries(lamps)) pbx.pbx.astdb.set(key, value);
      for (const [key, value] of Object.entries(presences)) pbx.pbx.presences.astdb.set(key, value);
      writes = [];
      pbx.onSetvar = (name, value) => writes.push(`${name}=${value}`);
      broker.answers.set('GET /api/states', json(states));
      await pbx.start();
      await pbx.whenBooted();
    },
    get pbx() {
      return running();
    },
    get writes() {
      return writes;
    },
    prune: (...args) => hintmesh('prune', '-c', files.file, '--url', broker.url, ...args),
    alone: (...args) => hintmesh('prune', '-c', files.file, ...args),
    apply: ['--apply', '--ami-username', 'pruner', '--ami-secret-file', secret],
    rows: () => ({
      lamps: [...running().pbx.astdb.keys()],
      presences: [...running().pbx.presences.astdb.keys()],
    }),
  };
}

/** A lamp of the broker; of a plain one the PBX is in the third place: `presence 2001 spb`. */
export function lampRow(
  label: string,
  state: string | null,
  desired: string | null = state,
  written: string | null = desired,
): StateRow {
  const [kind = '', name = '', of] = label.split(' ');
  const [extension = '', tag = ''] = name.split('*');
  return {
    pbx: of ?? tag,
    kind: kind === 'presence' ? 'presence' : 'device',
    extension,
    state,
    lamp: { name, desired, written },
  };
}

/** `1001*old presence former-peer`, one for each row, as text to compare. */
export function whys(rows: Told['left' | 'kept']): string[] {
  return rows.map(({ kind, name, why }) => `${kind} ${name} ${why}`);
}
