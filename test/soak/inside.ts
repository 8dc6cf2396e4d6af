// Loaded into a broker's process before the broker (`--import`): tells the soak what the process holds, and plants a
// leak there if it is told to. Owns the measuring; changes nothing of the broker.
import { openSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapCodeStatistics } from 'node:v8';

/** By the process, now: bytes, numbers of things, and ms. */
export interface Measure {
  readonly upMs: number;
  readonly rss: number;
  /** What is left after a collection, but for the code. */
  readonly heap: number;
  /** Compiled functions: for hours they get more and larger, as what is done rarely is done often enough. */
  readonly code: number;
  /** Memory of native things that objects hold, buffers included. */
  readonly external: number;
  /** Sockets, servers and the like; timers are not counted, of which each write has one, but what one holds is heap. */
  readonly handles: number;
  readonly descriptors: number;
  /** 99th percentile since the last time. */
  readonly lagMs: number;
}

export const LEAKS = ['heap', 'buffers', 'descriptors'] as const;
export type Leak = (typeof LEAKS)[number];
/** In the environment: which leak. */
export const LEAK_VARIABLE = 'HINTMESH_SOAK_LEAK';

/** Of what Node says is active. */
const PASSING = ['Timeout', 'Immediate'];
const LAG_RESOLUTION_MS = 10;
const LEAK_EVERY_MS = 100;
/** Heap and buffers: so many bytes each time. */
const LEAK_BYTES = 8_192;
/** Descriptors: one in so many times. */
const LEAK_DESCRIPTOR_EVERY = 40;

const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
const kept: unknown[] = [];

function measure(): Measure {
  const { rss } = process.memoryUsage();
  const lagMs = lag.percentile(99) / 1e6;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const { code_and_metadata_size: compiled, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  // What all this takes is ours, not the broker's.
  lag.reset();
  return {
    upMs: performance.now(),
    rss,
    heap: heapUsed - compiled - bytecode,
    code: compiled + bytecode,
    external,
    handles: process.getActiveResourcesInfo().filter((name) => !PASSING.includes(name)).length,
    descriptors: readdirSync('/proc/self/fd').length,
    lagMs,
  };
}

function plant(leak: Leak): void {
  let times = 0;
  setInterval(() => {
    times += 1;
    if (leak === 'heap') kept.push(Array.from({ length: LEAK_BYTES / 8 }, () => times + 0.5));
    else if (leak === 'buffers') kept.push(Buffer.alloc(LEAK_BYTES, times));
    else if (times % LEAK_DESCRIPTOR_EVERY === 0) kept.push(openSync('/dev/null', 'r'));
  }, LEAK_EVERY_MS).unref();
}

if (process.send !== undefined) {
  lag.enable();
  process.on('message', () => process.send?.(measure()));
  // Whoever runs the soak is gone: nobody else would end this.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
  const leak = LEAKS.find((name) => name === process.env[LEAK_VARIABLE]);
  if (leak !== undefined) plant(leak);
}
