// How late a single change is. Owns how the rounds go; what the page says of them is latency-page.ts's.
import { inLab } from '../../asterisk/lab.ts';
import type { Area } from '../contract.ts';
import { openDriver } from '../driver/driver.ts';
import { SITES } from '../sites/sites.ts';
import { quantile } from '../statistics.ts';
import { CHANGES, CONTESTANTS, LAMPS, MEASURES, PAUSE_MS, QUICK_CHANGES, section } from './latency-page.ts';
import { together } from './together.ts';
import { warm } from './warm.ts';

/** What a change counts that was waited for in vain. */
const LOST_MS = 5_000;

export const latency: Area = {
  name: 'latency',
  measure: (run) =>
    inLab(async (lab) => {
      const drivers = await together(CONTESTANTS, async (name) =>
        openDriver(lab, await SITES[name](lab, run.root, { lamps: LAMPS })),
      );
      for (const [name, driver] of drivers) await warm(driver, name, run.quick);
      for (let round = 1; round <= run.rounds; round += 1) {
        const inTurn = [...drivers];
        if (round % 2 === 0) inTurn.reverse();
        for (const [name, driver] of inTurn) {
          const changes = run.quick ? QUICK_CHANGES : CHANGES;
          const times = await driver.latency(changes, PAUSE_MS);
          const lost = changes - times.length;
          times.push(...Array.from({ length: lost }, () => LOST_MS));
          const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
          run.add(MEASURES.p50, name, round, p50);
          run.add(MEASURES.p99, name, round, p99);
          run.add(MEASURES.lost, name, round, lost);
          run.say(`${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${lost} never seen`);
        }
      }
    }),
  section,
};
