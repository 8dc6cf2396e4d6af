// What the lists of the config make of extensions, on real PBXs: who may see what (`to`, `except`), who takes what
// (`import`), what it is called on the way (`as`), and lamps without a tag (`plain_lamps`).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Asterisk } from './asterisk.ts';
import { available, eachPairing } from './available.ts';
import { befriend } from './broker.ts';
import { inLab } from './lab.ts';
import { believes, HASTY, lampsAre, MSK, setDevices, startPair, WATCHER } from './pair.ts';
import { EKB } from './trio.ts';

const asterisks = await available();

const SOURCES = ['2001', '2002', '2003', '2009', '2010', '2019', '2020', '2025'] as const;

const EXPORTS = [
  { context: 'phones', match: '_200X', except: '2009', to: 'spb' },
  { context: 'phones', match: '_201X', except: '2011-2018', as: '7{ext}' },
  { context: 'phones', match: '2020', as: 'night.{ext:2}', to: ['ekb'] },
  { device: 'Custom:l{ext}', match: '2025' },
];

/** The lamps that a PBX has of `msk`, with a tag or without, and what they are; of those never written none. */
async function lampsOf(pbx: Asterisk): Promise<Record<string, string>> {
  const ami = await pbx.ami();
  const rows = await ami.list('DeviceStateList');
  await ami.close();
  const lamps = rows.flatMap(({ device = '', state = '' }) => {
    const name = /^Custom:(.+\*msk|6\d{3})$/.exec(device)?.[1];
    return name === undefined ? [] : [[name, state] as const];
  });
  return Object.fromEntries(lamps.sort(([one], [other]) => (one < other ? -1 : 1)));
}

describe('mapping', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: each peer sees what it may, takes what it wants, and calls it what it likes`, () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker } = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          spbDialplan: 'exten => 6001,hint,Custom:6001\n',
          broker: { timing: HASTY, exports: [{ context: 'phones', match: '_1XXX' }] },
          mskBroker: { exports: [] },
        });
        const taken = await spbBroker.reload({
          imports: [
            { from: MSK, match: ['_200X', '/^2025$/'], except: '2003' },
            { from: MSK, match: '_7201X', as: '8{ext:1}' },
          ],
          plainLamps: [{ from: MSK, match: '_200X', as: '6{ext:1}' }],
        });
        assert.equal(taken.event, 'reloaded', taken.msg);
        // Beside the Asterisk of `msk`, which is a PBX like any other to it.
        const ekbBroker = await lab.broker({ tag: EKB, pbx: msk, timing: HASTY, exports: [] });
        befriend(ekbBroker, mskBroker);
        await mskBroker.reload({ exports: EXPORTS });
        await ekbBroker.start();
        await believes(ekbBroker, MSK, 'live');
        const phone = await lab.blf(spb, WATCHER);
        for (const key of ['6001', '2001*msk']) await phone.subscribe(key);

        for (const state of ['INUSE', 'RINGING']) {
          await setDevices(msk, Object.fromEntries(SOURCES.map((extension) => [`l${extension}`, state])));
          await lampsAre(spb, { '2025*msk': state, '82019*msk': state, '2001*msk': state });
          await lampsAre(msk, { '2025*msk': state, '72019*msk': state, 'night.20*msk': state });
        }
        for (const key of ['6001', '2001*msk']) await phone.shows(key, 'early');

        // Those that were never set are free: they tell which lamps there are.
        assert.deepEqual(await lampsOf(spb), {
          ...all('NOT_INUSE', '200N*msk', [0, 4, 5, 6, 7, 8]),
          ...all('NOT_INUSE', '600N', [0, 4, 5, 6, 7, 8]),
          ...all('RINGING', '200N*msk', [1, 2]),
          ...all('RINGING', '600N', [1, 2]),
          ...all('RINGING', '8201N*msk', [0, 9]),
          '2025*msk': 'RINGING',
        });
        assert.deepEqual(await lampsOf(msk), {
          ...all('RINGING', '7201N*msk', [0, 9]),
          '2025*msk': 'RINGING',
          'night.20*msk': 'RINGING',
        });

        await mskBroker.kill();
        await believes(spbBroker, MSK, 'gone');
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE', '6001': 'UNAVAILABLE', '82010*msk': 'UNAVAILABLE' });
        for (const key of ['6001', '2001*msk']) await phone.shows(key, 'terminated');
        assert.deepEqual([...msk.errors(), ...spb.errors()], []);
      }));
  }
});

/** The lamps of this name with each digit in the place of N. */
function all(state: string, name: string, digits: readonly number[]): Record<string, string> {
  return Object.fromEntries(digits.map((digit) => [name.replace('N', String(digit)), state]));
}
