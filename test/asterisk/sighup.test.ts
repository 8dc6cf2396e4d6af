// The config is read again and again while phones watch a call: no phone hears of it. Owns that proof; what a reload
// takes and refuses is in test/cli and test/broker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { available, eachPairing } from './available.ts';
import type { BlfPhone } from './blf-phone.ts';
import type { Broker } from './broker.ts';
import { inLab } from './lab.ts';
import { believes, lampsAre, setDevices, startPair, WATCHER } from './pair.ts';

const asterisks = await available();

const RELOADS = 20;
/** Half of the reloads while it rings, half while they talk. */
const RING_MS = 8_000;
const TALK_MS = 10_000;
const LAMPS = ['1001*msk', '1002*msk', '2001*msk'];
/** Nobody is there: a peer that comes and goes with the config. */
const NOBODY = {
  tag: 'nsk',
  fingerprint: 'sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  url: 'wss://127.0.0.1:9',
};

/** The config changes with each reload: peers, exports, pacing, times and the level of the log. */
async function reload(broker: Broker, round: number): Promise<void> {
  const odd = round % 2 === 1;
  const others = broker.peers.filter(({ tag }) => tag !== NOBODY.tag);
  broker.peers.splice(0, broker.peers.length, ...others, ...(odd ? [NOBODY] : []));
  const own = { context: broker.pbx.context, match: ['1001', '1002', '_2XXX'] };
  const line = await broker.reload({
    exports: odd ? [own, { context: broker.pbx.context, match: '_9XXX' }] : [own],
    lamps: { burst: odd ? 20 : 10 },
    timing: { relist: odd ? '4m' : '5m' },
    logLevel: odd ? 'debug' : 'info',
  });
  assert.equal(line.event, 'reloaded', JSON.stringify(line));
}

async function watch(phone: BlfPhone): Promise<void> {
  for (const lamp of LAMPS) await phone.subscribe(lamp);
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: ${RELOADS} reloads of both brokers during a call give no NOTIFY that the call did not cause`,
    { skip: asterisks.skip },
    () =>
      inLab(async (lab) => {
        const { msk, spb, mskBroker, spbBroker } = await startPair(lab, { msk: origin(), spb: receiver() });
        const [caller, callee] = [await lab.sipp(msk, '1001'), await lab.sipp(msk, '1002')];
        await setDevices(msk, { l2001: 'ONHOLD' });
        await lampsAre(spb, { '2001*msk': 'ONHOLD', '1001*msk': 'NOT_INUSE' });
        const phone = await lab.blf(spb, WATCHER);
        await watch(phone);
        await phone.shows('2001*msk', 'confirmed');
        const before = phone.total;
        const links = [mskBroker, spbBroker].map((broker) => broker.events('link-down').length);

        const taken = await callee.takeCall({ ringMs: RING_MS });
        const made = await caller.call('1002', { talkMs: TALK_MS });
        await phone.shows('1002*msk', 'early');
        for (let round = 1; round <= RELOADS; round++) {
          if (round === RELOADS / 2) await phone.shows('1002*msk', 'confirmed');
          await Promise.all([reload(mskBroker, round), reload(spbBroker, round)]);
        }
        assert.equal(phone.lamp('1002*msk'), 'confirmed', 'the call goes on while the last reload is done');
        await Promise.all([taken.done, made.done]);
        await phone.shows('1001*msk', 'terminated');
        await phone.shows('1002*msk', 'terminated');

        assert.deepEqual(phone.shown('1002*msk'), ['terminated', 'early', 'confirmed', 'terminated']);
        assert.deepEqual(phone.shown('1001*msk'), ['terminated', 'confirmed', 'terminated']);
        // Three for the called phone and two for the calling one.
        assert.equal(phone.total - before, 5);
        assert.deepEqual(
          [mskBroker, spbBroker].map((broker) => broker.events('link-down').length),
          links,
          'no link went down',
        );
        await believes(spbBroker, 'msk', 'live');
        assert.deepEqual([...msk.errors(), ...spb.errors()], []);
      }),
  );
}
