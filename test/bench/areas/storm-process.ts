// Storms one PBX and sees what the other shows, in a process of its own. Owns the order of the states, and when every
// lamp is right again: that is the time of the event that made the last one right, and a list has to confirm it.
import { pause } from '../../until.ts';
import { type Line, openLine } from '../driver/ami-line.ts';
import type { Where } from '../driver/commands.ts';
import { Lamps } from '../driver/lamps.ts';
import { countAnswers, eachStatus } from '../driver/scan.ts';

/** A storm of so many changes, round robin over the lamps. */
export interface StormOrder {
  readonly changes: number;
  /** Setvars unanswered. */
  readonly window: number;
}

/** What the process tells: that it is ready, that `a` has answered all, how it went, or that it failed. */
export type StormNews =
  | { readonly kind: 'ready' | 'triggered' }
  | ({ readonly kind: 'done' } & Stormed)
  | { readonly kind: 'failed'; readonly error: string };

export interface Stormed {
  /** From the first Setvar to the last answer of `a`. */
  readonly triggerMs: number;
  /** From there until every lamp at `b` is right; to the last look where some stay wrong. */
  readonly rightMs: number;
  /** ExtensionStatus events of lamps at `b`. */
  readonly writes: number;
  readonly wrong: number;
}

/** Each lamp goes round these, */
const STATES = ['RINGING', 'INUSE', 'NOT_INUSE'] as const;
/** and ends with one of these, another one than after the storm before: it is right when its last change is there, not earlier. */
const LAST = ['ONHOLD', 'BUSY'] as const;
const LOOK_MS = 5;
/** When all is right and nothing more comes for this long, the list is asked. */
const QUIET_MS = 300;
/** So long without a word, with lamps that are wrong, and they stay so. */
const SILENT_MS = 5_000;
/** A storm takes no longer, from its beginning. */
const LIMIT_MS = 100_000;
const LIST_MS = 20_000;

const setvar = (device: string, state: string): string =>
  `Action: Setvar\r\nVariable: DEVICE_STATE(Custom:${device})\r\nValue: ${state}\r\n\r\n`;

/** The two sessions, and what they have told so far. */
async function stormer(where: Where): Promise<(order: StormOrder) => Promise<Stormed>> {
  const lamps = new Lamps(where.lamps);
  let storms = 0;
  let answered = 0;
  let answeredAt = 0;
  let writes = 0;
  let heardAt = 0;
  let rightAt: number | undefined;
  let refused = false;
  let fill = (): void => {};
  let list: { readonly rows: Map<number, string>; done(): void } | undefined;

  const answers = (text: string): void => {
    refused ||= text.includes('Response: Error');
    answered += countAnswers(text);
    answeredAt = performance.now();
    fill();
  };
  const states = (text: string): void => {
    const before = lamps.off;
    const rows = list?.rows;
    eachStatus(text, (exten, code, listed) => {
      const n = lamps.number(exten);
      if (n === undefined) return;
      if (listed) rows?.set(n, code);
      else {
        lamps.show(n, code);
        writes += 1;
        heardAt = performance.now();
      }
    });
    if (before > 0 && lamps.off === 0) rightAt = heardAt;
    if (text.includes('EventList: Complete')) list?.done();
  };
  const toA: Line = await openLine(where.a, 'nothing', answers);
  const toB: Line = await openLine(where.b, 'ExtensionStatus', states);

  const wrong = async (): Promise<number> => {
    const rows = new Map<number, string>();
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      list = { rows, done: resolve };
      late = setTimeout(() => reject(new Error('no list of hints')), LIST_MS);
      toB.write('Action: ExtensionStateList\r\nActionID: list\r\n\r\n');
    });
    clearTimeout(late);
    list = undefined;
    return lamps.wrong(rows).length;
  };

  return async ({ changes, window }) => {
    const begunAt = performance.now();
    const last = LAST[storms % LAST.length];
    storms += 1;
    let sent = 0;
    answered = 0;
    writes = 0;
    rightAt = undefined;
    fill = () => {
      let text = '';
      for (; sent < changes && sent - answered < window; sent += 1) {
        const n = sent % lamps.count;
        const turn = Math.floor(sent / lamps.count);
        const state = sent < changes - lamps.count ? STATES[turn % STATES.length] : last;
        if (state === undefined) continue;
        lamps.set(n, state);
        text += setvar(where.devices[n] ?? '', state);
      }
      if (text !== '') toA.write(text);
    };
    fill();
    const over = (): boolean => performance.now() - begunAt > LIMIT_MS;
    while (answered < changes && !over()) await pause(LOOK_MS);
    if (refused || answered < changes) throw new Error(`${changes - answered} Setvars not answered well`);
    tell({ kind: 'triggered' });
    const triggeredAt = answeredAt;
    for (;;) {
      await pause(LOOK_MS);
      const quiet = performance.now() - Math.max(heardAt, triggeredAt);
      if (quiet < (lamps.off === 0 ? QUIET_MS : SILENT_MS) && !over()) continue;
      const known = lamps.off === 0 ? rightAt : undefined;
      const left = await wrong();
      // Events told that all was right and the list does not: then more is to come.
      if (left > 0 && quiet < SILENT_MS && !over()) continue;
      const end = known ?? performance.now();
      const rightMs = Math.max(0, end - triggeredAt);
      return { triggerMs: triggeredAt - begunAt, rightMs, writes, wrong: left };
    }
  };
}

function tell(news: StormNews): void {
  process.send?.(news);
}

function failed(error: unknown): void {
  tell({ kind: 'failed', error: error instanceof Error ? error.message : String(error) });
}

process.once('message', (where: Where) => {
  stormer(where).then((storm) => {
    process.on('message', (order: StormOrder) => {
      storm(order).then((went) => tell({ kind: 'done', ...went }), failed);
    });
    tell({ kind: 'ready' });
  }, failed);
});
