// How far a lamp is behind the extension it is of, told from two lists: what was set, and what the phone was shown.
// Arithmetic only; both lists are sorted by time, on one clock.
import type { LampState } from '../../asterisk/blf-phone.ts';

/** From `at` on the extension is, or the lamp shows, `state`. */
export interface Stretch {
  readonly at: number;
  readonly state: LampState;
}

/** A device state as a dialog-info lamp has it; the rest is `terminated`. */
const LIT: Readonly<Record<string, LampState>> = {
  RINGING: 'early',
  INUSE: 'confirmed',
  BUSY: 'confirmed',
  ONHOLD: 'confirmed',
  RINGINUSE: 'confirmed',
};

export function lit(deviceState: string): LampState {
  return LIT[deviceState] ?? 'terminated';
}

/**
 * How long each change waited until the lamp showed it, ms; `undefined`: it never did. Found from the end, where both
 * agree: what is shown last is the last change of that state, and so on back. A change that was passed over was shown,
 * as far as anybody cares, when a later one was.
 */
export function waits(changes: readonly Stretch[], shown: readonly Stretch[]): (number | undefined)[] {
  const waited: (number | undefined)[] = changes.map(() => undefined);
  // Told again is not shown anew.
  const news = shown.filter(({ state }, index) => state !== shown[index - 1]?.state);
  let end = changes.length;
  let later: number | undefined;
  for (const { at, state } of news.toReversed()) {
    const found = changes.findLastIndex(
      (change, index) => index < end && change.at <= at && change.state === state,
    );
    if (found < 0) continue;
    for (end -= 1; end > found; end -= 1)
      if (later !== undefined) waited[end] = later - (changes[end]?.at ?? later);
    waited[found] = at - (changes[found]?.at ?? at);
    later = at;
  }
  for (end -= 1; end >= 0; end -= 1)
    if (later !== undefined) waited[end] = later - (changes[end]?.at ?? later);
  return waited;
}

/** What was so at a time; `before`: ahead of the first stretch. */
export function stateAt(stretches: readonly Stretch[], at: number, before: LampState): LampState {
  return stretches.findLast((stretch) => stretch.at <= at)?.state ?? before;
}

/** Since when the lamp has shown what the extension is now, without a break; `undefined`: it does not. */
export function rightSince(shown: readonly Stretch[], now: LampState, before: LampState): number | undefined {
  const last = shown.findLastIndex(({ state }) => state !== now);
  if (last < 0 && before === now) return Number.NEGATIVE_INFINITY;
  return shown[last + 1]?.at;
}
