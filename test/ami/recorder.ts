// What the tests of the AMI edge share: handlers that remember every call, and an Asterisk to hold them.

import { createAsterisk } from '../../src/ami/asterisk.ts';
import type { AmiDown, AmiOptions, Asterisk } from '../../src/ami/contract.ts';
import { TIMES, type Times } from '../../src/ami/limits.ts';
import type {
  ChannelChange,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from '../../src/core/source.ts';
import { until } from '../until.ts';
import { type Script, ScriptedAsterisk } from './scripted.ts';

export interface Recorder {
  readonly asterisk: Asterisk;
  /** Names of the handlers called, in order, but `toAsk` and `answered`. */
  readonly calls: string[];
  readonly ups: Listing[];
  readonly relisted: Listing[];
  readonly downs: AmiDown[];
  readonly failed: AmiDown[];
  readonly hints: HintStatus[];
  readonly devices: DeviceStatus[];
  readonly channels: ChannelChange[];
  readonly presences: PresenceStatus[];
  readonly mailboxes: MailboxStatus[];
  version: string;
  lists: readonly string[];
  answered: number;
  /** These may be replaced. */
  onUp: () => void;
  toAsk: (listed: readonly HintStatus[]) => readonly HintKey[];
}

/** Waits short enough for tests, and redials that are not waited for. */
export const QUICK: Times = {
  ...TIMES,
  connect: 1_000,
  login: 1_000,
  boot: 1_000,
  answer: 1_000,
  row: 1_000,
  relistDebounce: 20,
  relistAfterRepeat: 40,
  askGap: 1,
  redialFirst: 5,
  redialMost: 20,
  stayedUp: 0,
};

/** For {@link pingedOn}: what calls for a relist has it begin without a wait, and Pings are more than a timer apart. */
export const AT_ONCE = { relistDebounce: 0, relistAfterRepeat: 0 } as const;
export const PINGING = { pingEveryMs: 5 } as const;

/**
 * What was told until now has had its consequences: with the two above, a relist that it called for has asked for its
 * lists. For the first answer may be to a Ping under way, and the second Ping may leave within the millisecond that
 * Node makes of a wait of 0; the third leaves after the lists were asked for, and is answered after them.
 */
export async function pingedOn(seen: Recorder): Promise<void> {
  const enough = seen.answered + 3;
  await until('three answers', () => seen.answered >= enough);
}

const open: { close(): Promise<void> }[] = [];

/** For `afterEach`: closes what the functions below opened, and what was given to `closeLater`. */
export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

export function closeLater<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

interface Pair {
  readonly server: ScriptedAsterisk;
  readonly seen: Recorder;
}

/** A scripted Asterisk and a started client of it. */
export async function begin(
  script: Script = {},
  options: Partial<AmiOptions> = {},
  times: Partial<Times> = {},
): Promise<Pair> {
  const server = closeLater(await ScriptedAsterisk.listen(script));
  const seen = record(server.port, options, times);
  closeLater(seen.asterisk).start();
  return { server, seen };
}

/** The same, when the client is up. */
export async function up(...args: Parameters<typeof begin>): Promise<Pair> {
  const both = await begin(...args);
  await until('up', () => both.seen.ups.length >= 1);
  return both;
}

export function record(
  port: number,
  options: Partial<AmiOptions> = {},
  times: Partial<Times> = {},
): Recorder {
  const all: AmiOptions = {
    host: '127.0.0.1',
    port,
    username: 'hintmesh',
    secret: 's3cret',
    pingEveryMs: 60_000,
    relistEveryMs: 60_000,
    channels: false,
    ...options,
  };
  const recorder: Recorder = {
    calls: [],
    ups: [],
    relisted: [],
    downs: [],
    failed: [],
    hints: [],
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
    version: '',
    lists: [],
    answered: 0,
    onUp: () => {},
    toAsk: () => [],
    asterisk: createAsterisk(
      all,
      {
        toAsk: (listed) => recorder.toAsk(listed),
        up: (listing, { version, lists }) => {
          recorder.calls.push('up');
          recorder.ups.push(listing);
          recorder.version = version;
          recorder.lists = lists;
          recorder.onUp();
        },
        relisted: (listing) => {
          recorder.calls.push('relisted');
          recorder.relisted.push(listing);
        },
        down: (why) => {
          recorder.calls.push('down');
          recorder.downs.push(why);
        },
        standsBy: () => {
          recorder.calls.push('standsBy');
        },
        failed: (why) => {
          recorder.calls.push('failed');
          recorder.failed.push(why);
        },
        hintChanged: (status) => {
          recorder.calls.push('hintChanged');
          recorder.hints.push(status);
        },
        deviceChanged: (status) => {
          recorder.calls.push('deviceChanged');
          recorder.devices.push(status);
        },
        channelChanged: (change) => {
          recorder.calls.push('channelChanged');
          recorder.channels.push(change);
        },
        presenceChanged: (status) => {
          recorder.calls.push('presenceChanged');
          recorder.presences.push(status);
        },
        mailboxChanged: (status) => {
          recorder.calls.push('mailboxChanged');
          recorder.mailboxes.push(status);
        },
        answered: () => {
          recorder.answered += 1;
        },
      },
      { ...QUICK, ...times },
    ),
  };
  return recorder;
}
