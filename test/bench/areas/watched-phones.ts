// Phones that watch, in a process of their own, and the live calls that they are to see. Owns what is said to that
// process (watched-process.ts) and what it answers.
import { fileURLToPath } from 'node:url';
import { FIRST, start } from '../../asterisk/child.ts';
import type { Lab } from '../../asterisk/lab.ts';
import type { Site } from '../contract.ts';

const PROCESS = fileURLToPath(new URL('watched-process.ts', import.meta.url));

export interface Place {
  readonly host: string;
  readonly sipPort: number;
  readonly amiPort: number;
}

/** An extension: its device at `a` without `Custom:`, what phones at `b` subscribe to, and the device behind that. */
export interface Watch {
  readonly device: string;
  readonly lamp: string;
  readonly lampDevice: string;
}

/** What the process is told in its first argument, as JSON. */
export interface PhonesOrder {
  readonly a: Place;
  readonly b: Place;
  /** A phone each. */
  readonly users: readonly string[];
  /** Set by somebody else. */
  readonly storming: readonly Watch[];
  /** Set by the process itself. */
  readonly live: readonly Watch[];
}

/** So many changes, one each `everyMs`, extension after extension: each rings, is in use, and is idle again. */
export interface Calls {
  readonly changes: number;
  readonly everyMs: number;
}

/** A live change. Behind: from its Setvar until its NOTIFY. Not shown at all: until everybody gave up waiting. */
export interface LiveChange {
  /** After the first one, ms. */
  readonly after: number;
  /** Until the PBX `b` has it and says so on AMI, before its phones are told. */
  readonly atB: number;
  /** The median phone, and the last one. */
  readonly median: number;
  readonly last: number;
}

export interface Watched {
  readonly live: readonly LiveChange[];
  /** Live changes that a phone never showed: one per phone. */
  readonly never: number;
  /** Of the storming lamps, sampled while they storm: the share that shows what its extension is, 0 to 1. */
  readonly stormRight: number;
  /** From the last change at `a` until every phone shows what `a` has; not at all: until the waiting ended. */
  readonly rightMs: number;
  /** Lamps, phone by phone, that are wrong at the end. */
  readonly wrong: number;
  readonly notifies: number;
  /** NOTIFYs that came again, as their answer was late or lost. */
  readonly repeated: number;
  /** How late the process itself was with what it had to do, p99, ms. */
  readonly ownDelayMs: number;
}

export interface Phones {
  /** How long the subscribing took, ms. */
  readonly subscribedMs: number;
  /** Makes calls from now on; returns when it has begun. */
  begin(calls: Calls): Promise<void>;
  /** Waits for the last call, and until every lamp is right or no longer becomes so. */
  finish(): Promise<Watched>;
}

/** Returns when every phone has subscribed to every lamp. The first `storming` extensions storm, the rest is for calls. */
export async function openPhones(
  lab: Lab,
  site: Site,
  users: readonly string[],
  storming: number,
): Promise<Phones> {
  const watches = Array.from({ length: site.lamps }, (_, n) => ({
    device: site.device(n),
    lamp: site.lamp(n),
    lampDevice: site.lampDevice(n),
  }));
  const place = ({ host, sipPort, amiPort }: Place): Place => ({ host, sipPort, amiPort });
  const order: PhonesOrder = {
    a: place(site.a),
    b: place(site.b),
    users,
    storming: watches.slice(0, storming),
    live: watches.slice(storming),
  };
  // Twenty phones are twenty machines in real life: nothing here keeps them waiting.
  const argv = [...FIRST, process.execPath, '--import', 'tsx', PROCESS, JSON.stringify(order)];
  const child = start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  lab.keep({ close: async () => void (await child.stop('SIGKILL')) });
  const answer = <T>(): Promise<T> =>
    Promise.race([
      new Promise<T>((resolve) => child.process.once('message', (message) => resolve(message as T))),
      child.exited.then(() => Promise.reject(new Error(`the phones of ${site.name} died`))),
    ]);
  const ask = <T>(question: Calls | 'finish'): Promise<T> => {
    const answered = answer<T>();
    child.process.send(question);
    return answered;
  };
  return {
    subscribedMs: await answer<number>(),
    begin: (calls) => ask(calls),
    finish: () => ask('finish'),
  };
}
