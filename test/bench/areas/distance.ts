// The two sites are far from each other: how late a change is, and how many get through. Owns how the rounds go; what
// the page says of them is distance-page.ts's.
import { inLab, type Lab } from '../../asterisk/lab.ts';
import type { Area, Driver, Run, Way } from '../contract.ts';
import { openDriver } from '../driver/driver.ts';
import { SITES } from '../sites/sites.ts';
import { quantile } from '../statistics.ts';
import { openWay, roundTrips } from '../way.ts';
import {
  AHEAD,
  CHANGES,
  DELAY_MS,
  LAMPS,
  LINE,
  MEASURES,
  PAUSE_MS,
  PUBLISH_CHANGES,
  PUBLISH_LAMPS,
  PUBLISH_QUICK_CHANGES,
  QUICK_CHANGES,
  SINGLE,
  section,
  WINDOW,
} from './distance-page.ts';
import { CONTESTANTS, type Contestant } from './latency-page.ts';
import { together } from './together.ts';
import { warm } from './warm.ts';

/** Round trips measured a round. */
const PINGS = 20;

type Drivers = ReadonlyMap<Contestant, Driver>;

export const distance: Area = {
  name: 'distance',
  measure: (run) =>
    inLab(async (lab) => {
      const way = await openWay(lab, { delayMs: DELAY_MS });
      const drivers = await start(lab, way, run);
      for (const [name, driver] of drivers) await warm(driver, name, run.quick, true);
      for (let round = 1; round <= run.rounds; round += 1) {
        const trips = quantile(await roundTrips(way, PINGS), 0.5);
        run.add(MEASURES.roundTrip, LINE, round, trips);
        run.say(`round trip ${trips.toFixed(1)} ms`);
        const inTurn = [...drivers];
        if (round % 2 === 0) inTurn.reverse();
        for (const [name, driver] of inTurn) await measureRound(run, round, name, driver);
      }
    }),
  section,
};

async function start(lab: Lab, way: Way, { root }: Run): Promise<Drivers> {
  return together(CONTESTANTS, async (name) => {
    const lamps = name === 'publish' ? PUBLISH_LAMPS : LAMPS;
    return openDriver(lab, await SITES[name](lab, root, { lamps, way }));
  });
}

async function measureRound(run: Run, round: number, name: Contestant, driver: Driver): Promise<void> {
  const add = (measure: string, value: number): void => run.add(measure, name, round, value);
  const times = await driver.latency(SINGLE, PAUSE_MS);
  const { changes, ms, seen, wrong } = await driver.burst(burstOf(name, run.quick));
  const p50 = quantile(times, 0.5);
  const slowest = Math.max(...times);
  const rate = seen / (ms / 1_000);
  add(MEASURES.p50, p50);
  add(MEASURES.slowest, slowest);
  add(MEASURES.throughput, rate);
  add(MEASURES.unseen, changes - seen);
  add(MEASURES.wrong, wrong);
  run.say(
    `${name}: p50 ${p50.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms, ${Math.round(rate)}/s, ${changes - seen} not seen, ${wrong} wrong`,
  );
}

function burstOf(name: Contestant, quick: boolean): Parameters<Driver['burst']>[0] {
  if (name === 'publish') {
    return { changes: quick ? PUBLISH_QUICK_CHANGES : PUBLISH_CHANGES, window: WINDOW };
  }
  return { changes: quick ? QUICK_CHANGES : CHANGES, window: WINDOW, ahead: AHEAD };
}
