// Channels as the only source: what four phones on one PBX do, on their lamps at the other. The PBX of the phones
// exports no hint and no device. All of a pairing's scenarios play on one pair of PBXs, one after another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { available, eachPairing } from './available.ts';
import { type Histories, type Phone, Scene } from './channels-scene.ts';
import { inLab } from './lab.ts';
import { MSK } from './pair.ts';
import type { Call } from './softphone-call.ts';

const asterisks = await available();

/** The two ends of a call. */
type Ends = readonly [caller: Call, callee: Call];

/** `from` calls `to`, who rings. */
async function ring({ phones }: Scene, from: Phone, to: Phone): Promise<Ends> {
  const caller = phones[from].call(to);
  const callee = await phones[to].ringing();
  await caller.rings();
  return [caller, callee];
}

/** `from` calls `to`, who answers. */
async function talk(scene: Scene, from: Phone, to: Phone): Promise<Ends> {
  const ends = await ring(scene, from, to);
  ends[1].answer();
  await ends[0].is('talking');
  await scene.connected(from, to);
  return ends;
}

/** A caller who is refused is BUSY for the moment in which Asterisk says so; whether it is seen is chance. */
function without(state: string, histories: Record<Phone, string[]>): Record<Phone, string[]> {
  const kept = Object.entries(histories).map(([phone, states]) => [phone, states.filter((s) => s !== state)]);
  return Object.fromEntries(kept) as Record<Phone, string[]>;
}

const SCENARIOS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'the calling party is busy before anybody answers; both are while they talk, and free at the end': async (
    scene,
  ) => {
    const [caller, callee] = await ring(scene, '1001', '1002');
    await scene.show({ 1001: 'INUSE', 1002: 'RINGING' });
    callee.answer();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
    await caller.hangUp();
    await scene.show({});
    scene.went({ 1001: ['INUSE', 'NOT_INUSE'], 1002: ['RINGING', 'INUSE', 'NOT_INUSE'] });
    await scene.blf.shows(`1001*${MSK}`, 'terminated');
    await scene.blf.shows(`1002*${MSK}`, 'terminated');
    assert.deepEqual(scene.blf.shown(`1001*${MSK}`), ['terminated', 'confirmed', 'terminated']);
    assert.deepEqual(scene.blf.shown(`1002*${MSK}`), ['terminated', 'early', 'confirmed', 'terminated']);
  },

  'a caller who calls no phone is busy all the same': async (scene) => {
    const caller = scene.phones['1001'].call('600');
    await scene.show({ 1001: 'INUSE' });
    await caller.hangUp();
    await scene.show({});
    scene.went({ 1001: ['INUSE', 'NOT_INUSE'] });
  },

  'the phone that holds shows hold, until it takes the call back': async (scene) => {
    const [caller, callee] = await talk(scene, '1001', '1002');
    await callee.hold();
    // chan_pjsip gives ONHOLD to the other phone, the one that waits.
    await scene.show({ 1001: 'INUSE', 1002: 'ONHOLD' }, { 1001: 'ONHOLD', 1002: 'INUSE' });
    await callee.unhold();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
    await caller.hold();
    await scene.show({ 1001: 'ONHOLD', 1002: 'INUSE' }, { 1001: 'INUSE', 1002: 'ONHOLD' });
    await callee.hold();
    await scene.show({ 1001: 'ONHOLD', 1002: 'ONHOLD' });
    await caller.hangUp();
    await scene.show({});
    scene.went({
      1001: ['INUSE', 'ONHOLD', 'NOT_INUSE'],
      1002: ['RINGING', 'INUSE', 'ONHOLD', 'INUSE', 'ONHOLD', 'NOT_INUSE'],
    });
  },

  'a second call that is refused or given up leaves the first one as it was': async (scene) => {
    await talk(scene, '1001', '1002');
    const [, refused] = await ring(scene, '1003', '1002');
    await scene.show({ 1001: 'INUSE', 1002: 'RINGINUSE', 1003: 'INUSE' });
    refused.decline();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
    const [caller] = await ring(scene, '1003', '1002');
    await scene.show({ 1001: 'INUSE', 1002: 'RINGINUSE', 1003: 'INUSE' });
    await caller.cancel();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
    const went: Histories = {
      1001: ['INUSE'],
      1002: ['RINGING', 'INUSE', 'RINGINUSE', 'INUSE', 'RINGINUSE', 'INUSE'],
      1003: ['INUSE', 'NOT_INUSE', 'INUSE', 'NOT_INUSE'],
    };
    scene.went(went, without('BUSY', scene.histories()));
  },

  'a phone that takes a second call and ends it is back on hold with the first': async (scene) => {
    const [, first] = await talk(scene, '1001', '1002');
    await first.hold();
    await scene.lampsShow({ 1001: 'INUSE', 1002: 'ONHOLD' });
    const [, second] = await ring(scene, '1003', '1002');
    await scene.show({ 1001: 'INUSE', 1002: 'RINGINUSE', 1003: 'INUSE' }, { 1001: 'ONHOLD' });
    second.answer();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE' }, { 1001: 'ONHOLD' });
    await second.hangUp();
    await scene.show({ 1001: 'INUSE', 1002: 'ONHOLD' }, { 1001: 'ONHOLD', 1002: 'INUSE' });
    await first.unhold();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
  },

  'a caller who gives up leaves both phones free': async (scene) => {
    const [caller] = await ring(scene, '1001', '1002');
    await scene.show({ 1001: 'INUSE', 1002: 'RINGING' });
    await caller.cancel();
    await scene.show({});
    scene.went({ 1001: ['INUSE', 'NOT_INUSE'], 1002: ['RINGING', 'NOT_INUSE'] });
  },

  'an attended transfer frees the phone that made it; the other two talk on': async (scene) => {
    const [, held] = await talk(scene, '1001', '1002');
    await held.hold();
    await scene.lampsShow({ 1001: 'INUSE', 1002: 'ONHOLD' });
    const [asked, third] = await talk(scene, '1002', '1003');
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE' }, { 1001: 'ONHOLD' });
    await held.transferTo(asked);
    await asked.is('ended');
    await scene.show({ 1001: 'INUSE', 1003: 'INUSE' });
    await third.hangUp();
    await scene.show({});
    const { 1003: atThird, ...rest } = scene.histories();
    // 1003 was answered as soon as it rang.
    assert.deepEqual(atThird.slice(-2), ['INUSE', 'NOT_INUSE']);
    assert.deepEqual(rest[1001], ['INUSE', 'NOT_INUSE']);
    assert.deepEqual(rest[1002].slice(-4), ['INUSE', 'ONHOLD', 'INUSE', 'NOT_INUSE']);
  },

  'a transfer to a waiting call, where one channel takes the place of another, is right': async (scene) => {
    const waiting = scene.phones['1001'].call('600');
    await waiting.is('talking');
    await waiting.hold();
    const [asked, third] = await talk(scene, '1001', '1003');
    await scene.show({ 1001: 'INUSE', 1003: 'INUSE' });
    await asked.transferTo(waiting);
    await waiting.is('ended');
    await scene.show({ 1003: 'INUSE' });
    await third.hold();
    // Nobody is at the other end, so Asterisk has nobody to think on hold.
    await scene.show({ 1003: 'ONHOLD' }, { 1003: 'INUSE' });
    await third.hangUp();
    await scene.show({});
  },

  'a call picked up at another phone frees the one that rang; hold and hangup go on at the new one': async (
    scene,
  ) => {
    const [caller, rang] = await ring(scene, '1001', '1003');
    await scene.show({ 1001: 'INUSE', 1003: 'RINGING' });
    const picked = scene.phones['1004'].call('*81003');
    await rang.is('ended');
    await caller.is('talking');
    await scene.show({ 1001: 'INUSE', 1004: 'INUSE' });
    await picked.hold();
    await scene.show({ 1001: 'INUSE', 1004: 'ONHOLD' }, { 1001: 'ONHOLD', 1004: 'INUSE' });
    await picked.unhold();
    await scene.show({ 1001: 'INUSE', 1004: 'INUSE' });
    await caller.hangUp();
    await scene.show({});
    scene.went({
      1001: ['INUSE', 'NOT_INUSE'],
      1003: ['RINGING', 'NOT_INUSE'],
      1004: ['INUSE', 'ONHOLD', 'INUSE', 'NOT_INUSE'],
    });
  },

  'a phone that AMI takes out of its call, called or calling, stays busy alone': async (scene) => {
    for (const [taken, left] of [
      ['1002', '1001'],
      ['1001', '1002'],
    ] as const) {
      await talk(scene, '1001', '1002');
      await scene.show({ 1001: 'INUSE', 1002: 'INUSE' });
      scene.forget();
      await scene.redirect(taken, '600');
      await scene.show({ [taken]: 'INUSE' });
      scene.went({ [left]: ['NOT_INUSE'] });
      await scene.phones[taken].hangUpAll();
      await scene.show({});
    }
  },

  'a caller whom AMI takes away while the other phone rings stays busy; the other is free': async (scene) => {
    const [caller, callee] = await ring(scene, '1001', '1002');
    await scene.redirect('1001', '600');
    await callee.is('ended');
    await scene.show({ 1001: 'INUSE' });
    await caller.hangUp();
    await scene.show({});
    assert.deepEqual(scene.histories()['1001'], ['INUSE', 'NOT_INUSE']);
  },

  'a broker that stops and starts while calls are up never shows a busy phone as free': async (scene) => {
    const { mskBroker } = scene.pair;
    await talk(scene, '1001', '1002');
    const [, callee] = await ring(scene, '1003', '1004');
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE', 1004: 'RINGING' });
    scene.forget();
    await mskBroker.stop();
    callee.answer();
    await mskBroker.start();
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE', 1004: 'INUSE' });
    scene.went({ 1004: ['INUSE'] });
  },

  'a broker that is killed while calls are up finds them again, and what ended meanwhile': async (scene) => {
    const { mskBroker } = scene.pair;
    const [caller] = await talk(scene, '1001', '1002');
    await talk(scene, '1003', '1004');
    await scene.show({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE', 1004: 'INUSE' });
    scene.forget();
    await mskBroker.kill();
    await caller.hangUp();
    await mskBroker.start();
    await scene.show({ 1003: 'INUSE', 1004: 'INUSE' });
    scene.went({ 1001: ['NOT_INUSE'], 1002: ['NOT_INUSE'] });
  },

  'a broker that starts while a call is on hold shows both phones busy until one holds again': async (
    scene,
  ) => {
    const { mskBroker } = scene.pair;
    const [caller, callee] = await talk(scene, '1001', '1002');
    await callee.hold();
    await scene.lampsShow({ 1001: 'INUSE', 1002: 'ONHOLD' });
    scene.forget();
    await mskBroker.stop();
    await mskBroker.start();
    await scene.lampsShow({ 1001: 'INUSE', 1002: 'INUSE' });
    await callee.unhold();
    await caller.hold();
    await scene.lampsShow({ 1001: 'ONHOLD', 1002: 'INUSE' });
    scene.went({ 1001: ['ONHOLD'], 1002: ['INUSE'] });
  },

  'a broker that reads everything again while calls are up leaves the lamps alone, hold included': async (
    scene,
  ) => {
    const [, callee] = await talk(scene, '1001', '1002');
    await callee.hold();
    const [, rings] = await ring(scene, '1003', '1004');
    const states = { 1001: 'INUSE', 1002: 'ONHOLD', 1003: 'INUSE' };
    await scene.lampsShow({ ...states, 1004: 'RINGING' });
    scene.forget();
    await scene.reread();
    // What comes after it proves that nothing came of it.
    rings.answer();
    await scene.lampsShow({ ...states, 1004: 'INUSE' });
    scene.went({ 1004: ['INUSE'] });
    await callee.unhold();
    await scene.lampsShow({ ...states, 1002: 'INUSE', 1004: 'INUSE' });
  },

  'the phones of a PBX that dies with calls up and comes back are free, and call again': async (scene) => {
    await talk(scene, '1001', '1002');
    await ring(scene, '1003', '1004');
    await scene.lampsShow({ 1001: 'INUSE', 1002: 'INUSE', 1003: 'INUSE', 1004: 'RINGING' });
    scene.forget();
    await scene.crash();
    await scene.lampsShow({});
    scene.went({ 1001: ['NOT_INUSE'], 1002: ['NOT_INUSE'], 1003: ['NOT_INUSE'], 1004: ['NOT_INUSE'] });
    await talk(scene, '1004', '1003');
    await scene.lampsShow({ 1003: 'INUSE', 1004: 'INUSE' });
  },
};

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(`${title}: channels alone tell what phones do`, { skip: asterisks.skip }, (t) =>
    inLab(async (lab) => {
      const scene = await Scene.open(lab, { msk: origin(), spb: receiver() });
      let failure: unknown;
      for (const [what, play] of Object.entries(SCENARIOS)) {
        await t.test(what, async () => {
          try {
            await play(scene);
            await scene.reset();
          } catch (error) {
            failure ??= error;
            await scene.reset();
            throw error;
          }
        });
      }
      // Known here too, the lab says what its PBXs and brokers logged.
      if (failure) throw failure;
      assert.deepEqual([...scene.pair.msk.errors(), ...scene.pair.spb.errors()], []);
    }),
  );
}
