// What a round comes to, made of what `a` had, what was set, and what each phone was shown. Owns no phone and no clock.
import type { LampState } from '../../asterisk/blf-phone.ts';
import { median } from '../statistics.ts';
import { rightSince, type Stretch, stateAt, waits } from './watched-lateness.ts';
import type { LiveChange, Watch, Watched } from './watched-phones.ts';

/** One extension, as `a` has it. */
export interface Extension extends Watch {
  /** Before the first of `changes`. */
  before: LampState;
  changes: Stretch[];
  /** What the PBX `b` has, as it tells on AMI. */
  arrived: Stretch[];
}

/** What one phone was shown of a lamp. */
type Shown = (lamp: string) => readonly Stretch[];

/** Between two looks at the storming lamps. */
const LOOK_MS = 100;

export function nowOf({ changes, before }: Extension): LampState {
  return changes.at(-1)?.state ?? before;
}

/** Each live change in order of time. `set`: what was set and when; `end`: of the waiting. */
export function lateness(
  set: ReadonlyMap<Extension, readonly Stretch[]>,
  phones: readonly Shown[],
  end: number,
): Pick<Watched, 'live' | 'never'> {
  const first = Math.min(...[...set.values()].flat().map(({ at }) => at));
  let never = 0;
  const live = [...set].flatMap(([{ lamp, arrived }, changes]) => {
    const byPhone = phones.map((shown) => waits(changes, shown(lamp)));
    const arrivals = waits(changes, arrived);
    return changes.map(({ at }, n): LiveChange => {
      const each = byPhone.map((waited) => waited[n]);
      never += each.filter((waited) => waited === undefined).length;
      const ms = each.map((waited) => waited ?? end - at);
      const atB = arrivals[n] ?? end - at;
      return { after: at - first, atB, median: median(ms), last: Math.max(...ms) };
    });
  });
  return { live: live.sort((one, other) => one.after - other.after), never };
}

/** The share of these lamps that are right, phone by phone, looked at from their first change to the last. */
export function stormRight(extensions: readonly Extension[], phones: readonly Shown[]): number {
  const [from, to] = span(extensions);
  let right = 0;
  let looks = 0;
  for (let at = from; at <= to; at += LOOK_MS) {
    for (const { lamp, changes, before } of extensions) {
      const is = stateAt(changes, at, before);
      for (const shown of phones) {
        looks += 1;
        if (stateAt(shown(lamp), at, before) === is) right += 1;
      }
    }
  }
  return looks === 0 ? 1 : right / looks;
}

/** From the last change until the last lamp of all phones is right; `end`: of the waiting, for those that are not. */
export function rightMs(extensions: readonly Extension[], phones: readonly Shown[], end: number): number {
  const [, to] = span(extensions);
  if (!Number.isFinite(to)) return 0;
  const each = phones.flatMap((shown) =>
    extensions.map((extension) => {
      return rightSince(shown(extension.lamp), nowOf(extension), extension.before) ?? end;
    }),
  );
  return Math.max(0, Math.max(...each) - to);
}

/** When the first and the last change was; where there is none, nothing lies between the two. */
function span(extensions: readonly Extension[]): readonly [number, number] {
  const times = extensions.flatMap(({ changes }) => changes.map(({ at }) => at));
  const least = times.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  return [least, times.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY)];
}
