// What each source of states promises: a device source every state in order, a hint source the last one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause, until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import { inLab } from './lab.ts';
import { lampsAre, startPair } from './pair.ts';

const asterisks = await available();

const BURST = ['NOT_INUSE', 'RINGING', 'INUSE', 'ONHOLD'] as const;
const ROUNDS = 20;
/** What a round of writes costs, at the default of 50 a second: beyond that the receiver may skip states. */
const ROUND_MS = BURST.length * 20;

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: a device source brings four states set back to back over, all four and in order`,
    {
      skip: asterisks.skip,
    },
    () =>
      inLab(async (lab) => {
        const exports = [{ device: 'Custom:l{ext}', match: '_20XX' }];
        const { msk, spb } = await startPair(lab, { msk: origin(), spb: receiver(), mskBroker: { exports } });
        const [here, there] = [await msk.ami(), await (await spb.ami()).fromNow()];
        // Asterisk repeats no state, so a round must not begin with what the last one ended with: it does not.
        const wanted: string[] = [];
        for (let round = 1; round <= ROUNDS; round += 1) {
          // Back to back: the next is sent before the last is answered.
          await Promise.all(BURST.map((state) => here.setCustom('l2001', state)));
          wanted.push(...BURST);
          await pause(ROUND_MS);
          await until(
            () => `round ${round} arrived; so far ${there.changesOf('Custom:2001*msk').join(' ')}`,
            () => there.changesOf('Custom:2001*msk').length >= wanted.length,
          );
        }
        assert.deepEqual(there.changesOf('Custom:2001*msk'), wanted);
      }),
  );

  test(
    `${title}: a hint source may skip states of a burst, but the last one is right`,
    {
      skip: asterisks.skip,
    },
    () =>
      inLab(async (lab) => {
        const { msk, spb } = await startPair(lab, { msk: origin(), spb: receiver() });
        const here = await msk.ami();
        for (let round = 0; round < ROUNDS; round += 1) {
          const last = BURST[round % BURST.length] ?? 'INUSE';
          await Promise.all([...BURST, last].map((state) => here.setCustom('l2001', state)));
          await lampsAre(spb, { '2001*msk': last });
        }
      }),
  );
}
