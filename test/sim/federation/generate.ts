/**
 * Draws a history from a seed: who is there, what happens, how it ends. Each run is given a few kinds of faults and
 * much of them, rather than a little of everything. A change here draws other histories; those that are kept stay.
 */
import { drawNet, drawSites } from './draw-sites.ts';
import { FAULTS, StepDrawer } from './draw-steps.ts';
import type { EndPlan, History, SitePlan, Step } from './history.ts';
import { Random } from './random.ts';

export function generate(seed: number): History {
  const random = new Random(seed);
  const net = drawNet(random);
  const sites = drawSites(random);
  const steps: Step[] = [];
  const drawer = new StepDrawer(random, sites, random.some(FAULTS, random.pick([0.1, 0.25, 0.6])));
  const count = random.pick([10, 25, 40, 60, 90]);
  while (steps.length < count) steps.push(...drawer.draw());
  return { format: 1, seed, net, sites, steps, end: drawEnd(random, sites) };
}

function drawEnd(random: Random, sites: readonly SitePlan[]): EndPlan {
  const keys = sites.map(({ key }) => key);
  const timing = sites[0]?.config.timing;
  const longMs = timing === undefined ? 0 : timing.suspect + timing.gone + 1_000;
  return {
    dead: random.chance(0.2) ? [random.pick(keys)] : [],
    down: random.chance(0.1) ? [random.pick(keys)] : [],
    lingerMs: random.weighted([
      [6, 0],
      [2, 3_000],
      [1, longMs],
    ]),
  };
}
