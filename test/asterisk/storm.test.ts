// A storm of changes at the origin must not make the receiver's Asterisk deaf to its phones (law 5).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { available, eachPairing } from './available.ts';
import type { LampState } from './blf-phone.ts';
import { LOWEST, run } from './child.ts';
import { inLab } from './lab.ts';
import { lampsAre, startPair, WATCHER } from './pair.ts';
import type { StormOrder } from './storm-driver.ts';

const asterisks = await available();

const DRIVER = fileURLToPath(new URL('storm-driver.ts', import.meta.url));
const CHANGES = 20_000;
const PHONES = 20;
const LAMPS = 100;
/** Changes at the origin that it has not answered yet: about its natural pace. */
const WINDOW = 32;
/** As a dialog-info lamp shows them. */
const SHOWN: Readonly<Record<string, LampState>> = {
  NOT_INUSE: 'terminated',
  RINGING: 'early',
  INUSE: 'confirmed',
  ONHOLD: 'confirmed',
  BUSY: 'confirmed',
};
const STATES = Object.keys(SHOWN);

/** Sets devices `l2000`…; returns what each was set to last. */
async function storm(pbx: Asterisk): Promise<Readonly<Record<string, string>>> {
  const order: StormOrder = {
    host: pbx.host,
    port: pbx.amiPort,
    changes: CHANGES,
    devices: Array.from({ length: LAMPS }, (_, i) => `l${2_000 + i}`),
    states: STATES,
    window: WINDOW,
  };
  const argv = [...LOWEST, process.execPath, '--import', 'tsx', DRIVER, JSON.stringify(order)];
  return JSON.parse(await run(argv, 120_000)) as Record<string, string>;
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: ${CHANGES} changes, ${PHONES} phones watching ${LAMPS} lamps, and every OPTIONS answered`,
    {
      skip: asterisks.skip,
    },
    () =>
      inLab(async (lab) => {
        const watchers = Array.from({ length: PHONES }, (_, i) => String(4_001 + i));
        const { msk, spb } = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          phones: watchers,
          mskElsewhere: true,
        });
        const lamps = Array.from({ length: LAMPS }, (_, i) => `${2_000 + i}*msk`);
        await lampsAre(spb, Object.fromEntries(lamps.map((lamp) => [lamp, 'NOT_INUSE'])));
        let at = performance.now();
        const took = (): number => Math.round(performance.now() - at);
        const phones = await Promise.all(watchers.map((user) => lab.blf(spb, user)));
        await Promise.all(
          phones.map(async (phone) => {
            for (const lamp of lamps) await phone.subscribe(lamp);
          }),
        );
        console.log(`# ${PHONES * LAMPS} subscriptions in ${took()} ms`);

        const probe = await lab.probe(spb, WATCHER, 10);
        at = performance.now();
        const last = await storm(msk);
        console.log(`# ${CHANGES} changes in ${took()} ms`);
        const wanted = Object.fromEntries(
          lamps.map((lamp) => [lamp, last[`l${lamp.slice(0, 4)}`] ?? 'NOT_INUSE']),
        );
        await lampsAre(spb, wanted, 60_000);
        console.log(`# lamps right after ${took()} ms`);
        const wrong = (): string[] =>
          phones.flatMap((phone) =>
            lamps
              .filter((lamp) => phone.lamp(lamp) !== SHOWN[wanted[lamp] ?? ''])
              .map((lamp) => `${phone.user}:${lamp}`),
          );
        await until(
          () => `every phone shows it; ${wrong().slice(0, 5)}`,
          () => wrong().length === 0,
          60_000,
        );
        const result = await probe.finish();
        const notifies = phones.reduce((sum, phone) => sum + phone.total, 0);
        const repeated = phones.reduce((sum, phone) => sum + phone.repeated, 0);
        console.log(
          `# phones right after ${took()} ms; ${notifies} NOTIFYs, ${repeated} repeated; OPTIONS ${result.answered}/${result.asked}, slowest ${Math.round(result.slowestMs)} ms`,
        );
        assert.equal(result.answered, result.asked);
        assert.deepEqual(spb.errors(), []);
      }),
  );
}
