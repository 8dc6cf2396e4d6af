// Brings a contestant to where it is when it has run for a while. Owns how much that takes, the same for all: the trigger
// is a Node process of its own for each, and warms up too.
import type { Driver, Name } from '../contract.ts';

/** Node compiles what runs often, in steps; after so many changes a broker's CPU per change hardly falls any more. */
const CHANGES = 8_000;
const QUICK_CHANGES = 2_000;
/** PJSIP publish over a distance carries some tens a second. */
const SLOW_CHANGES = 50;

/** `isFar`: there is a round trip between the two PBXs. */
export async function warm(driver: Driver, name: Name, quick: boolean, isFar = false): Promise<void> {
  const near = quick ? QUICK_CHANGES : CHANGES;
  const changes = isFar && name === 'publish' ? SLOW_CHANGES : near;
  await driver.burst({ changes, window: 32, ahead: 200 });
}
