/**
 * Makes a history that breaks a law as short as it gets while it still breaks the same law: steps are left out in ever
 * smaller pieces, then times, sites and everything in Asterisk that does not matter.
 */
import type { CoreModule } from './broker.ts';
import type { History, SitePlan, Step } from './history.ts';
import { play } from './run.ts';

/** Plays that a shrinking may take. */
const MAX_PLAYS = 2_000;

export function shrink(history: History, law: string, core: CoreModule): History {
  let plays = 0;
  const fails = (candidate: History): boolean =>
    ++plays <= MAX_PLAYS && play(candidate, { core }).law === law;
  let best = history;
  const attempt = (candidate: History): boolean => {
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  const { steps } = play(history, { core });
  attempt({ ...history, steps: history.steps.slice(0, steps + 1) });
  for (let before = -1; before !== sizeOf(best) && plays < MAX_PLAYS; ) {
    before = sizeOf(best);
    for (const { key } of best.sites) {
      if (best.sites.length > 2) attempt(without(best, key));
    }
    leaveOutSteps(() => best, attempt);
    for (const candidate of simpler(best)) attempt({ ...best, ...candidate });
    for (const { key } of best.sites) {
      for (const simplify of simplifications(best, key)) attempt(changed(best, key, simplify));
    }
  }
  return best;
}

function sizeOf(history: History): number {
  return JSON.stringify(history).length;
}

function leaveOutSteps(best: () => History, attempt: (candidate: History) => boolean): void {
  for (
    let piece = Math.ceil(best().steps.length / 2);
    piece >= 1;
    piece = piece === 1 ? 0 : Math.ceil(piece / 2)
  ) {
    for (let at = 0; at < best().steps.length; ) {
      const { steps } = best();
      const [head, out, tail] = [steps.slice(0, at), steps.slice(at, at + piece), steps.slice(at + piece)];
      const quick = { ...best(), steps: [...head, ...tail] };
      // Their time may matter even if they do not.
      const waited = out.reduce((sum, step) => sum + step.after, 0);
      const slow = { ...best(), steps: [...head, ...later(tail, waited)] };
      if (!attempt(quick) && !attempt(slow)) at += piece;
    }
  }
  for (const [at, step] of best().steps.entries()) {
    if (step.after === 0) continue;
    const { steps } = best();
    const round = Math.round(step.after / 100) * 100;
    for (const after of new Set([0, round])) {
      if (after < step.after && attempt({ ...best(), steps: steps.with(at, { ...step, after }) })) break;
    }
  }
}

function later([first, ...rest]: readonly Step[], ms: number): Step[] {
  return first === undefined ? [{ op: 'wait', after: ms }] : [{ ...first, after: first.after + ms }, ...rest];
}

function without(history: History, key: string): History {
  const sites = history.sites
    .filter((site) => site.key !== key)
    .map((site) => {
      const peers = site.config.peers.filter((peer) => peer.tag !== key);
      return { ...site, config: { ...site.config, peers } };
    });
  const mentions = (step: Step): boolean =>
    ('site' in step && step.site === key) || ('to' in step && step.op !== 'call' && step.to === key);
  return { ...history, sites, steps: history.steps.filter((step) => !mentions(step)) };
}

function changed(history: History, key: string, change: (site: SitePlan) => SitePlan): History {
  return { ...history, sites: history.sites.map((site) => (site.key === key ? change(site) : site)) };
}

function simpler({ net, end }: History): Partial<History>[] {
  return [
    { net: { latencyMs: 1, frameStates: 200, bufferFrames: 20, queueStates: 1_000 } },
    { net: { ...net, latencyMs: 1 } },
    { net: { ...net, frameStates: 200 } },
    { end: { dead: [], down: [], lingerMs: 0 } },
    { end: { ...end, lingerMs: 0 } },
  ];
}

function* simplifications(history: History, key: string): Generator<(site: SitePlan) => SitePlan> {
  const plan = history.sites.find((site) => site.key === key)?.asterisk;
  for (const part of ['hints', 'devices', 'lamps'] as const) {
    const only = (keep: (name: string) => boolean) => (site: SitePlan) => {
      const rows = Object.entries<string>(site.asterisk[part]).filter(([name]) => keep(name));
      return { ...site, asterisk: { ...site.asterisk, [part]: Object.fromEntries(rows) } };
    };
    yield only(() => false);
    for (const name of Object.keys(plan?.[part] ?? {})) yield only((one) => one !== name);
  }
  yield (site) => ({
    ...site,
    asterisk: { ...site.asterisk, bootMs: 20, amiMs: 1, answerMs: 0, workMs: 1, renames: false, seed: 1 },
  });
  yield (site) => ({ ...site, config: { ...site.config, exports: [] } });
  yield (site) => ({ ...site, config: { ...site.config, pacing: { rate: null, burst: 10, window: 32 } } });
}
