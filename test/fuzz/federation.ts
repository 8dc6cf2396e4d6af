/** The config of the broker that is tried: `msk`, with two peers, exports by hint, by device and by channel. */

import type { FederationOptions } from '../../src/core/federation.ts';
import type { Match } from '../../src/core/match.ts';
import { parseMatch } from '../../src/core/match.ts';

export const OURS = 'msk';
/** Who speaks. */
export const PEER = 'spb';
/** Who never does. */
export const OTHER = 'kzn';
export const CONTEXT = 'ext-local';

function match(...items: string[]): Match {
  const parsed = parseMatch(items);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes));
  return parsed.match;
}

const where = 'fuzz:1:1';

export const OPTIONS: FederationOptions = {
  tag: OURS,
  exports: [
    { source: 'hint', context: CONTEXT, match: match('_1X.', '*76', '_[a-c].'), where },
    { source: 'device', devices: ['PJSIP/{ext}'], match: match('_2XXX'), where },
    { source: 'channels', devices: ['PJSIP/{ext}'], match: match('3001', '3002'), where },
    {
      source: 'mailbox',
      context: 'default',
      match: match('_1XXX'),
      as: { before: 'vm', from: 0, after: '' },
      where,
    },
    { source: 'presence', presentity: 'CustomPresence:{ext}', match: match('_1XXX'), where },
  ],
  origins: [
    { tag: PEER, goneState: 'UNAVAILABLE' },
    { tag: OTHER, goneState: 'UNAVAILABLE' },
  ],
  timing: { aliveEveryMs: 1_000, suspectAfterMs: 3_000, goneAfterMs: 15_000, firstSyncMs: 15_000 },
  // Every write goes at once: what is believed is seen.
  pacing: { writesPerSecond: Number.POSITIVE_INFINITY, burst: 10, window: 1_000_000 },
};
