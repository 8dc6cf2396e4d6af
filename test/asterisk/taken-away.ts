// The PBX `msk` of pair.ts, of which extensions are taken away and given back. Owns the dialplan of what is left.
import type { Asterisk } from './asterisk.ts';
import { hints, lamps, MSK, SPB } from './pair.ts';

/** Its whole dialplan, but for the hints of these extensions. */
export function without(...extensions: readonly string[]): string {
  const gone = extensions.map((extension) => `exten => ${extension},hint,`);
  const lines = (hints() + lamps(MSK, SPB)).split('\n');
  return lines.filter((line) => !gone.some((start) => line.startsWith(start))).join('\n');
}

/** In force now, if it runs, else from its start. */
export async function takeAway(msk: Asterisk, ...extensions: readonly string[]): Promise<void> {
  await msk.writeDialplan(without(...extensions));
  if (msk.running) await msk.cli('dialplan reload');
}
