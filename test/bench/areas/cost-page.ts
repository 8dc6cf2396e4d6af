// What the page says of the cost of a change: which sizes are measured, names of what is measured, tables, plot, goals. Made
// of results alone.
import type { Goal, Line, Plot, Results, Section, Table } from '../contract.ts';
import { median, rounds, spread, values } from '../statistics.ts';
import { fit } from './line-fit.ts';

const EXTENSIONS = 100;
/** With so many peers the memory of so many extensions is looked at. */
const LARGE = { peers: 100, extensions: 1_000 };
const PEERS = [1, 10, 50, LARGE.peers, 200];
const QUICK_PEERS = [1, 10, LARGE.peers];

export const EXPORTS = 100;
/** Of a round, at so many a second: each goes alone. */
export const CHANGES = 80;
export const RATE = 100;
/** And so many at once: each of the extensions once, so that none overtakes another. */
export const BATCH = EXPORTS;
export const BATCHES = 5;

export const MEASURES = {
  out: 'cost out',
  in: 'cost in',
  encoded: 'cost encoded',
  frameBytes: 'cost frame bytes',
  wireBytes: 'cost wire bytes',
  batchOut: 'cost batch out',
  batchEncoded: 'cost batch encoded',
  batchFrameBytes: 'cost batch frame bytes',
  batchWireBytes: 'cost batch wire bytes',
  rss: 'cost rss',
  heap: 'cost heap',
} as const;

export function sizes(quick: boolean): readonly { readonly peers: number; readonly extensions: number }[] {
  return numbers(quick).map((peers) => ({
    peers,
    extensions: peers === LARGE.peers ? LARGE.extensions : EXTENSIONS,
  }));
}

function numbers(quick: boolean): readonly number[] {
  return quick ? QUICK_PEERS : PEERS;
}

export function nameOf(peers: number): string {
  return `${peers} peers`;
}

export function section(results: Results): Section {
  return {
    title: 'Cost',
    text: `A broker process with its simulated Asterisk in another and its simulated peers in a third, which have the real mesh and transport over TLS on \
loopback. Out: one of its own extensions changes and every peer is told; in: an extension of a peer changes and a lamp is written, without pacing. \
${CHANGES} changes a round, ${RATE} a second, each alone; together: ${BATCH} at once, ${BATCHES} times. CPU is that of the broker's process, system \
time included, less what the same time costs without changes. Frames encoded are those that the broker counts. Bytes are for one change and one peer: \
of the frame, and of TLS with all its framing. Memory is after a garbage collection, with ${EXTENSIONS} extensions of each peer, of ${LARGE.peers} peers \
with ${LARGE.extensions} each.`,
    tables: [cpu(results), shares(results), bytes(results)],
    plots: [plot(results)],
    goals: [encodedOnce(results), memory(results)],
  };
}

function cpu(results: Results): Table {
  const { out, batchOut, encoded, rss, heap } = MEASURES;
  const columns = [out, batchOut, MEASURES.in, encoded, rss, heap];
  return {
    title: 'One change, by the number of peers',
    head: [
      'peers',
      'out, CPU µs',
      'out together, CPU µs',
      'in, CPU µs',
      'frames encoded for a change',
      'RSS, MiB',
      'heap, MiB',
    ],
    rows: numbers(results.quick).map((peers) => [
      `${peers}`,
      ...columns.map((measure) => spread(values(results, measure, nameOf(peers)))),
    ]),
  };
}

/** Round by round the line through all sizes. */
function fits(results: Results, measure: string) {
  const all = numbers(results.quick).map(
    (peers) => [peers, rounds(results, measure, nameOf(peers))] as const,
  );
  const every = [...(all[0]?.[1].keys() ?? [])].filter((round) => all.every(([, of]) => of.has(round)));
  return every.map((round) => fit(all.map(([peers, of]) => [peers, of.get(round) ?? Number.NaN] as const)));
}

function shares(results: Results): Table {
  const row = (words: string, measure: string): string[] => {
    const lines = fits(results, measure);
    return [words, spread(lines.map(({ intercept }) => intercept)), spread(lines.map(({ slope }) => slope))];
  };
  return {
    title: 'The line through all numbers of peers',
    head: ['a change', 'CPU without any peer, µs', 'CPU for each peer, µs'],
    rows: [row('out, alone', MEASURES.out), row('out, together', MEASURES.batchOut), row('in', MEASURES.in)],
  };
}

function bytes(results: Results): Table {
  const name = nameOf(LARGE.peers);
  const row = (words: string, ...measures: string[]): string[] => [
    words,
    ...measures.map((measure) => spread(values(results, measure, name))),
  ];
  return {
    title: 'Bytes of one change to one peer',
    head: ['a change', 'frames encoded', 'of the frame', 'with TLS'],
    rows: [
      row('alone', MEASURES.encoded, MEASURES.frameBytes, MEASURES.wireBytes),
      row('together', MEASURES.batchEncoded, MEASURES.batchFrameBytes, MEASURES.batchWireBytes),
    ],
  };
}

function plot(results: Results): Plot {
  const line = (name: string, measure: string): Line => ({
    name,
    points: numbers(results.quick).flatMap((peers) => {
      const of = values(results, measure, nameOf(peers));
      if (of.length === 0) return [];
      return [{ x: peers, y: median(of), low: Math.min(...of), high: Math.max(...of) }];
    }),
  });
  return {
    file: 'cost',
    title: 'CPU of the broker for one change',
    x: 'peers',
    y: 'µs',
    lines: [
      line('out, alone', MEASURES.out),
      line('out, together', MEASURES.batchOut),
      line('in', MEASURES.in),
    ],
  };
}

function encodedOnce(results: Results): Goal {
  const all = numbers(results.quick).flatMap((peers) => values(results, MEASURES.encoded, nameOf(peers)));
  return {
    text: 'cost: a change is encoded once whatever the number of peers',
    figure: `${spread(all)} frames encoded for a change, 1 to ${Math.max(...numbers(results.quick))} peers`,
    // Two that fall into one turn of the event loop share a frame.
    met: all.length > 0 && Math.max(...all) <= 1,
  };
}

/** The issue asks for the figure and sets no limit: it was measured, so it is met. */
function memory(results: Results): Goal {
  const rss = values(results, MEASURES.rss, nameOf(LARGE.peers));
  return {
    text: `cost: memory with ${LARGE.peers} peers and ${LARGE.extensions} extensions of each (a figure, no limit)`,
    figure: `RSS ${spread(rss)} MiB`,
    met: rss.length > 0,
  };
}
