// Extensions that are removed at their PBX: their lamps go INVALID, whoever was not there when it happened, and a lamp
// that was busy last does not stay so. One that is given back is true again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { available, eachPairing } from './available.ts';
import { inLab } from './lab.ts';
import { believes, HASTY, lampsAre, MSK, type Pair, setDevices, startPair, WATCHER } from './pair.ts';
import { takeAway } from './taken-away.ts';

const asterisks = await available();

/** Makes somebody absent, runs `meanwhile`, and brings them back. */
type Absence = (pair: Pair, meanwhile: () => Promise<void>) => Promise<void>;

const ABSENCES: Readonly<Record<string, Absence>> = {
  nobody: (_pair, meanwhile) => meanwhile(),

  "the origin's broker": async ({ mskBroker, spbBroker }, meanwhile) => {
    await mskBroker.kill();
    await believes(spbBroker, MSK, 'gone');
    await meanwhile();
    await mskBroker.start();
  },

  "the origin's Asterisk": async ({ msk, spb }, meanwhile) => {
    await msk.saved();
    await msk.kill();
    await lampsAre(spb, { '2001*msk': 'UNAVAILABLE' });
    await meanwhile();
    await msk.start();
  },

  "the receiver's broker": async ({ spbBroker }, meanwhile) => {
    await spbBroker.kill();
    await meanwhile();
    await spbBroker.start();
  },

  "the receiver's Asterisk, with the lamp busy in AstDB": async ({ spb }, meanwhile) => {
    await spb.saved();
    await spb.kill();
    await meanwhile();
    await spb.start();
  },
};

describe('extensions that are removed', { skip: asterisks.skip, concurrency: true }, () => {
  for (const [turn, { title, origin, receiver }] of eachPairing(asterisks).entries()) {
    // Each in one of the pairings; with nobody away, prune.test.ts has it in both.
    const absences = Object.entries(ABSENCES).filter((_, index) => index % 2 === turn);
    test(`${title}: their lamps go INVALID, away was ${absences.map(([who]) => who).join('; ')}`, (t) =>
      inLab(async (lab) => {
        const pair = await startPair(lab, { msk: origin(), spb: receiver(), broker: { timing: HASTY } });
        const { msk, spb } = pair;
        const phone = await lab.blf(spb, WATCHER);
        const removed: string[] = [];
        for (const [who, absence] of absences) {
          const extension = `${2099 - removed.length}`;
          const lamp = `${extension}*${MSK}`;
          await setDevices(msk, { l2001: 'NOT_INUSE', [`l${extension}`]: 'INUSE' });
          await lampsAre(spb, { [lamp]: 'INUSE', '2001*msk': 'NOT_INUSE' });
          await phone.subscribe(lamp);
          await phone.shows(lamp, 'confirmed');
          removed.push(extension);
          const begun = performance.now();
          await absence(pair, () => takeAway(msk, ...removed));
          await lampsAre(spb, { [lamp]: 'INVALID', '2001*msk': 'NOT_INUSE' });
          t.diagnostic(
            `${who} away: right after ${((performance.now() - begun) / 1_000).toFixed(1)} s in all`,
          );
        }
        // The device was busy all the time, and of nobody.
        await takeAway(msk);
        await lampsAre(spb, Object.fromEntries(removed.map((extension) => [`${extension}*${MSK}`, 'INUSE'])));
        assert.deepEqual([...msk.errors(), ...spb.errors()], []);
      }));
  }
});
