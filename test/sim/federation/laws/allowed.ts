/** What a lamp may be written as, and what it shows when nothing is owed, by what is known of its origin (law 3). */
import type { DeviceState } from '../../../../src/core/state.ts';
import type { Known } from './knowledge.ts';
import { shownAs } from './words.ts';

export function mayWrite(known: Known, extension: string): readonly DeviceState[] {
  const told = shownAs(known.told.get(extension));
  switch (known.belief) {
    case 'live':
      return [told];
    case 'suspect':
      return known.told.has(extension) ? [told] : ['INVALID', darkOf(known)];
    case 'unheard':
    case 'gone': {
      // Under hold, and of one that is a peer again until it is heard, lamps stay as they were owed.
      const states = known.belief === 'gone' && known.gone !== 'hold' ? [known.gone] : [...known.goneStates];
      const shown = states.map((state) => (state === 'hold' ? 'UNAVAILABLE' : state));
      return states.includes('hold') && known.everSynced ? [...shown, told] : shown;
    }
  }
}

/** Undefined: what it showed before, whatever that was. */
export function mayShow(known: Known, extension: string): readonly DeviceState[] | undefined {
  if (known.belief === 'unheard' || (known.belief === 'gone' && known.gone === 'hold')) return undefined;
  return mayWrite(known, extension);
}

/** The frame of the present input tells this state, be it on the way to another one. */
export function isTold(known: Known, extension: string, state: DeviceState): boolean {
  const passing = known.passing.get(extension) ?? [];
  return state === shownAs(known.told.get(extension)) || passing.includes(state);
}

function darkOf({ gone }: Known): DeviceState {
  return gone === 'hold' ? 'UNAVAILABLE' : gone;
}
