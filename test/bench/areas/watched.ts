// Twenty phones watch a hundred and five lamps each. A hundred of the extensions storm, and on the other five people
// make calls: do these show in time, does the PBX still hear its phones, is everything right in the end? Owns how the
// rounds go; what the page says of them is watched-page.ts's.
import { inLab } from '../../asterisk/lab.ts';
import type { OptionsProbe, ProbeResult } from '../../asterisk/options-probe.ts';
import { WATCHER } from '../../asterisk/pair.ts';
import type { Area, Driver, Name, Run, Site } from '../contract.ts';
import { openDriver } from '../driver/driver.ts';
import { SITES } from '../sites/sites.ts';
import { median, quantile } from '../statistics.ts';
import {
  CHANGES,
  CONTESTANTS,
  EVERY_MS,
  LIVE,
  MEASURES,
  PHONES,
  QUICK_CHANGES,
  RATE,
  RIVAL_ROUNDS,
  STORMING,
  secondOf,
  section,
} from './watched-page.ts';
import { type LiveChange, openPhones, type Phones } from './watched-phones.ts';

/** Setvars that `a` has not answered yet. */
const WINDOW = 32;
/** Live changes without a storm: each of the five extensions twice. */
const QUIET_CHANGES = 10;
const OPTIONS_EVERY_MS = 10;
/** After the last question: the lamps were waited for before, so there is no load any more. */
const LAST_OPTIONS_MS = 1_000;

const USERS = Array.from({ length: PHONES }, (_, n) => String(4_001 + n));

interface Contestant {
  readonly name: Name;
  readonly site: Site;
  readonly driver: Driver;
  readonly phones: Phones;
  /** Asks the PBX from now on. */
  probe(pbx: Site['a']): Promise<OptionsProbe>;
}

export const watched: Area = {
  name: 'watched',
  slow: true,
  measure: (run) =>
    inLab(async (lab) => {
      const contestants: Contestant[] = [];
      for (const name of CONTESTANTS) {
        const options = { lamps: STORMING + LIVE, pacing: 'default', phones: USERS } as const;
        const site = await SITES[name](lab, run.root, options);
        const driver = await openDriver(lab, { ...site, lamps: STORMING });
        const phones = await openPhones(lab, site, USERS, STORMING);
        run.say(
          `${name}: ${PHONES * (STORMING + LIVE)} subscriptions in ${Math.round(phones.subscribedMs)} ms`,
        );
        contestants.push({
          ...{ name, site, driver, phones },
          probe: (pbx) => lab.probe(pbx, WATCHER, OPTIONS_EVERY_MS),
        });
      }
      for (let round = 1; round <= (run.quick ? 1 : run.rounds); round += 1) {
        const inTurn = round % 2 === 1 ? contestants : contestants.toReversed();
        for (const contestant of inTurn) {
          if (contestant.name === 'hintmesh' || round <= RIVAL_ROUNDS)
            await measureRound(run, round, contestant);
        }
      }
    }),
  section,
};

async function measureRound(run: Run, round: number, contestant: Contestant): Promise<void> {
  const { name, phones } = contestant;
  const add = (measure: string, value: number): void => run.add(measure, name, round, value);
  await phones.begin({ changes: QUIET_CHANGES, everyMs: EVERY_MS });
  const quiet = await phones.finish();
  addLateness(add, quiet.live, MEASURES.quiet);
  await storm(run, contestant, add);
}

async function storm(
  run: Run,
  { name, site, driver, phones, probe }: Contestant,
  add: (measure: string, value: number) => void,
): Promise<void> {
  const changes = run.quick ? QUICK_CHANGES : CHANGES;
  const stormMs = (changes / RATE) * 1_000;
  const [probeA, probeB] = await Promise.all([probe(site.a), probe(site.b)]);
  await phones.begin({ changes: Math.floor(stormMs / EVERY_MS), everyMs: EVERY_MS });
  const { triggerMs } = await driver.burst({ changes, window: WINDOW, rate: RATE });
  const watched = await phones.finish();
  const results = await Promise.all([probeA, probeB].map((each) => each.finish(LAST_OPTIONS_MS)));
  const [atA, atB] = results as [ProbeResult, ProbeResult];
  addLateness(add, watched.live, MEASURES.storm);
  const everySecond = 1_000 / EVERY_MS;
  for (let second = 0; second < Math.floor(stormMs / 1_000); second += 1) {
    const within = watched.live.slice(second * everySecond, (second + 1) * everySecond);
    add(secondOf(second), medianPhone(within));
  }
  add('live never shown', watched.never);
  add('asked OPTIONS', atA.asked + atB.asked);
  add('unanswered OPTIONS a', atA.asked - atA.answered);
  add('unanswered OPTIONS b', atB.asked - atB.answered);
  add('slowest OPTIONS b', atB.slowestMs);
  add('storm offered', changes / (triggerMs / 1_000));
  add('storm lamps right', watched.stormRight * 100);
  add('right after storm', watched.rightMs / 1_000);
  add('wrong', watched.wrong);
  add('NOTIFYs', watched.notifies);
  add('NOTIFYs repeated', watched.repeated);
  add('phones own delay', watched.ownDelayMs);
  run.say(
    `${name}: live ${Math.round(medianPhone(watched.live))} ms behind, OPTIONS unanswered ${atA.asked - atA.answered} and ${atB.asked - atB.answered} of ${atA.asked + atB.asked}, right ${(watched.rightMs / 1_000).toFixed(1)} s after the storm, ${watched.wrong} wrong, ${watched.notifies} NOTIFYs`,
  );
}

function medianPhone(live: readonly LiveChange[]): number {
  return median(live.map((change) => change.median));
}

/** Over all live changes of a round: of the median phone, and of the last one. */
function addLateness(
  add: (measure: string, value: number) => void,
  live: readonly LiveChange[],
  measures: (typeof MEASURES)['storm' | 'quiet'],
): void {
  const medians = live.map(({ median }) => median);
  const lasts = live.map(({ last }) => last);
  const arrivals = live.map(({ atB }) => atB);
  add(measures.atBP50, quantile(arrivals, 0.5));
  add(measures.atBP99, quantile(arrivals, 0.99));
  add(measures.p50, quantile(medians, 0.5));
  add(measures.p90, quantile(medians, 0.9));
  add(measures.p99, quantile(medians, 0.99));
  add(measures.lastP50, quantile(lasts, 0.5));
  add(measures.lastP99, quantile(lasts, 0.99));
}
