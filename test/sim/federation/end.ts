/**
 * How a run ends: all faults stop, and within the time that law 2 promises everything is right, and stays so. Owns that
 * time, worked out from docs/architecture.md, and what right means; the laws that hold all along are in laws/.
 */
import type { DeviceState } from '../../../src/core/state.ts';
import { truthOf } from './laws/truth.ts';
import { demand, lampOf, lampsNamed, shownAs, splitLamp, Violation } from './laws/words.ts';
import type { Site, World } from './world.ts';

/** For Asterisks to boot, for links that only one end believes in to be found out: not what law 2 is about. */
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
const RETRY_MAX_MS = 10_000;
/** A lamp that somebody else wrote settles for a second, and is repaired at most once a second. */
const DRIFT_MS = 2_200;
/** Ways through the network and Asterisk, and ticks. */
const SLACK_MS = 1_000;

export function finish(world: World): void {
  const calmAt = calm(world);
  const readyBy = calmAt + READY_WITHIN_MS;
  while (!isReady(world, calmAt)) {
    demand(world.agenda.now < readyBy, 'simulation', () => 'the edges do not come to rest');
    world.pass(LOOK_EVERY_MS);
  }
  world.say(() => 'CALM: everything is there; now law 2 counts');
  const from = world.agenda.now;
  const { soonMs, goneMs } = promise(world);
  for (;;) {
    const wrong = [...whatIsWrong(world)];
    if (wrong.length === 0) break;
    const late = wrong.find(({ ofGone }) => world.agenda.now - from > soonMs + (ofGone ? goneMs : 0));
    if (late)
      throw new Violation(late.law, `${late.text}, ${world.agenda.now - from} ms after the faults stopped`);
    world.pass(LOOK_EVERY_MS);
  }
  world.count('ends: right in time');
  world.pass(world.history.end.lingerMs);
  for (const { law, text } of whatIsWrong(world)) throw new Violation(`${law} (stays)`, text);
}

/** Whether the broker of this site is to run in the end: of two with one tag only one is. */
function lives(world: World, site: Site): boolean {
  const { dead } = world.history.end;
  if (dead.includes(site.key)) return false;
  return !site.plan.clone || dead.includes(site.tag);
}

function calm(world: World): number {
  for (const path of world.paths()) {
    path.heal();
    path.pace(world.history.net.latencyMs, 0);
  }
  for (const site of world.sites.values()) {
    const { asterisk } = site;
    site.hasVanished = false;
    asterisk.unmute();
    asterisk.refuseNothing();
    asterisk.answerMs = Math.min(2, site.plan.asterisk.answerMs);
    asterisk.workMs = site.plan.asterisk.workMs;
    if (world.history.end.down.includes(site.key)) asterisk.kill();
    else asterisk.start();
    world.thaw(site);
    if (!lives(world, site)) site.broker?.kill(true);
  }
  return world.agenda.now;
}

/** Every broker runs and has read its Asterisk, and no link is up at one end only. */
function isReady(world: World, calmAt: number): boolean {
  let ready = true;
  for (const site of world.sites.values()) {
    if (!lives(world, site)) continue;
    if (site.broker === undefined) world.startBroker(site);
    const { broker } = site;
    if (broker === undefined || broker.isStopping) ready = false;
    else if (hasAsterisk(world, site)) {
      const { asteriskUp, exportsRead } = broker.core.status(world.agenda.now);
      const isRead = asteriskUp && exportsRead && broker.ami.lastRead > calmAt + SLACK_MS;
      if (!isRead) broker.ami.relist();
      if (!isRead || !site.asterisk.isIdle) ready = false;
    }
  }
  for (const connection of world.connections) if (connection.isHalfOpen) ready = false;
  return ready;
}

function hasAsterisk(world: World, site: Site): boolean {
  return !world.history.end.down.includes(site.key);
}

/** What law 2 promises, and how much later the lamps of an origin that does not come back show that. */
function promise(world: World): { soonMs: number; goneMs: number } {
  const { now } = world.agenda;
  let soonMs = 0;
  let goneMs = 0;
  for (const site of world.sites.values()) {
    const { broker, config } = site;
    if (broker === undefined) continue;
    const { alive, redialMax, suspect, gone, firstSync } = config.timing;
    const { refused } = broker.core.status(now);
    const lamps = [...broker.core.lamps()].length + site.asterisk.pbx.astdb.size;
    const { rate, window } = config.pacing;
    const perSecond = Math.min(rate ?? Number.POSITIVE_INFINITY, (window * 1_000) / roundTrip(site));
    const lately = (at: number): boolean => now - at < 3 * suspect + SLACK_MS;
    const isLate = lately(site.thawedAt) || [...world.sites.values()].some(({ endedAt }) => lately(endedAt));
    const mine =
      redialMax +
      Math.max(...[...world.sites.values()].map((other) => other.config.timing.alive), alive) +
      (lamps * 1_000) / perSecond +
      (isLate ? suspect : 0) +
      (refused > 0 ? RETRY_MAX_MS : 0) +
      (site.touched.size > 0 ? DRIFT_MS : 0) +
      SLACK_MS;
    soonMs = Math.max(soonMs, mine);
    goneMs = Math.max(goneMs, suspect + gone, firstSync);
  }
  return { soonMs, goneMs };
}

function roundTrip({ asterisk }: Site): number {
  return Math.max(1, 2 * asterisk.amiMs + asterisk.answerMs);
}

interface Wrong {
  readonly law: string;
  readonly text: string;
  /** It is about an origin that does not come back. */
  readonly ofGone?: boolean;
}

function* whatIsWrong(world: World): Generator<Wrong> {
  for (const site of world.sites.values()) {
    if (!lives(world, site) || !hasAsterisk(world, site)) continue;
    yield* ofExports(site);
    const tags = new Set([...site.remembered, ...site.config.peers.map(({ tag }) => tag)]);
    for (const tag of tags) if (tag !== site.tag) yield* ofOrigin(world, site, tag);
    for (const { hint } of site.asterisk.pbx.hintRows()) {
      for (const name of lampsNamed(hint)) {
        if (!tags.has(splitLamp(name)?.tag ?? '') || splitLamp(name)?.tag === site.tag) continue;
        if (site.asterisk.pbx.astdb.has(name)) continue;
        yield { law: 'law 3 (never written)', text: `${name} at ${site.key} was never written` };
      }
    }
  }
}

/** What is published is what Asterisk has. */
function* ofExports({ key, broker, asterisk, config }: Site): Generator<Wrong> {
  const view = broker?.laws.own.view ?? new Map<string, DeviceState>();
  const truth = truthOf(asterisk.pbx, config.exports);
  for (const extension of new Set([...view.keys(), ...truth.keys()])) {
    const is = view.get(extension);
    const right = truth.get(extension) ?? [undefined];
    if (right.includes(is)) continue;
    yield { law: 'law 2 (exports)', text: `${key} publishes ${extension} as ${is}, and it is ${right}` };
  }
}

/** The lamps of one origin are as it says, or show that nobody vouches for them. */
function* ofOrigin(world: World, site: Site, tag: string): Generator<Wrong> {
  const { astdb } = site.asterisk.pbx;
  const peer = site.config.peers.find((plan) => plan.tag === tag);
  const origin = peer && originOf(world, site, tag);
  const known = site.broker?.laws.knowledge.origins.get(tag);
  const lamps = [...astdb.keys()].filter((name) => splitLamp(name)?.tag === tag);
  if (origin?.broker === undefined) {
    if (known?.belief !== 'gone') {
      yield { law: 'law 3 (gone)', text: `${site.key} believes ${tag} to be ${known?.belief}`, ofGone: true };
    }
    const gone = peer?.gone ?? site.config.formerGone;
    for (const name of gone === 'hold' ? [] : lamps) {
      if (astdb.get(name) === gone) continue;
      const text = `${name} at ${site.key} is ${astdb.get(name)}, ${tag} is gone, so ${gone}`;
      yield { law: 'law 3 (gone)', text, ofGone: true };
    }
    return;
  }
  if (known?.belief !== 'live' || !known.synced || known.link === undefined) {
    yield { law: 'law 2 (link)', text: `${site.key} believes ${origin.key} to be ${known?.belief}` };
  }
  const { view } = origin.broker.laws.own;
  const told = [...view.keys()]
    .map((extension) => lampOf(extension, tag))
    .filter((name) => name !== undefined);
  for (const name of new Set([...lamps, ...told])) {
    const state = view.get(splitLamp(name)?.extension ?? '');
    if (astdb.get(name) === shownAs(state)) continue;
    const text = `${name} at ${site.key} is ${astdb.get(name)}, ${origin.key} says ${state}`;
    yield { law: 'law 2', text };
  }
}

/** The site that speaks for a tag in the end, if a link to it can be had and it has its Asterisk. */
function originOf(world: World, site: Site, tag: string): Site | undefined {
  const origin = [...world.sites.values()].find((one) => one.tag === tag && lives(world, one));
  if (origin === undefined || !hasAsterisk(world, origin)) return undefined;
  const dials = (from: Site, to: Site): boolean | undefined =>
    from.config.peers.find((plan) => plan.tag === to.tag)?.dial;
  const [ours, theirs] = [dials(site, origin), dials(origin, site)];
  if (ours === undefined || theirs === undefined) return undefined;
  // What is dialled is the site of that name: of two with one tag, the first.
  const canDial = (ours && !origin.plan.clone) || (theirs && !site.plan.clone);
  return canDial ? origin : undefined;
}
