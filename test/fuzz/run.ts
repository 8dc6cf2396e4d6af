/**
 * Tries one input after another until one breaks a claim, or so many were tried. Owns the bounds on time and memory,
 * and how a failure is made short: which of the inputs before the last one it needs.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pause } from '../until.ts';
import { AmiWorld } from './ami-world.ts';
import { generate, type Kind } from './generate.ts';
import type { Input } from './input.ts';
import { MeshWorld } from './mesh-world.ts';
import type { Source } from './source.ts';

/** Longest time that one input may take of the processor; most take less than one. */
export const MAX_INPUT_MS = 1_000;
/** What the heap of one run, its garbage collected, may grow by after its first tenth, bytes. */
export const HEAP_MARGIN = 16 * 1024 * 1024;
/** What the resident memory of many runs may grow by after the first of them, bytes. */
export const MEMORY_MARGIN = 64 * 1024 * 1024;
/** Inputs of one world: what a broker learns (names of lamps) has bounds of its own, in src/core. */
const INPUTS_PER_WORLD = 10_000;
/** Inputs after which all that is believed is looked at. */
const LOOK_EVERY = 500;
/** Inputs that are remembered, so that one that needs those before it can be shown. */
const REMEMBERED = 64;

export interface World {
  try(input: Input): Promise<void>;
  look(): Promise<void>;
  close(): Promise<void>;
  readonly seen: Readonly<Record<string, number>>;
}

export interface Failure {
  readonly why: string;
  /** As few as are needed, the one that failed last. */
  readonly inputs: readonly Input[];
  readonly isShown: boolean;
}

export interface Outcome {
  readonly failure?: Failure;
  readonly tried: number;
  readonly slowestMs: number;
  readonly seen: Readonly<Record<string, number>>;
}

const newWorld = (kind: Kind, source: Source): World =>
  kind === 'mesh' ? new MeshWorld(source) : new AmiWorld(source);
const kindOf = ({ target }: Input): Kind => (target === 'frames' || target === 'hello' ? 'mesh' : 'ami');

/** After this long what an input called for, with a timer of its own, has been done. */
const SETTLED_MS = 100;

/** What nobody caught, since the last look. */
const uncaught: unknown[] = [];
process.on('unhandledRejection', (reason) => uncaught.push(reason));
process.on('uncaughtException', (error) => uncaught.push(error));
// What comes after the last look.
process.on('exit', () => {
  if (uncaught.length > 0) process.exitCode = 1;
});

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** How long it took of the processor: a machine under test takes breaks. */
async function one(world: World, input: Input): Promise<number> {
  const began = process.cpuUsage();
  await world.try(input);
  const { user, system } = process.cpuUsage(began);
  const took = (user + system) / 1_000;
  if (took > MAX_INPUT_MS) throw new Error(`it took ${took.toFixed(0)} ms`);
  if (uncaught.length > 0) throw uncaught[0];
  return took;
}

/** Tries them in a new world; why the last of them failed, if one did. */
export async function attempt(inputs: readonly Input[], source: Source): Promise<string | undefined> {
  const [first] = inputs;
  if (first === undefined) return undefined;
  uncaught.length = 0;
  const world = newWorld(kindOf(first), source);
  try {
    for (const input of inputs) await one(world, input);
    await pause(SETTLED_MS);
    await world.look();
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
  } finally {
    await world.close();
    await nextTurn();
    uncaught.length = 0;
  }
}

export async function run(kind: Kind, seed: number, inputs: number, source: Source): Promise<Outcome> {
  const seen: Record<string, number> = {};
  const recent: Input[] = [];
  let world = newWorld(kind, source);
  let [tried, slowestMs, warm] = [0, 0, 0];
  const renew = async (): Promise<void> => {
    for (const [what, times] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + times;
    await world.close();
  };
  try {
    for (const input of generate(kind, seed)) {
      recent.push(input);
      if (recent.length > REMEMBERED) recent.shift();
      slowestMs = Math.max(slowestMs, await one(world, input));
      tried += 1;
      if (tried % LOOK_EVERY === 0) {
        await world.look();
        await nextTurn();
        if (uncaught.length > 0) throw uncaught[0];
      }
      if (tried === Math.ceil(inputs / 10)) warm = memory().heap;
      if (tried === inputs) break;
      if (tried % INPUTS_PER_WORLD === 0) {
        await renew();
        world = newWorld(kind, source);
      }
    }
    await world.look();
    await renew();
    await nextTurn();
    if (uncaught.length > 0) throw uncaught[0];
    const grown = memory().heap - warm;
    if (grown <= HEAP_MARGIN) return { tried, slowestMs, seen };
    const why = `the heap grew by ${grown} bytes, more than ${HEAP_MARGIN}`;
    return { failure: { why, inputs: [], isShown: false }, tried, slowestMs, seen };
  } catch (error) {
    await world.close().catch(() => {});
    return { failure: await shorten(recent, error, source), tried, slowestMs, seen };
  }
}

async function shorten(recent: readonly Input[], error: unknown, source: Source): Promise<Failure> {
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  for (let count = 1; ; count = Math.min(recent.length, count * 2)) {
    const inputs = recent.slice(-count);
    if ((await attempt(inputs, source)) !== undefined) return { why, inputs, isShown: true };
    if (count >= recent.length) return { why, inputs: recent, isShown: false };
  }
}

/** Collects garbage, and tells what is left. */
export function memory(): { rss: number; heap: number } {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}
