// The simulated Asterisk of the broker under test, in a process of its own, so that what it costs does not count. Owns
// what can be asked of it.
import type { DeviceState } from '../../../src/core/state.ts';
import { SimulatedAsterisk } from '../../sim/asterisk.ts';
import { pause, until } from '../../until.ts';
import { machineMs } from '../transports/figures.ts';
import { answerTo } from './answer.ts';
import { deviceOf, extensionOf, lampOf, tagOf } from './names.ts';

const BOOT_MS = 50;
/** The simulated one writes a list in one piece, and 100 000 rows are read in more than the usual 100 ms. */
const WRITE_TIMEOUT_MS = 30_000;
const LAMPS_WITHIN_MS = 60_000;

export interface PbxOptions {
  /** So many extensions of its own. */
  readonly exports: number;
  /** Lamps that are in its database already, all NOT_INUSE: so many peers, so many extensions of each. */
  readonly lamps: { readonly peers: number; readonly extensions: number };
}

let asterisk: SimulatedAsterisk | undefined;
let own: string[] = [];
let next = 0;
let writes = 0;

const commands = {
  /** First of all; the port of its AMI. */
  async boot({ exports, lamps }: PbxOptions): Promise<number> {
    own = Array.from({ length: exports }, (_, n) => extensionOf(n, exports));
    asterisk = new SimulatedAsterisk({
      bootMs: BOOT_MS,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      hints: Object.fromEntries(own.map((each) => [each, deviceOf(each)])),
      devices: Object.fromEntries(own.map((each) => [deviceOf(each), 'NOT_INUSE'])),
    });
    for (let peer = 0; peer < lamps.peers; peer += 1) {
      for (let n = 0; n < lamps.extensions; n += 1) {
        asterisk.pbx.astdb.set(lampOf(extensionOf(n, lamps.extensions), tagOf(peer)), 'NOT_INUSE');
      }
    }
    asterisk.onSetvar = () => {
      writes += 1;
    };
    await asterisk.start();
    await asterisk.whenBooted();
    return asterisk.port;
  },

  /** One extension after another changes, so many a second; `Infinity`: all at once. Returns when all have. */
  async change(count: number, perSecond: number): Promise<void> {
    const begun = performance.now();
    for (let done = 0; done < count; done += 1) {
      const ahead = begun + (1_000 * done) / perSecond - performance.now();
      if (ahead > 0) await pause(ahead);
      const device = deviceOf(own[next % own.length] ?? '');
      next += 1;
      booted().setDevice(device, booted().pbx.deviceState(device) === 'INUSE' ? 'NOT_INUSE' : 'INUSE');
    }
  },

  /** Extension `n` becomes this. */
  set(n: number, state: DeviceState): void {
    booted().setDevice(deviceOf(own[n] ?? ''), state);
  },

  /** Lamps written so far, refused ones too. */
  writes: () => writes,

  /** Until so many lamps have been written. */
  async untilWritten(count: number): Promise<void> {
    await until(
      () => `${writes} of ${count} lamps written`,
      () => writes >= count,
      LAMPS_WITHIN_MS,
    );
  },

  /** When the lamps of this extension of the first so many peers all show `state`, by `machineMs`. */
  async lamps(peers: number, extension: string, state: string): Promise<number> {
    const wrong = () =>
      Array.from({ length: peers }, (_, n) => lampOf(extension, tagOf(n))).filter(
        (lamp) => booted().pbx.astdb.get(lamp) !== state,
      );
    await until(
      () => `lamps that are not ${state}: ${wrong().join(', ')}`,
      () => wrong().length === 0,
      LAMPS_WITHIN_MS,
    );
    return machineMs();
  },
};

export type PbxCommands = typeof commands;

function booted(): SimulatedAsterisk {
  if (asterisk === undefined) throw new Error('not booted yet');
  return asterisk;
}

answerTo(commands, true);
