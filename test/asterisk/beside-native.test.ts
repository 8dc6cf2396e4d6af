// Brokers beside Asterisk's own federation by PJSIP. Without the filters of docs/migration.md two PBXs hold each other's
// lamps, and the broker finds out; with them every lamp is right, and keys move from one to the other during a call.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import type { LogLine } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import { knows, MOVED, type Native, REMOTE, startNative } from './native-scene.ts';
import { believes, lampsAre, MSK, setDevices, WATCHER } from './pair.ts';
import { EKB } from './trio.ts';

const asterisks = await available();

const LAMP = `2001*${MSK}`;
const KEY = `${REMOTE}*${EKB}`;

/** 2001 of `msk` ends its call while `ekb` has no broker. */
async function endsUnheard({ msk, spb, ekb, ekbBroker }: Native): Promise<void> {
  await setDevices(msk, { l2001: 'INUSE' });
  await lampsAre(spb, { [LAMP]: 'INUSE' });
  await lampsAre(ekb, { [LAMP]: 'INUSE' });
  await ekbBroker.kill();
  await setDevices(msk, { l2001: 'NOT_INUSE' });
}

async function unfiltered(native: Native): Promise<void> {
  const { spb, mskBroker, spbBroker, ekbBroker } = native;
  // It came from `spb`: here nobody writes lamps of the own tag.
  await until(`${EKB} has a lamp of its own`, () => knows(native.ekb, `Custom:${KEY}`));

  await endsUnheard(native);
  await until('it is written free', async () =>
    /NOT_INUSE/.test((await spbBroker.command('states', LAMP)).out),
  );
  // Which no phone sees.
  await lampsAre(spb, { [LAMP]: 'INUSE' });
  const says = (event: string) => (line: LogLine) =>
    line.event === `condition-${event}` && line['code'] === 'other-federation';
  await spbBroker.logs('that another federation holds it', says('raised'));
  await lampsAre(spb, { [LAMP]: 'INUSE' });
  await ekbBroker.start();
  await lampsAre(spb, { [LAMP]: 'NOT_INUSE' });
  await spbBroker.logs('that it is over', says('cleared'));

  // Nobody vouches for `msk`, and phones of `spb` see the last word of a broker that is dead.
  await ekbBroker.kill();
  await mskBroker.kill();
  await believes(spbBroker, MSK, 'gone');
  await lampsAre(spb, { [LAMP]: 'NOT_INUSE' });
  await Promise.all([mskBroker.start(), ekbBroker.start()]);
}

async function filtered(native: Native): Promise<void> {
  const { spb, mskBroker, spbBroker } = native;
  const after = spbBroker.log().length;
  await endsUnheard(native);
  await lampsAre(spb, { [LAMP]: 'NOT_INUSE' });
  await mskBroker.kill();
  await lampsAre(spb, { [LAMP]: 'UNAVAILABLE' });
  await setDevices(spb, { DND1001: 'BUSY' });
  await until('the last thing told has come', () => knows(native.ekb, 'Custom:DND1001'));
  assert.equal(await knows(native.ekb, `Custom:${KEY}`), false);
  const since = spbBroker.log().slice(after);
  assert.deepEqual(
    since.filter(
      ({ event, code }) =>
        event === 'lamp-drift' || (event === 'condition-raised' && code === 'other-federation'),
    ),
    [],
  );
  await Promise.all([mskBroker.start(), native.ekbBroker.start()]);
}

/** A key that PJSIP lit is lit by the broker, and the exchange ends, while the phone of that key talks. */
async function keyMoves(lab: Lab, { spb, ekb, end }: Native): Promise<void> {
  const watcher = await lab.blf(spb, WATCHER);
  for (const key of [REMOTE, KEY]) await watcher.subscribe(key);
  const call = (await lab.softphone(ekb, REMOTE)).call('600');
  await call.is('talking');
  for (const key of [REMOTE, KEY]) await watcher.shows(key, 'confirmed');
  await spb.writeDialplan(MOVED);
  await spb.cli('dialplan reload');
  assert.match(await spb.cli(`core show hint ${REMOTE}`), /Custom:1701\*ekb\s+State:InUse/);
  await end();
  await call.hangUp();
  for (const key of [REMOTE, KEY]) {
    await watcher.shows(key, 'terminated');
    assert.deepEqual(watcher.shown(key), ['terminated', 'confirmed', 'terminated']);
  }
}

describe('beside a native federation', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: what happens, what the filters mend, and how a key moves during a call`, () =>
      inLab(async (lab) => {
        const native = await startNative(lab, { msk: origin(), spb: receiver(), ekb: origin() });
        await unfiltered(native);
        await native.filter();
        await filtered(native);
        await keyMoves(lab, native);
        const errors = [native.msk, native.spb, native.ekb].flatMap((pbx) => pbx.errors());
        // What comes while Asterisk boots: PJSIP takes it before it is ready.
        assert.deepEqual(
          errors.filter((line) => !line.includes('Assert failed: mod_inv')),
          [],
        );
      }));
  }
});
