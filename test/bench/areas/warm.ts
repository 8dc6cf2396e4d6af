// Brings a contestant to where it is when it has run for a while. Owns how much that takes.
import type { Driver, Name } from '../contract.ts';

/** Node compiles what runs often, in steps; after so many changes a broker's CPU per change falls no more. */
const CHANGES = 12_000;
const QUICK_CHANGES = 3_000;
/** Asterisk is compiled already. */
const RIVAL_CHANGES = 500;
const SLOW_CHANGES = 50;

/** `isFar`: PJSIP publish carries only some tens a second then. */
export async function warm(driver: Driver, name: Name, quick: boolean, isFar = false): Promise<void> {
  const isRival = name === 'publish' || name === 'xmpp';
  const rival = isFar && name === 'publish' ? SLOW_CHANGES : RIVAL_CHANGES;
  const changes = isRival ? rival : quick ? QUICK_CHANGES : CHANGES;
  await driver.burst({ changes, window: 32, ahead: 200 });
}
