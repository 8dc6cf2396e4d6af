// Measures WebSocket and ZeroMQ side by side on this machine, over loopback: `npm run bench:transports`, in some
// minutes; with `-- --quick` roughly, in seconds; with `-- --only PART` in part. Prints figures and judges none. Owns
// the order of the rounds, which take turns so that whatever else the machine does falls on both.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { loadZeroMq } from '../../../src/mesh/zeromq-library.ts';
import { Figures, PROTOCOLS, type Row } from './figures.ts';
import * as measure from './measures.ts';
import { Pair } from './pair.ts';

const FULL = {
  rounds: 5,
  connects: 10,
  bulkMs: 1_000,
  trips: 400,
  slowMs: 6_000,
  links: [100, 200],
  memories: 2,
  stops: 3,
  failures: 5,
  starts: 10,
};
const QUICK: typeof FULL = {
  rounds: 1,
  connects: 10,
  bulkMs: 200,
  trips: 50,
  // What waits unseen would take seconds to read.
  slowMs: 0,
  links: [20],
  memories: 1,
  stops: 1,
  failures: 1,
  starts: 1,
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] as string[] },
  },
});
const size = values.quick ? QUICK : FULL;
const figures = new Figures();

const parts: Record<string, () => Promise<void>> = {
  starting: () => inTurns(size.starts, (protocol) => measure.starting(figures, protocol)),
  memory: () => inTurns(size.memories, (protocol) => measure.memory(figures, protocol, size.links)),
  speed: async () => {
    const pairs = await Promise.all(PROTOCOLS.map((protocol) => Pair.open(protocol, measure.NO_PINGS_MS)));
    const all = async (rounds: number, one: (pair: Pair) => Promise<void>) => {
      for (let round = 0; round < rounds; round++) for (const pair of pairs) await one(pair);
    };
    const { rounds, connects, bulkMs, trips, slowMs } = size;
    await all(1, (pair) => measure.connecting(new Figures(), pair, 20));
    await all(rounds, (pair) => measure.connecting(figures, pair, connects));
    await all(1, (pair) => pair.near.ask('link', 1, measure.NO_PINGS_MS));
    await all(1, (pair) => measure.throughput(new Figures(), pair, 20, bulkMs));
    for (const states of measure.STATES) {
      await all(rounds, (pair) => measure.throughput(figures, pair, states, bulkMs));
    }
    await all(rounds, (pair) => measure.idleTrips(figures, pair, trips));
    await all(rounds, (pair) => measure.busyTrips(figures, pair, bulkMs));
    if (slowMs > 0) await all(1, (pair) => measure.slowTrips(figures, pair, slowMs));
    await all(size.stops, (pair) => measure.hiding(figures, pair));
    await Promise.all(pairs.map((pair) => pair.close()));
  },
  // Seconds of waiting: nothing is gained by turns.
  failing: async () => {
    for (let round = 0; round < size.failures; round++) {
      await Promise.all(PROTOCOLS.map((protocol) => measure.failing(figures, protocol)));
    }
  },
};

async function inTurns(
  rounds: number,
  one: (protocol: (typeof PROTOCOLS)[number]) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const protocol of PROTOCOLS) await one(protocol);
}

const ENDS = [
  { end: 'near', side: 'who dialled' },
  { end: 'far', side: 'who listens' },
];

const ROWS: readonly Row[] = [
  { what: 'connect: dial → channel, p50', unit: 'ms', of: 'connect' },
  { what: 'connect: dial → channel, p95', unit: 'ms', of: 'connect', quantile: 0.95 },
  { what: 'connect: CPU of who dials', unit: 'ms', of: 'connect near cpu' },
  { what: 'connect: CPU of who listens', unit: 'ms', of: 'connect far cpu' },
  ...measure.STATES.flatMap((states) => [
    { what: `frames of ${states}: frames`, unit: '/s', of: `frames of ${states}` },
    { what: `frames of ${states}: states`, unit: '/s', of: `states of ${states}` },
    { what: `frames of ${states}: CPU of the writer`, unit: 'µs a frame', of: `near cpu of ${states}` },
    { what: `frames of ${states}: CPU of the reader`, unit: 'µs a frame', of: `far cpu of ${states}` },
  ]),
  { what: 'round trip, idle, p50', unit: 'ms', of: 'idle trip' },
  { what: 'round trip, idle, p99', unit: 'ms', of: 'idle trip', quantile: 0.99 },
  { what: 'round trip beside a bulk, p50', unit: 'ms', of: 'busy trip' },
  { what: 'round trip beside a bulk, p99', unit: 'ms', of: 'busy trip', quantile: 0.99 },
  { what: `round trip, reader of ${measure.SLOW_MS} ms a frame, p50`, unit: 'ms', of: 'slow trip' },
  { what: 'waits unseen for a reader that stands still', unit: 'KiB', of: 'hidden' },
  ...ENDS.flatMap(({ end, side }) => [
    ...size.links.map((count) => ({
      what: `RSS with ${count} idle links, ${side}`,
      unit: 'MiB',
      of: `${end} rss of ${count}`,
    })),
    { what: `RSS an idle link, ${side}`, unit: 'KiB', of: `${end} rss a link` },
    { what: `descriptors a link, ${side}`, unit: '', of: `${end} descriptors` },
  ]),
  { what: 'frozen peer: found after', unit: 'ms', of: 'frozen' },
  { what: 'frozen peer thaws: linked again after', unit: 'ms', of: 'thawed' },
  { what: 'killed peer: found after', unit: 'ms', of: 'killed' },
  { what: 'start of a process that loads it', unit: 'ms', of: 'start' },
  { what: 'of which loading', unit: 'ms', of: 'load' },
  { what: 'RSS then', unit: 'MiB', of: 'start rss' },
];

const only = values.only.length > 0 ? values.only : Object.keys(parts);
const unknown = only.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`--only ${unknown}: there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const library = await loadZeroMq();
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${process.platform}`;
console.log(`Node ${process.version}, zeromq with libzmq ${library.version}, ${machine}, loopback`);
try {
  for (const name of only) {
    console.error(`# ${name}`);
    await parts[name]?.();
  }
} finally {
  await Pair.closeAll();
}
console.log(figures.table(ROWS));
