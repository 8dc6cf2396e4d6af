// How many changes get through, and what one costs. Owns how the rounds go; what the page says of them is
// throughput-page.ts's.
import { inLab, type Lab } from '../../asterisk/lab.ts';
import { WATCHER } from '../../asterisk/pair.ts';
import type { Area, Driver, Run, Site } from '../contract.ts';
import { open, openDriver } from '../driver/driver.ts';
import { device, eachLamp, extension, hinted } from '../sites/common.ts';
import { SITES } from '../sites/sites.ts';
import type { Contestant } from './latency-page.ts';
import { CONTESTANTS } from './latency-page.ts';
import {
  AHEAD,
  ALL,
  ALONE,
  ASTERISK_A,
  ASTERISK_B,
  burstOf,
  CHANGES,
  cpu,
  LAMPS,
  MEASURES,
  QUICK_CHANGES,
  section,
  TRIGGER,
  WINDOW,
} from './throughput-page.ts';
import { together } from './together.ts';
import { warm } from './warm.ts';

const OPTIONS_EVERY_MS = 10;
/** After the last question: the burst is over by then. */
const LAST_OPTIONS_MS = 2_000;

interface Running {
  readonly site: Site;
  readonly driver: Driver;
}

export const throughput: Area = {
  name: 'throughput',
  measure: (run) =>
    inLab(async (lab) => {
      const sites = await together(CONTESTANTS, async (name): Promise<Running> => {
        const site = await SITES[name](lab, run.root, { lamps: LAMPS });
        return { site, driver: await openDriver(lab, site) };
      });
      const alone = await asteriskAlone(lab, run);
      for (const [name, { driver }] of sites) await warm(driver, name, run.quick);
      for (let round = 1; round <= run.rounds; round += 1) {
        const inTurn = [...sites];
        if (round % 2 === 0) inTurn.reverse();
        for (const [name, running] of inTurn) await measureRound(lab, run, round, name, running);
        await measureCeiling(run, round, alone);
      }
    }),
  section,
};

function order(name: Contestant, quick: boolean): Parameters<Driver['burst']>[0] {
  return { changes: burstOf(name, quick), window: WINDOW, ahead: AHEAD };
}

async function measureRound(
  lab: Lab,
  run: Run,
  round: number,
  name: Contestant,
  { site, driver }: Running,
): Promise<void> {
  const add = (measure: string, value: number): void => run.add(measure, name, round, value);
  const probes = await Promise.all([site.a, site.b].map((pbx) => lab.probe(pbx, WATCHER, OPTIONS_EVERY_MS)));
  const pids = [site.a.pid, site.b.pid, ...site.carriers.map(({ pid }) => pid)];
  const before = await driver.cpu(pids);
  const { changes, seen, ms, wrong } = await driver.burst(order(name, run.quick));
  const after = await driver.cpu(pids);
  const [a, b] = await Promise.all(probes.map((probe) => probe.finish(LAST_OPTIONS_MS)));
  if (a === undefined || b === undefined) throw new Error('two probes ask two PBXs');

  const rate = seen / (ms / 1_000);
  add(MEASURES.throughput, rate);
  add(MEASURES.coalesced, changes - seen);
  add(MEASURES.wrong, wrong);
  add(MEASURES.asked, a.asked + b.asked);
  add(MEASURES.unansweredA, a.asked - a.answered);
  add(MEASURES.unansweredB, b.asked - b.answered);
  const names = [TRIGGER, ASTERISK_A, ASTERISK_B, ...site.carriers.map((carrier) => carrier.name)];
  const used = after.map((ms, at) => ((ms - (before[at] ?? Number.NaN)) * 1_000) / changes);
  for (const [at, of] of names.entries()) add(cpu(of), used[at] ?? Number.NaN);
  add(
    cpu(ALL),
    used.reduce((sum, each) => sum + each, 0),
  );
  const silent = a.asked - a.answered + b.asked - b.answered;
  run.say(
    `${name}: ${Math.round(rate)}/s, ${changes - seen} not seen, ${wrong} wrong, ${silent} of ${a.asked + b.asked} OPTIONS unanswered, µs a change: ${names.map((of, at) => `${of} ${Math.round(used[at] ?? 0)}`).join(', ')}`,
  );
}

/** One PBX that is both sides: it is set, and shows it. */
async function asteriskAlone(lab: Lab, { root }: Run): Promise<Driver> {
  const pbx = await lab.pbx({ root, name: 'alone', phones: [WATCHER], dialplan: hinted(LAMPS) });
  const where = { host: pbx.host, port: pbx.amiPort };
  const all = eachLamp(LAMPS);
  return open(lab, {
    a: where,
    b: where,
    devices: all.map((n) => device(n, LAMPS)),
    lamps: all.map((n) => extension(n, LAMPS)),
  });
}

async function measureCeiling(run: Run, round: number, alone: Driver): Promise<void> {
  const { changes, triggerMs } = await alone.burst({
    changes: run.quick ? QUICK_CHANGES : CHANGES,
    window: WINDOW,
  });
  const rate = changes / (triggerMs / 1_000);
  run.add(MEASURES.ceiling, ALONE, round, rate);
  run.say(`one Asterisk alone: ${Math.round(rate)} Setvars/s`);
}
