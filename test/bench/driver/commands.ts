// What the driver can be told to do: set devices at `a`, see lamps at `b`, and time it. Owns the two AMI sessions, the
// window, and when a burst is over.
import { pause } from '../../until.ts';
import type { Burst, Driver } from '../contract.ts';
import { type Address, type Line, openLine } from './ami-line.ts';
import { cpuOf } from './cpu.ts';
import { Lamps } from './lamps.ts';
import { CODES, countAnswers, eachStatus } from './scan.ts';

/** One change that is not seen for this long is lost, and has no time. */
const LOST_MS = 5_000;
/** Who loses more than that of one order does not carry. */
const MOST_LOST = 6;
/** A burst in which nothing is answered or seen for this long is over. */
const SILENT_MS = 3_000;
/** The same when every lamp is right already. */
const RIGHT_SILENT_MS = 400;
/** Setvars unanswered where the order says nothing. */
const WINDOW = 32;
const LIST_MS = 20_000;
/** How often it is looked whether something is over. */
const LOOK_MS = 10;
/** Events tell when all is right; should one be missing, the list tells. */
const LIST_AGAIN_MS = 1_000;

export interface Where {
  readonly a: Address;
  readonly b: Address;
  /** By extension. */
  readonly devices: readonly string[];
  readonly lamps: readonly string[];
}

interface Order {
  readonly changes: number;
  readonly window: number;
  readonly rate?: number;
  /** Changes that were not seen yet, at most. */
  readonly ahead?: number;
  /** Extension and state of the change with this number. */
  change(number: number): readonly [number, string];
}

/** What one order has come to. */
interface Progress {
  sent: number;
  answered: number;
  seen: number;
  answeredAt: number;
  seenAt: number;
  fill(): void;
}

export function commands(where: Where): Driver {
  const lamps = new Lamps(where.lamps);
  const texts = new Map(Object.keys(CODES).map((state) => [state, setvars(where.devices, state)]));
  let lineA: Line | undefined;
  let lineB: Line | undefined;
  let progress: Progress | undefined;
  let refused = 0;
  /** Answers to single changes that have not come yet: they are not those of a burst that follows. */
  let owed = 0;
  /** The one change that `latency` waits for. */
  let awaited: { readonly n: number; readonly code: string; seen(): void } | undefined;
  let list: { readonly rows: Map<number, string>; done(): void } | undefined;
  /** Round robin goes on where it was. */
  let next = 0;

  function answers(text: string): void {
    const now = performance.now();
    if (text.includes('Response: Error')) refused += 1;
    const count = countAnswers(text);
    const single = Math.min(owed, count);
    owed -= single;
    if (progress === undefined) return;
    progress.answered += count - single;
    progress.answeredAt = now;
    progress.fill();
  }

  function states(text: string): void {
    const now = performance.now();
    eachStatus(text, (exten, code, listed) => {
      const n = lamps.number(exten);
      if (n === undefined) return;
      if (listed) {
        list?.rows.set(n, code);
        return;
      }
      lamps.show(n, code);
      if (progress !== undefined) {
        progress.seen += 1;
        progress.seenAt = now;
      }
      if (awaited?.n === n && awaited.code === code) awaited.seen();
    });
    progress?.fill();
    if (list !== undefined && text.includes('EventList: Complete')) list.done();
  }

  async function toA(): Promise<Line> {
    if (lineA?.open) return lineA;
    owed = 0;
    lineA = await openLine(where.a, 'nothing', answers);
    return lineA;
  }

  async function toB(): Promise<Line> {
    if (!lineB?.open) lineB = await openLine(where.b, 'ExtensionStatus', states);
    return lineB;
  }

  function setvar(n: number, state: string): string {
    lamps.set(n, state);
    return texts.get(state)?.[n] ?? '';
  }

  /** Until all is answered (`seen`: and seen), or silence. */
  async function carry(order: Order, untilSeen: boolean): Promise<Progress & { begunAt: number }> {
    const line = await toA();
    if (untilSeen) await toB();
    refused = 0;
    const begunAt = performance.now();
    const now: Progress = {
      ...{ sent: 0, answered: 0, seen: 0, answeredAt: begunAt, seenAt: begunAt },
      fill: () => {
        let room = Math.min(order.changes - now.sent, order.window - now.sent + now.answered);
        if (order.rate !== undefined) {
          const due = Math.floor(((performance.now() - begunAt) * order.rate) / 1_000) + 1;
          room = Math.min(room, due - now.sent);
        }
        if (order.ahead !== undefined) room = Math.min(room, order.ahead - now.sent + now.seen);
        let text = '';
        for (; room > 0; room -= 1) {
          text += setvar(...order.change(now.sent));
          now.sent += 1;
        }
        if (text !== '') line.write(text);
      },
    };
    progress = now;
    const ticking = order.rate === undefined ? undefined : setInterval(now.fill, 1);
    try {
      now.fill();
      while (!over(now, order, untilSeen)) await pause(LOOK_MS);
    } finally {
      clearInterval(ticking);
      progress = undefined;
    }
    if (refused > 0) throw new Error('Asterisk refused a Setvar');
    // Fewer may have been sent: of what is lost, `ahead` never hears.
    if (now.answered < now.sent) throw new Error(`${now.sent - now.answered} Setvars unanswered`);
    return { ...now, begunAt };
  }

  function over({ answered, seen, answeredAt, seenAt }: Progress, order: Order, untilSeen: boolean): boolean {
    const silentMs = performance.now() - Math.max(answeredAt, seenAt);
    if (answered < order.changes) {
      const slack = order.rate === undefined ? 0 : 1_000 / order.rate;
      return silentMs > SILENT_MS + slack;
    }
    if (!untilSeen || (seen >= order.changes && lamps.off === 0)) return true;
    return silentMs > (lamps.off === 0 ? RIGHT_SILENT_MS : SILENT_MS);
  }

  async function wrong(): Promise<number[]> {
    const line = await toB();
    const rows = new Map<number, string>();
    const done = new Promise<void>((resolve) => {
      list = { rows, done: resolve };
    });
    line.write('Action: ExtensionStateList\r\nActionID: list\r\n\r\n');
    await within(LIST_MS, done, 'the list of hints');
    list = undefined;
    return lamps.wrong(rows);
  }

  return {
    latency: async (count, pauseMs) => {
      const [line] = [await toA(), await toB()];
      const times: number[] = [];
      for (let done = 0; done < count; done += 1, next = (next + 1) % lamps.count) {
        const n = next;
        const text = setvar(n, lamps.another(n));
        const begun = performance.now();
        const seen = new Promise<number>((resolve) => {
          awaited = { n, code: lamps.wanted(n), seen: () => resolve(performance.now() - begun) };
        });
        owed += 1;
        line.write(text);
        const ms = await within(LOST_MS, seen, 'seen').catch(() => undefined);
        awaited = undefined;
        if (ms !== undefined) times.push(ms);
        else if (done + 1 - times.length > MOST_LOST)
          throw new Error(`${where.lamps[n]} and others are not seen`);
        if (pauseMs > 0) await pause(pauseMs);
      }
      return times;
    },
    burst: async ({ changes, ...held }): Promise<Burst> => {
      const change = (): readonly [number, string] => {
        const n = next;
        next = (next + 1) % lamps.count;
        return [n, lamps.another(n)];
      };
      const went = await carry({ changes, ...held, change }, true);
      return {
        changes,
        ms: went.seenAt - went.begunAt,
        seen: went.seen,
        triggerMs: went.answeredAt - went.begunAt,
        wrong: (await wrong()).length,
      };
    },
    set: async (states) => {
      const change = (number: number): readonly [number, string] => states[number] ?? [0, ''];
      if (states.length > 0) await carry({ changes: states.length, window: WINDOW, change }, false);
    },
    wrong,
    settled: async (ms) => {
      const begun = performance.now();
      for (let listedAt = begun; ; ) {
        const now = performance.now();
        if (lamps.off === 0 || now - listedAt > LIST_AGAIN_MS || now - begun > ms) {
          const left = (await wrong()).length;
          listedAt = performance.now();
          if (left === 0 || now - begun > ms) return { wrong: left, ms: now - begun };
        }
        await pause(LOOK_MS);
      }
    },
    cpu: async (pids) => [process.cpuUsage(), ...pids].map(cpuOf),
  };
}

/** The text of each device's Setvar, made once. */
function setvars(devices: readonly string[], state: string): string[] {
  return devices.map(
    (device) => `Action: Setvar\r\nVariable: DEVICE_STATE(Custom:${device})\r\nValue: ${state}\r\n\r\n`,
  );
}

async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms / 1_000} s: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
