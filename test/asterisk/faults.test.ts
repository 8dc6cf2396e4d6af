// What breaks and comes back: brokers, PBXs and the line. After each, lamps are right with nobody's help.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pause, until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import { TRANSPORTS } from './broker.ts';
import { inLab } from './lab.ts';
import {
  believes,
  HASTY,
  lampsAre,
  MSK,
  type PairOptions,
  SPB,
  setDevices,
  startPair,
  WATCHER,
} from './pair.ts';

const asterisks = await available();

/** Two unanswered intervals of `alive`, suspect, gone, and some slack; a Ping may take 5 s more to fail. */
const UNANSWERED_MS = 5_000;
/** Most of the time is spent waiting: several scenarios fit on two cores. */
const AT_ONCE = 3;

const SUITES = eachPairing(asterisks).flatMap((pairing, turn) =>
  TRANSPORTS.map((transport) => ({ ...pairing, transport, turn })),
);

for (const { title, origin, receiver, transport, turn } of SUITES) {
  const pair = (): PairOptions => ({ msk: origin(), spb: receiver(), transport });
  const hasty = (): PairOptions => ({ ...pair(), broker: { timing: HASTY } });
  let asked = 0;
  /** Over WebSocket in both pairings; over ZeroMQ in one, turn about, so that each version plays each part. */
  const scenario = (what: string, run: () => Promise<void>): void => {
    asked += 1;
    if (transport === 'websocket' || asked % 2 === turn) test(what, run);
  };

  describe(`${title}, ${transport}`, { skip: asterisks.skip, concurrency: AT_ONCE }, () => {
    scenario('a peer that stays dead takes its lamps to UNAVAILABLE after the default 3 s + 15 s', () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker } = await startPair(lab, pair());
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE' });
        const ami = await (await spb.ami()).fromNow();
        const died = performance.now();
        await mskBroker.kill();
        await until('the lamp changes', () => ami.changesOf('Custom:2001*msk').length > 0, 30_000);
        const took = performance.now() - died;
        assert.deepEqual(ami.changesOf('Custom:2001*msk'), ['UNAVAILABLE']);
        // The last `alive` was up to a second before the death.
        assert.ok(took > 16_500 && took < 20_000, `after ${took} ms`);
      }),
    );

    scenario("the origin's broker dies by kill -9 and is started again", () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker } = await startPair(lab, pair());
        await setDevices(msk, { l2001: 'INUSE', l2002: 'RINGING' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'RINGING', '2003*msk': 'NOT_INUSE' });
        await mskBroker.kill();
        await setDevices(msk, { l2001: 'NOT_INUSE', l2003: 'ONHOLD' });
        await mskBroker.start();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'RINGING', '2003*msk': 'ONHOLD' });
        // With the default grace a restart flashes nothing: nobody was gone.
        assert.deepEqual(
          spbBroker.events('peer-belief').filter((line) => line['to'] === 'gone'),
          [],
        );
      }),
    );

    scenario("the receiver's broker dies by kill -9 and is started again", () =>
      inLab(async (lab) => {
        const { msk, spb, spbBroker } = await startPair(lab, hasty());
        await setDevices(msk, { l2001: 'INUSE', l2002: 'RINGING' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'RINGING' });
        await spbBroker.kill();
        await setDevices(msk, { l2001: 'NOT_INUSE', l2003: 'BUSY' });
        await spbBroker.start();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'RINGING', '2003*msk': 'BUSY' });
      }),
    );

    scenario("the origin's Asterisk restarts, killed or in good order", () =>
      inLab(async (lab) => {
        const { msk, spb } = await startPair(lab, hasty());
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE' });
        for (const end of ['kill', 'stop'] as const) {
          await msk.saved();
          await msk[end]();
          await msk.start();
          // AstDB brings the device back as it was, and Asterisk shows it so.
          await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'NOT_INUSE' });
          await setDevices(msk, { l2001: 'RINGING' });
          await lampsAre(spb, { '2001*msk': 'RINGING' });
          await setDevices(msk, { l2001: 'INUSE' });
          await lampsAre(spb, { '2001*msk': 'INUSE' });
        }
      }),
    );

    scenario("the origin's Asterisk stays away: nobody vouches for its lamps until it is back", () =>
      inLab(async (lab) => {
        const { msk, spb } = await startPair(lab, hasty());
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE' });
        await msk.freeze();
        // Before the AMI session itself is given up: an Asterisk that does not answer is vouched for no more.
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE', '2002*msk': 'UNAVAILABLE' }, UNANSWERED_MS);
        msk.thaw();
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'NOT_INUSE' });
        await msk.stop();
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE' });
        await msk.start();
        await lampsAre(spb, { '2001*msk': 'INUSE' });
      }),
    );

    scenario("the receiver's Asterisk restarts with a lamp in AstDB that is red no more", () =>
      inLab(async (lab) => {
        const { msk, spb, spbBroker } = await startPair(lab, hasty());
        await setDevices(msk, { l2001: 'INUSE', l2002: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'INUSE' });
        await spb.saved();
        await spb.kill();
        await setDevices(msk, { l2001: 'NOT_INUSE' });
        await spb.start();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'INUSE' });

        // It comes back without any memory: never-written lamps would show idle.
        await spb.stop();
        await spb.wipe();
        await spb.start();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'INUSE' });

        // Its broker was dead too, and both come back, memory and all, to an origin that is gone.
        await spbBroker.kill();
        await spb.stop();
        await msk.stop();
        await spb.start();
        const ami = await spb.ami();
        assert.equal(await ami.deviceState('Custom:2002*msk'), 'INUSE');
        await spbBroker.start();
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE', '2002*msk': 'UNAVAILABLE' });
        await msk.start();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'INUSE' });
      }),
    );

    scenario('the line is cut: lamps hold, then nobody vouches for them; it is mended: they are right', () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker, cut, mend } = await startPair(lab, {
          ...hasty(),
          apart: true,
        });
        await setDevices(msk, { l2001: 'INUSE' });
        await setDevices(spb, { l2005: 'RINGING' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'NOT_INUSE' });
        await lampsAre(msk, { '2005*spb': 'RINGING' });
        await cut();
        await setDevices(msk, { l2001: 'NOT_INUSE', l2002: 'INUSE' });
        await Promise.all([believes(spbBroker, MSK, 'suspect'), believes(mskBroker, SPB, 'suspect')]);
        const held = await spb.ami();
        assert.equal(await held.deviceState('Custom:2001*msk'), 'INUSE');
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE', '2002*msk': 'UNAVAILABLE' });
        await lampsAre(msk, { '2005*spb': 'UNAVAILABLE' });
        await mend();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'INUSE' });
        await lampsAre(msk, { '2005*spb': 'RINGING' });
      }),
    );

    scenario('the line is cut for less than the grace: no lamp moves but those that changed', () =>
      inLab(async (lab) => {
        const { msk, spb, spbBroker, cut, mend } = await startPair(lab, { ...pair(), apart: true });
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'NOT_INUSE' });
        const ami = await (await spb.ami()).fromNow();
        await cut();
        await setDevices(msk, { l2002: 'INUSE' });
        await believes(spbBroker, MSK, 'suspect');
        await mend();
        await until('the change comes over', () => ami.changesOf('Custom:2002*msk').length > 0);
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'INUSE' });
        assert.deepEqual(ami.changesOf('Custom:2001*msk'), []);
        assert.deepEqual(ami.changesOf('Custom:2002*msk'), ['INUSE']);
      }),
    );

    scenario('a broker that stands still longer than the grace is gone; when it goes on, all is right', () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker } = await startPair(lab, hasty());
        await setDevices(msk, { l2001: 'INUSE' });
        await setDevices(spb, { l2005: 'BUSY' });
        await lampsAre(spb, { '2001*msk': 'INUSE' });
        await lampsAre(msk, { '2005*spb': 'BUSY' });
        await mskBroker.freeze();
        await setDevices(msk, { l2001: 'NOT_INUSE', l2002: 'RINGING' });
        await setDevices(spb, { l2005: 'NOT_INUSE' });
        await believes(spbBroker, MSK, 'gone');
        await lampsAre(spb, { '2001*msk': 'UNAVAILABLE', '2002*msk': 'UNAVAILABLE' });
        mskBroker.thaw();
        await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2002*msk': 'RINGING' });
        await lampsAre(msk, { '2005*spb': 'NOT_INUSE' });
      }),
    );

    scenario('a lamp never written does not show Idle once a phone subscribes to it', () =>
      inLab(async (lab) => {
        const { spb, mskBroker, spbBroker } = await startPair(lab, hasty());
        const phone = await lab.blf(spb, WATCHER);
        // msk is live and has no such extension.
        await phone.subscribe('7777*msk');
        await lampsAre(spb, { '7777*msk': 'INVALID' });
        const ami = await spb.ami();
        await until(
          'the hint shows it',
          async () => (await ami.hintState('7777*msk', spb.context)) === 'Unavailable',
        );
        await mskBroker.kill();
        await believes(spbBroker, MSK, 'gone');
        await phone.subscribe('7778*msk');
        await lampsAre(spb, { '7778*msk': 'UNAVAILABLE' });
        await until(
          'the hint shows it',
          async () => (await ami.hintState('7778*msk', spb.context)) === 'Unavailable',
        );
      }),
    );

    scenario('a broker stopped in good order and started again flashes nothing', () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker } = await startPair(lab, pair());
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE' });
        const ami = await (await spb.ami()).fromNow();
        const exit = await mskBroker.stop();
        assert.deepEqual(exit, { code: 0, signal: null });
        assert.equal(spbBroker.events('peer-bye').length, 1);
        await pause(1_000); // longer than the suspicion that a bye causes at once
        await mskBroker.start();
        await believes(spbBroker, MSK, 'live');
        await setDevices(msk, { l2002: 'BUSY' });
        await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': 'BUSY' });
        assert.deepEqual(ami.changesOf('Custom:2001*msk'), []);
      }),
    );
  });
}
