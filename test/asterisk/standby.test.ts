// Two brokers beside one PBX: one works and one stands by, and whichever of them dies, stops or stalls, the other one
// carries on; phones see nothing of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import { type Broker, peerEntry } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import { believes, lampsAre, linkedOver, MSK, type Pair, SPB, setDevices, startPair } from './pair.ts';
import type { Root } from './provision.ts';

const asterisks = await available();

/** Long enough for a broker that were not standing by to take its peers for gone. */
const FIRST_SYNC_S = 4;
/** With everything else by default. */
const TIMING = { first_sync: `${FIRST_SYNC_S}s` };

interface Scene extends Pair {
  readonly second: Broker;
}

async function start(lab: Lab, msk: Root, spb: Root): Promise<Scene> {
  const pair = await startPair(lab, { msk, spb, broker: { timing: TIMING } });
  const second = await lab.broker({ tag: MSK, name: 'second', pbx: pair.msk, timing: TIMING });
  second.peers.push(peerEntry(SPB, pair.spbBroker.identity, pair.spbBroker.url));
  await setDevices(pair.msk, { l2001: 'INUSE' });
  await setDevices(pair.spb, { l2005: 'RINGING' });
  await lampsAre(pair.spb, { '2001*msk': 'INUSE' });
  await lampsAre(pair.msk, { '2005*spb': 'RINGING' });
  await second.start();
  await standsBy(second, 1);
  return { ...pair, second };
}

/** Until it has said so for this time. */
function standsBy(broker: Broker, times: number): Promise<unknown> {
  return until(`${broker.tag} stands by`, () => broker.events('standby').length >= times);
}

/** Both directions, with states that were not there before. */
async function carries({ msk, spb }: Pair, state: string): Promise<number> {
  const since = performance.now();
  await setDevices(msk, { l2002: state });
  await setDevices(spb, { l2006: state });
  await lampsAre(spb, { '2001*msk': 'INUSE', '2002*msk': state });
  await lampsAre(msk, { '2005*spb': 'RINGING', '2006*spb': state });
  return performance.now() - since;
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

describe('two brokers beside one PBX', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: a broker that stands by takes over, and nobody flashes`, (t) =>
      inLab(async (lab) => {
        const scene = await start(lab, origin(), receiver());
        const { msk, spb, mskBroker, spbBroker, second } = scene;
        const watchers = await Promise.all([msk, spb].map(async (pbx) => (await pbx.ami()).fromNow()));

        // Started twice: it is quiet, and says why.
        await until('it has been there for longer than the first sync', async () => {
          return (await second.status()).uptimeSeconds > FIRST_SYNC_S + 1;
        });
        const { ready, conditions } = await second.status();
        assert.deepEqual([ready, conditions.map(({ code }) => code)], [false, ['standby']]);
        await carries(scene, 'INUSE');
        assert.deepEqual(spbBroker.events('link-refused'), [], 'the peers hear nothing of it');

        await mskBroker.kill();
        const killed = await carries(scene, 'BUSY');
        t.diagnostic(`right ${seconds(killed)} after the one that worked was killed`);
        assert.equal(await linkedOver(second, SPB), 'websocket');

        // The one that was dead is back, and stands by in its turn.
        await mskBroker.start();
        await standsBy(mskBroker, 1);
        await carries(scene, 'ONHOLD');

        await second.stop();
        const stopped = await carries(scene, 'NOT_INUSE');
        t.diagnostic(`right ${seconds(stopped)} after the one that worked was stopped`);

        // One that stalls has lost its place, and finds so before it does any harm.
        await second.start();
        await standsBy(second, 2);
        await mskBroker.freeze();
        await carries(scene, 'RINGING');
        mskBroker.thaw();
        await standsBy(mskBroker, 2);
        await carries(scene, 'INUSE');

        const told = ['INUSE', 'BUSY', 'ONHOLD', 'NOT_INUSE', 'RINGING', 'INUSE'];
        for (const [i, lamp] of ['2006*spb', '2002*msk'].entries()) {
          const changes = () => watchers[i]?.changesOf(`Custom:${lamp}`) ?? [];
          await until(`all changes of ${lamp} have been told`, () => changes().length >= told.length);
          assert.deepEqual(changes(), told);
        }
        for (const [i, lamp] of ['2005*spb', '2001*msk'].entries()) {
          assert.deepEqual(watchers[i]?.changesOf(`Custom:${lamp}`), []);
        }
        const gone = spbBroker.events('peer-belief').filter((line) => line['to'] === 'gone');
        assert.deepEqual(gone, []);
      }));

    test(
      `${title}: when their PBX is started again, the one that worked goes on working`,
      {
        skip: asterisks.skip,
      },
      () =>
        inLab(async (lab) => {
          const scene = await start(lab, origin(), receiver());
          const { msk, mskBroker, spbBroker, second } = scene;
          await msk.saved();
          await msk.kill();
          await msk.start();
          await until('it is up again', () => mskBroker.events('asterisk-up').length >= 2);
          await carries(scene, 'INUSE');
          assert.deepEqual(second.events('asterisk-up'), []);
          assert.deepEqual(spbBroker.events('link-refused'), []);
          await believes(spbBroker, MSK, 'live');
        }),
    );
  }
});
