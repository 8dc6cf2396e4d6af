// What the page says of two sites far from each other: names of what is measured, the table, goals. Made of results alone.
import type { Goal, Results, Section, Table } from '../contract.ts';
import { median, ratios, short, spread, values } from '../statistics.ts';
import { CONTESTANTS, type Contestant, TITLES } from './latency-page.ts';

/** Each direction. */
export const DELAY_MS = 15;
export const LAMPS = 1_000;
/** One after another, so many a round, with a pause after each. */
export const SINGLE = 20;
export const PAUSE_MS = 30;
export const CHANGES = 3_000;
export const QUICK_CHANGES = 1_000;
/** PJSIP publish sends one change a round trip: so many take five seconds. */
export const PUBLISH_CHANGES = 150;
export const PUBLISH_QUICK_CHANGES = 60;
/** And as many lamps fewer, which are all lit and put out before. */
export const PUBLISH_LAMPS = 100;
export const WINDOW = 32;
/** Changes that are not seen yet: a lamp changes again when its last change was seen, so nothing can be coalesced. */
export const AHEAD = 500;

export const MEASURES = {
  p50: 'distance latency p50',
  slowest: 'distance latency slowest',
  throughput: 'distance throughput',
  unseen: 'distance changes not seen',
  wrong: 'distance wrong',
  roundTrip: 'distance round trip',
} as const;
/** Whose the round trip is. */
export const LINE = 'line';

/** Goals, in times the throughput of the rival. */
const TIMES: readonly (readonly [rival: Contestant, times: number])[] = [
  ['publish', 50],
  ['xmpp', 2],
];

export function section(results: Results): Section {
  return {
    title: 'Over a distance',
    text: text(results),
    tables: [table(results)],
    plots: [],
    goals: TIMES.map(([rival, times]) => goal(results, rival, times)),
  };
}

function text(results: Results): string {
  const [changes, few] = results.quick ? [QUICK_CHANGES, PUBLISH_QUICK_CHANGES] : [CHANGES, PUBLISH_CHANGES];
  const measured = values(results, MEASURES.roundTrip, LINE);
  return `Everything between the two sides goes through a process that passes it on ${DELAY_MS} ms later, in both directions: the connection of \
the brokers and of the bare relay, the datagrams of PJSIP publish, and the connection of A to the XMPP server, which stands beside B. The round \
trip through it, measured with one byte, was ${spread(measured)} ms.

The latency is that of ${SINGLE} changes a round, each ${PAUSE_MS} ms after the one before was seen. The throughput is that of a burst of \
${short(changes)} changes over ${short(LAMPS)} lamps with ${WINDOW} Setvars unanswered at A, and for PJSIP publish, which sends one change a round \
trip, of ${few} over ${PUBLISH_LAMPS}. The others have at most ${AHEAD} changes on the way, so that none can be coalesced with the next one of its \
lamp.`;
}

function table(results: Results): Table {
  const each = (cell: (name: Contestant) => string): string[] => CONTESTANTS.map(cell);
  const figure = (measure: string) => each((name) => spread(values(results, measure, name)));
  const times = (rival: Contestant) =>
    each((name) => (name === rival ? '1' : spread(ratios(results, MEASURES.throughput, name, rival))));
  return {
    title: `${2 * DELAY_MS} ms of round trip`,
    head: ['', ...each((name) => TITLES[name])],
    rows: [
      ['latency p50, ms', ...figure(MEASURES.p50)],
      [`slowest of ${SINGLE}, ms`, ...figure(MEASURES.slowest)],
      ['changes/s', ...figure(MEASURES.throughput)],
      ['times PJSIP publish', ...times('publish')],
      ['times XMPP', ...times('xmpp')],
      ['times the floor', ...times('floor')],
      ['changes of the burst not seen', ...figure(MEASURES.unseen)],
      ['lamps wrong after it', ...figure(MEASURES.wrong)],
    ],
  };
}

function goal(results: Results, rival: Contestant, times: number): Goal {
  const measured = ratios(results, MEASURES.throughput, 'hintmesh', rival);
  const met = median(measured) >= times;
  const why = `the limit itself, the bare relay, makes ${spread(ratios(results, MEASURES.throughput, 'floor', rival))} times ${TITLES[rival]} here`;
  return {
    text: `over ${2 * DELAY_MS} ms of round trip at least ${times} times the throughput of ${TITLES[rival]}`,
    figure: `${spread(measured)} times`,
    met,
    ...(met ? {} : { why }),
  };
}
