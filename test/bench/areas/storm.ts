// Every extension changes at once, again and again: how soon after the end is every lamp right? Owns how the rounds go;
// what the page says of them is storm-page.ts's.
import { inLab, type Lab } from '../../asterisk/lab.ts';
import type { Area, Run, Site } from '../contract.ts';
import type { Where } from '../driver/commands.ts';
import { device, eachLamp, extension, hinted } from '../sites/common.ts';
import { SITES } from '../sites/sites.ts';
import {
  CEILING,
  CEILING_CHANGES,
  CONTESTANTS,
  type Contestant,
  changesOf,
  LAMPS,
  MEASURES,
  section,
  WINDOW,
} from './storm-page.ts';
import { openStorm, type Storm } from './storm-run.ts';
import { together } from './together.ts';

/** More rounds than that take too long, of what takes half a minute. */
const ROUNDS = 2;

export const storm: Area = {
  name: 'storm',
  // Two sites of one kind do not fit into one lab: they have the same names.
  measure: (run) => inLab((lab) => inLab((pacedLab) => measure(run, lab, pacedLab))),
  section,
};

async function measure(run: Run, lab: Lab, pacedLab: Lab): Promise<void> {
  const alone = await openAlone(lab, run);
  const storms = await together(CONTESTANTS, async ({ site: name, pacing }) => {
    const own = pacing === 'default' ? pacedLab : lab;
    const site = await SITES[name](own, run.root, { lamps: LAMPS, ...(pacing ? { pacing } : {}) });
    return openStorm(own, whereOf(site));
  });
  const rounds = run.quick ? 1 : Math.min(ROUNDS, run.rounds);
  for (let round = 1; round <= rounds; round += 1) {
    await measureCeiling(run, round, alone);
    const inTurn = [...storms].filter(([contestant]) => round <= contestant.rounds);
    await measureRound(run, round, inTurn);
  }
}

/** Storms in turn. What is left over of a paced one, fifty writes a second, goes on beside the next one. */
async function measureRound(
  run: Run,
  round: number,
  storms: readonly (readonly [Contestant, Storm])[],
): Promise<void> {
  const all: Promise<void>[] = [];
  for (const [contestant, each] of storms) {
    const { of, pacing } = contestant;
    const changes = changesOf(contestant, run.quick);
    const { triggered, done } = each.blow({ changes, window: WINDOW });
    const told = done.then(({ triggerMs, rightMs, writes, wrong }) => {
      run.add(MEASURES.triggered, of, round, triggerMs / 1_000);
      run.add(MEASURES.right, of, round, rightMs / 1_000);
      run.add(MEASURES.writes, of, round, writes);
      run.add(MEASURES.wrong, of, round, wrong);
      run.say(
        `${of}: triggered in ${(triggerMs / 1_000).toFixed(1)} s, right ${(rightMs / 1_000).toFixed(2)} s after, ${writes} writes, ${wrong} wrong`,
      );
    });
    all.push(told);
    // Waited for below: a failure meanwhile is not one that nobody looks after.
    told.catch(() => {});
    await (pacing === 'default' ? triggered : told);
  }
  await Promise.all(all);
}

function whereOf({ a, b, lamp, device }: Pick<Site, 'a' | 'b' | 'lamp' | 'device'>): Where {
  const all = eachLamp(LAMPS);
  return {
    a: { host: a.host, port: a.amiPort },
    b: { host: b.host, port: b.amiPort },
    devices: all.map(device),
    lamps: all.map(lamp),
  };
}

/** A PBX that shows its own lamps. */
async function openAlone(lab: Lab, { root }: Run): Promise<Storm> {
  const pbx = await lab.pbx({ root, name: 'alone', dialplan: hinted(LAMPS) });
  const lamp = (n: number): string => extension(n, LAMPS);
  return openStorm(lab, whereOf({ a: pbx, b: pbx, lamp, device: (n) => device(n, LAMPS) }));
}

async function measureCeiling(run: Run, round: number, alone: Storm): Promise<void> {
  const { triggerMs, rightMs } = await alone.blow({ changes: CEILING_CHANGES, window: WINDOW }).done;
  const rate = CEILING_CHANGES / (triggerMs / 1_000);
  run.add(MEASURES.ceiling, CEILING, round, rate);
  run.add(MEASURES.right, CEILING, round, rightMs / 1_000);
  run.say(
    `an Asterisk alone takes ${Math.round(rate)} Setvars a second, and is right ${Math.round(rightMs)} ms after`,
  );
}
