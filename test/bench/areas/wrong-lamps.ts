// The lamps of one PBX and what they should show. Owns how states are set at the origin, and how wrong lamps are counted
// and watched until there are none.
import type { TestAmi } from '../../asterisk/ami.ts';
import type { Asterisk } from '../../asterisk/asterisk.ts';
import { CONTEXT } from '../../asterisk/asterisk-files.ts';
import { pause } from '../../until.ts';
import { device, extension } from '../sites/common.ts';

/** Setvars without an answer, at most. */
const WINDOW = 32;
/** How often lamps are looked at: seconds until right are known this well. */
const LOOK_MS = 250;
/** What is right must stay so for this long. */
const STAYS_MS = 2_000;
/** Seconds until right, where that was not seen. Not Infinity, which JSON does not have. */
export const NEVER = -1;

/** What was seen of the lamps of one PBX. */
export interface Seen {
  /** The most wrong lamps at one look. */
  readonly most: number;
  /** Wrong lamps at the last look. */
  readonly left: number;
  /** Seconds from the first look until no lamp was wrong any more, or `NEVER`. */
  readonly seconds: number;
}

/** Sets the first `count` extensions at `pbx`. */
export async function light(pbx: Asterisk, count: number, lamps: number, state: string): Promise<void> {
  const ami = await pbx.ami();
  for (let from = 0; from < count; from += WINDOW) {
    const length = Math.min(WINDOW, count - from);
    await Promise.all(Array.from({ length }, (_, i) => ami.setCustom(device(from + i, lamps), state)));
  }
  await ami.close();
}

/** Whether the lamp of extension `n` may show this status text. */
export type Right = (n: number, text: string | undefined) => boolean;

/** The first `count` are in use, the others are not. */
export const inUse =
  (count: number): Right =>
  (n, text) =>
    text === (n < count ? 'InUse' : 'Idle');

/** Nobody is told to be in use; whether idle or unavailable is shown is not asked. */
export const dark: Right = (_, text) => text !== 'InUse';

/** Counts the wrong lamps of a PBX, whose names end in `suffix`, again and again for `ms` or until none is wrong. */
export async function watch(
  pbx: Asterisk,
  { lamps, suffix }: { readonly lamps: number; readonly suffix: string },
  right: Right,
  ms: number,
): Promise<Seen> {
  const ami = await pbx.ami();
  const names = Array.from({ length: lamps }, (_, n) => `${extension(n, lamps)}${suffix}`);
  // As a phone that subscribes: a pattern's hint begins to be when somebody asks.
  await Promise.all(names.map((name) => ami.hintState(name, CONTEXT)));
  const begun = performance.now();
  let most = 0;
  let rightSince: number | undefined;
  try {
    for (;;) {
      const now = performance.now() - begun;
      const left = await countWrong(ami, names, right);
      most = Math.max(most, left);
      rightSince = left === 0 ? (rightSince ?? now) : undefined;
      const stays = rightSince !== undefined && now - rightSince >= STAYS_MS;
      if (stays || now >= ms) {
        return { most, left, seconds: rightSince === undefined ? NEVER : rightSince / 1_000 };
      }
      await pause(LOOK_MS);
    }
  } finally {
    await ami.close();
  }
}

async function countWrong(ami: TestAmi, names: readonly string[], right: Right): Promise<number> {
  const rows = await ami.list('ExtensionStateList');
  const texts = new Map(rows.map((row) => [row['exten'], row['statustext']]));
  return names.filter((name, n) => !right(n, texts.get(name))).length;
}
