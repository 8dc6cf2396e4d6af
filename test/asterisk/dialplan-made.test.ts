// What `hintmesh dialplan` prints, in two real Asterisks with trunks to each other: lamps and calls by it, and calls
// that are taken over a trunk where they ring.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { available, eachPairing } from './available.ts';
import { hintOf, openSites, type Sites } from './dialplan-scene.ts';
import { inLab, type Lab } from './lab.ts';
import type { Softphone } from './softphone.ts';

const asterisks = await available();

interface Phones {
  /** At msk: who presses keys. */
  readonly caller: Softphone;
  /** At spb: who is called, who calls, and who rings along. */
  readonly callee: Softphone;
  readonly other: Softphone;
  readonly third: Softphone;
}

async function phonesOf(lab: Lab, { msk, spb }: Sites): Promise<Phones> {
  return {
    caller: await lab.softphone(msk.pbx, '1001'),
    callee: await lab.softphone(spb.pbx, '1001'),
    other: await lab.softphone(spb.pbx, '1002'),
    third: await lab.softphone(spb.pbx, '1009'),
  };
}

/** 1002 at spb calls `number`; 1001 there rings; 1001 at msk presses `key`, and has the call. */
async function takes({ caller, callee, other, third }: Phones, number: string, key: string): Promise<void> {
  const made = other.call(number);
  const ringing = await callee.ringing();
  await made.rings();
  const taken = caller.call(key);
  await taken.is('talking');
  await made.is('talking');
  await ringing.is('ended');
  await taken.hangUp();
  await made.is('ended');
  for (const phone of [caller, callee, other, third]) await phone.hangUpAll();
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: lamps, calls by their keys, and calls taken where they ring`,
    { skip: asterisks.skip },
    () =>
      inLab(async (lab) => {
        const sites = await openSites(lab, { msk: receiver(), spb: origin() });
        const { msk, spb } = sites;
        const phones = await phonesOf(lab, sites);
        const { caller, callee, other } = phones;
        const blf = await lab.blf(msk.pbx, '1009');
        await blf.subscribe('1001*spb');
        await assert.rejects(blf.subscribe('10011*spb'), /404/);

        // The key calls; the lamp rings, and is lit, at the other PBX.
        const made = caller.call('1001*spb');
        const rings = await callee.ringing();
        await blf.shows('1001*spb', 'early');
        rings.answer();
        await made.is('talking');
        await blf.shows('1001*spb', 'confirmed');
        await made.hangUp();
        await rings.is('ended');
        await blf.shows('1001*spb', 'terminated');

        // By the number dialled, by the devices that ring, and by the mark.
        await takes(phones, '1001', '**1001*spb');
        await takes(phones, '600', '**1001*spb');
        await takes(phones, '1004', '**1004*spb');
        await takes(phones, '1005', '**1005*spb');

        // Where nothing rings, nothing is taken, and a call that is up is left alone.
        const up = other.call('1001');
        (await callee.ringing()).answer();
        await up.is('talking');
        const none = caller.call('**1001*spb');
        await none.is('ended');
        assert.equal(none.code, 480);
        const unknown = caller.call('**1003*spb');
        await unknown.is('ended');
        assert.equal(unknown.code, 480);
        assert.equal(up.state, 'talking');
        await up.hangUp();

        // A trunk reaches what is exported, and no more of the phones' context.
        const closed = await spb.pbx.cli('dialplan show 600@hintmesh-from-peers');
        assert.match(closed, /There is no existence of/);
        // The same again is the same text.
        const again = await msk.broker.command('dialplan', '--context', 'phones');
        assert.equal(again.out, msk.printed);
        assert.deepEqual([...msk.pbx.errors(), ...spb.pbx.errors()], []);
      }),
  );
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: the same by names that a config gives, with presence, and without a tag`,
    { skip: asterisks.skip },
    () =>
      inLab(async (lab) => {
        const context = 'phones';
        const sites = await openSites(
          lab,
          { msk: receiver(), spb: origin() },
          {
            spb: {
              export: [
                { context, match: '_100[1-4]', as: '5{ext}' },
                { presence: 'CustomPresence:{ext}', match: '1001', as: '5{ext}' },
              ],
            },
            msk: {
              import: [{ from: 'spb', match: '_51XXX', as: '{ext:1}' }],
              plain_lamps: [{ from: 'spb', match: '1001', as: '9{ext}' }],
              export: [{ context, match: '1002' }],
            },
          },
          '--hint',
          'PJSIP/{ext}',
        );
        const { msk, spb } = sites;
        const phones = await phonesOf(lab, sites);
        const blf = await lab.blf(msk.pbx, '1009');
        for (const lamp of ['1001*spb', '91001']) await blf.subscribe(lamp);
        const ami = await msk.pbx.ami();
        assert.equal(await hintOf(ami, '1001*spb'), 'Custom:1001*spb,CustomPresence:1001*spb');
        assert.equal(await hintOf(ami, '91001'), 'Custom:91001,CustomPresence:91001');
        const there = await spb.pbx.ami();
        assert.equal(await hintOf(there, '510-02*spb'), 'PJSIP/1002');
        assert.equal(await hintOf(there, '51001*spb'), 'PJSIP/1001');

        for (const lamp of ['1001*spb', '91001']) {
          const made = phones.caller.call(lamp);
          const rings = await phones.callee.ringing();
          for (const shown of ['1001*spb', '91001']) await blf.shows(shown, 'early');
          rings.answer();
          await made.is('talking');
          await made.hangUp();
          await rings.is('ended');
          for (const shown of ['1001*spb', '91001']) await blf.shows(shown, 'terminated');
          await takes(phones, '1001', `**${lamp}`);
          await takes(phones, '600', `**${lamp}`);
        }
        assert.deepEqual([...msk.pbx.errors(), ...spb.pbx.errors()], []);
      }),
  );
}
