// What is measured, one function for each question: a pair of ends in, samples out. Owns what is asked of the two
// ends, in which order, and the names of the samples.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PING_EVERY_MS } from '../../../src/mesh/mesh.ts';
import { type Figures, machineMs, type Protocol } from './figures.ts';
import { Pair } from './pair.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** For links whose own pings would be in the way of what is measured. */
export const NO_PINGS_MS = 60_000;
/** States of a frame: one change, a handful, the most that a frame may have. */
export const STATES: readonly number[] = [1, 20, 200];
/** A reader that is too slow: what one frame of 200 states takes it, ms. */
export const SLOW_MS = 2;

export async function connecting(figures: Figures, pair: Pair, count: number): Promise<void> {
  const used = await cpu(pair, async () => {
    figures.add('connect', pair.protocol, ...(await pair.near.ask('connect', count)));
  });
  figures.add('connect near cpu', pair.protocol, used.near / count);
  figures.add('connect far cpu', pair.protocol, used.far / count);
}

/** As fast as it goes; the reader keeps up, or the channel makes the writer wait. */
export async function throughput(figures: Figures, pair: Pair, states: number, ms: number): Promise<void> {
  const { protocol, near } = pair;
  let frames = 0;
  const used = await cpu(pair, async () => {
    const bulk = await near.ask('bulk', states, ms);
    frames = bulk.frames;
    const perSecond = (1_000 * frames) / bulk.ms;
    figures.add(`frames of ${states}`, protocol, perSecond);
    figures.add(`states of ${states}`, protocol, states * perSecond);
  });
  figures.add(`near cpu of ${states}`, protocol, (1_000 * used.near) / frames);
  figures.add(`far cpu of ${states}`, protocol, (1_000 * used.far) / frames);
}

export async function idleTrips(figures: Figures, { near, protocol }: Pair, count: number): Promise<void> {
  figures.add('idle trip', protocol, ...(await near.ask('trips', count, 2)));
}

export async function busyTrips(figures: Figures, { near, protocol }: Pair, ms: number): Promise<void> {
  const { trips } = await near.ask('bulk', 200, ms, 5);
  figures.add('busy trip', protocol, ...trips);
}

/** A pong then tells how long what was given before waits where nobody can overtake it. */
export async function slowTrips(figures: Figures, { near, far, protocol }: Pair, ms: number): Promise<void> {
  await far.ask('slow', SLOW_MS);
  const { trips } = await near.ask('bulk', 200, ms, 50);
  figures.add('slow trip', protocol, ...trips);
  await far.ask('slow', 0);
}

/** The other end stands still: what goes in all the same waits where the channel does not see it. */
export async function hiding(figures: Figures, { near, far, protocol }: Pair): Promise<void> {
  await near.ask('link', 1, NO_PINGS_MS);
  far.signal('SIGSTOP');
  figures.add('hidden', protocol, (await near.ask('hidden', 200)) / 1_024);
  far.signal('SIGCONT');
  await near.ask('hangUp');
}

/** Idle links of two new processes; each pings once a second, as links do. */
export async function memory(figures: Figures, protocol: Protocol, counts: readonly number[]): Promise<void> {
  const pair = await Pair.open(protocol, PING_EVERY_MS);
  const { near, far } = pair;
  // The first brings everything along that is loaded late.
  await near.ask('link', 1, PING_EVERY_MS);
  await near.ask('trips', 20, 2);
  const before = [await near.ask('held'), await far.ask('held')];
  let links = 0;
  for (const count of counts) {
    await near.ask('link', count - links, PING_EVERY_MS);
    links = count;
    // Until each has pinged.
    await near.ask('trips', 50, 20);
    for (const [index, end] of [near, far].entries()) {
      const name = index === 0 ? 'near' : 'far';
      const { rssBytes, descriptors } = await end.ask('held');
      const rssMore = rssBytes - (before[index]?.rssBytes ?? 0);
      figures.add(`${name} rss of ${count}`, protocol, rssBytes / 2 ** 20);
      figures.add(`${name} rss a link`, protocol, rssMore / 1_024 / links);
      figures.add(`${name} descriptors`, protocol, (descriptors - (before[index]?.descriptors ?? 0)) / links);
    }
  }
  await pair.close();
}

/** How long until the mesh knows that its peer is gone: one that stands still, and one that was killed. */
export async function failing(figures: Figures, protocol: Protocol): Promise<void> {
  const pair = await Pair.mesh(protocol);
  const { near, far } = pair;
  const since = machineMs();
  far.signal('SIGSTOP');
  figures.add('frozen', protocol, (await near.ask('down', since)) - since);
  const thawed = machineMs();
  far.signal('SIGCONT');
  figures.add('thawed', protocol, (await near.ask('up', thawed)) - thawed);
  const killed = machineMs();
  far.signal('SIGKILL');
  figures.add('killed', protocol, (await near.ask('down', killed)) - killed);
  await pair.close();
}

/** A process that loads what the transport needs, and ends. */
export async function starting(figures: Figures, protocol: Protocol): Promise<void> {
  const start = performance.now();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', LOADING[protocol]],
    { cwd: ROOT },
  );
  figures.add('start', protocol, performance.now() - start);
  const { ms, rssBytes } = JSON.parse(stdout) as { ms: number; rssBytes: number };
  figures.add('load', protocol, ms);
  figures.add('start rss', protocol, rssBytes / 2 ** 20);
}

const WS = `await Promise.all([import('ws'), import('node:https')]);`;
const ZEROMQ = `const { Context, Dealer } = await import('zeromq');
  globalThis.kept = new Dealer({ context: new Context({ blocky: false }), linger: 0 });`;

function loading(code: string): string {
  return `const start = performance.now(); ${code}
    const ms = performance.now() - start;
    console.log(JSON.stringify({ ms, rssBytes: process.memoryUsage.rss() })); process.exit();`;
}

/** A broker with ZeroMQ has WebSocket too. */
const LOADING: Record<Protocol, string> = { websocket: loading(WS), zeromq: loading(WS + ZEROMQ) };

async function cpu({ near, far }: Pair, work: () => Promise<void>): Promise<{ near: number; far: number }> {
  const before = { near: await near.ask('cpu'), far: await far.ask('cpu') };
  await work();
  const after = { near: await near.ask('cpu'), far: await far.ask('cpu') };
  return { near: after.near - before.near, far: after.far - before.far };
}
