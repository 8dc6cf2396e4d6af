// What else a PBX has lamps for: codes that switch DND and call forward, a queue, parked calls, a conference, a
// mailbox, a calendar, and names with stars, letters and dots. Each from what really happens at one PBX to the NOTIFY
// at a phone of the other, which must see what a phone of that PBX itself sees.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { available, eachPairing } from './available.ts';
import { AWAY, Features, MAILBOX, NAMES } from './features-scene.ts';
import { inLab } from './lab.ts';
import { lampsAre, MSK } from './pair.ts';

const asterisks = await available();

/** What a lamp went through, as both phones saw it. */
type Scenario = (scene: Features) => Promise<void>;

async function mailbox(scene: Features): Promise<void> {
  await scene.leaveMessage();
  await scene.show('*971001', 'confirmed');
  await scene.showMailbox('confirmed');
  await scene.hearMessages();
  await scene.show('*971001', 'terminated');
  await scene.showMailbox('terminated');
}

async function calendar(scene: Features): Promise<void> {
  await scene.appointment();
  await scene.show('6000', 'confirmed');
  await scene.show('6000', 'terminated');
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a code that sets DND': async (scene) => {
    await scene.dial('1001', '*78');
    await scene.show('*761001', 'confirmed');
    await scene.showPresence('dnd', '', '');
    await scene.dial('1001', '*79');
    await scene.show('*761001', 'terminated');
    await scene.showPresence('available', '', '');
  },

  'a code that says where one is': async (scene) => {
    await scene.dial('1001', '*88');
    await scene.showPresence('away', AWAY.subtype, AWAY.heard);
  },

  'a code that forwards calls': async (scene) => {
    await scene.dial('1001', '*721002');
    await scene.show('*741001', 'confirmed');
    await scene.dial('1001', '*73');
    await scene.show('*741001', 'terminated');
  },

  'somebody waits in a queue': async (scene) => {
    const call = await scene.talk('1001', '5000');
    await scene.show('5001', 'early');
    await call.hangUp();
    await scene.show('5001', 'terminated');
  },

  'a call is parked and taken back': async (scene) => {
    const parked = await scene.talk('1001', '700');
    await scene.show('701', 'confirmed');
    const taken = await scene.talk('1002', '701');
    await scene.show('701', 'terminated');
    await taken.hangUp();
    await parked.is('ended');
  },

  'somebody is in a conference': async (scene) => {
    const call = await scene.talk('1001', '8001');
    await scene.show('8001', 'confirmed');
    await call.hangUp();
    await scene.show('8001', 'terminated');
  },

  'a message is left, and heard; meanwhile a calendar says that somebody is busy': async (scene) => {
    await Promise.all([mailbox(scene), calendar(scene)]);
  },

  'what was said and left while the broker was away': async (scene) => {
    const { mskBroker } = scene.pair;
    await scene.dial('1001', '*79');
    await scene.showPresence('available', '', '');
    await mskBroker.kill();
    await scene.dial('1001', '*88');
    await scene.leaveMessage();
    await scene.show('*971001', 'confirmed', 'own');
    await mskBroker.start();
    await scene.showPresence('away', AWAY.subtype, AWAY.heard);
    await scene.show('*971001', 'confirmed');
    await scene.showMailbox('confirmed');
  },

  'names with stars, letters and dots, over a restart of the other PBX without its broker': async (scene) => {
    const { msk, spb, spbBroker } = scene.pair;
    const ami = await msk.ami();
    for (const [i, name] of NAMES.entries()) {
      await ami.setCustom(`name${i}`, 'RINGING');
      await scene.show(name, 'early');
    }
    const lamps = Object.fromEntries(NAMES.map((name) => [`${name}*${MSK}`, 'RINGING']));
    await lampsAre(spb, lamps);
    await spb.saved();
    await spbBroker.kill();
    await spb.kill();
    await spb.start();
    // From the rows of its own database.
    await lampsAre(spb, lamps);
    await spbBroker.start();
    for (const [i, name] of NAMES.entries()) {
      await ami.setCustom(`name${i}`, 'INUSE');
      await lampsAre(spb, { [`${name}*${MSK}`]: 'INUSE' });
    }
  },

  'nobody vouches for any of it any more': async (scene) => {
    await scene.pair.mskBroker.kill();
    await scene.showPresence('unavailable', '', '');
    await lampsAre(
      scene.pair.spb,
      Object.fromEntries([MAILBOX, ...NAMES].map((name) => [`${name}*${MSK}`, 'UNAVAILABLE'])),
    );
  },
};

describe('what else there are lamps for', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: a phone of the other PBX sees what a phone of their own PBX sees`, (t) =>
      inLab(async (lab) => {
        const scene = await Features.open(lab, { msk: origin(), spb: receiver() });
        for (const [name, scenario] of Object.entries(SCENARIOS)) {
          const begun = performance.now();
          await scenario(scene).catch((error) => {
            if (error instanceof Error) error.message = `${name}: ${error.message}`;
            throw error;
          });
          t.diagnostic(`${name}: ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
        }
        assert.deepEqual([...scene.pair.msk.errors(), ...scene.pair.spb.errors()], []);
      }));
  }
});
