// What the page says of more peers: which sizes are measured, names of what is measured, the table, plots, goals. Made of
// results alone.
import type { Goal, Line, Plot, Results, Section } from '../contract.ts';
import { median, ratios, short, spread, values } from '../statistics.ts';
import { fit } from './line-fit.ts';

export interface Size {
  readonly peers: number;
  /** Of each peer. */
  readonly extensions: number;
}

const EXTENSIONS = 100;
const MANY_EXTENSIONS = 1_000;
const PEERS = [1, 10, 50, 100, 200];
const QUICK_PEERS = [1, 10, 50];
/** Where the same number of peers is measured with many extensions too. */
const COMPARED = 50;
/** The end of a line may be so much off the line through all, and still be called straight; machines are noisy. */
const STRAIGHT = 0.25;
/** Ten times the extensions may change the CPU of a change by so much, and still be called nothing. */
const SAME = 0.25;

export const EXPORTS = 100;
/** Fewer than others: each size needs a new broker, and peers linked to it. */
export const ROUNDS = 1;
export const CHANGES = 100;
export const RATE = 50;

export const MEASURES = {
  cpu: 'growth cpu a change',
  rss: 'growth rss',
  converge: 'growth converge',
  again: 'growth cpu a link anew',
  idle: 'growth idle cpu',
} as const;

const MANY: Size = { peers: COMPARED, extensions: MANY_EXTENSIONS };
const FEW: Size = { peers: COMPARED, extensions: EXTENSIONS };

export function sizes(quick: boolean): readonly Size[] {
  return [...few(quick), MANY];
}

function few(quick: boolean): Size[] {
  return (quick ? QUICK_PEERS : PEERS).map((peers) => ({ peers, extensions: EXTENSIONS }));
}

export function nameOf({ peers, extensions }: Size): string {
  return `${peers} x ${extensions}`;
}

export function section(results: Results): Section {
  const measures = Object.values(MEASURES);
  const row = (size: Size): string[] => {
    const of = (measure: string) => spread(values(results, measure, nameOf(size)));
    return [`${size.peers}`, `${size.extensions}`, ...measures.map(of)];
  };
  const rounds = values(results, MEASURES.cpu, nameOf(FEW)).length;
  return {
    title: 'Growth',
    text: `One broker process with its simulated Asterisk in another, and 1 to ${few(results.quick).at(-1)?.peers} simulated peers in a third, with \
the real mesh and transport over TLS on loopback. The CPU of a change is that of the broker's process while ${CHANGES} of its own extensions change, \
${RATE} a second, less what the same time costs without changes, told to all peers. Memory is after a garbage collection. All links are then cut at \
one moment, and meanwhile one extension changes at every peer and one at the broker: converged is when every lamp of the broker is right and every \
peer knows. The peers dial again as they always do, after 0.2 s to 2 s. Rounds: ${rounds}.`,
    tables: [
      {
        title: 'More peers',
        head: [
          'peers',
          'extensions of each',
          'CPU a change, µs',
          'RSS, MiB',
          'converged after, s',
          'CPU for each link made anew, ms',
          'idle CPU, % of a core',
        ],
        rows: sizes(results.quick).map(row),
      },
    ],
    plots: [
      plot(results, 'growth-cpu', 'CPU of the broker for one change', 'µs', MEASURES.cpu),
      plot(results, 'growth-memory', 'Memory of the broker', 'RSS, MiB', MEASURES.rss),
      plot(
        results,
        'growth-converge',
        'Right again after all links were cut at once',
        's',
        MEASURES.converge,
      ),
    ],
    goals: [
      linear(results, MEASURES.cpu, 'CPU a change'),
      linear(results, MEASURES.rss, 'memory'),
      unchanging(results),
    ],
  };
}

function plot(results: Results, file: string, title: string, y: string, measure: string): Plot {
  const points = few(results.quick).flatMap((size) => {
    const of = values(results, measure, nameOf(size));
    if (of.length === 0) return [];
    return [{ x: size.peers, y: median(of), low: Math.min(...of), high: Math.max(...of) }];
  });
  const line: Line = { name: `${EXTENSIONS} extensions each`, points };
  return { file, title, x: 'peers', y, lines: [line] };
}

/** What the most peers cost beside what the line through the smaller sizes says: a curve that bends up is above it. */
function linear(results: Results, measure: string, words: string): Goal {
  const points = few(results.quick).map(
    (size) => [size.peers, median(values(results, measure, nameOf(size)))] as const,
  );
  const [x, y] = points.at(-1) ?? [0, Number.NaN];
  const { slope, intercept } = fit(points.slice(0, -1));
  const off = y / (slope * x + intercept) - 1;
  return {
    text: `growth: ${words} grows linearly with links`,
    figure: `with ${x} peers ${short(100 * off)} % from the line through the fewer`,
    met: off <= STRAIGHT,
  };
}

function unchanging(results: Results): Goal {
  const times = ratios(results, MEASURES.cpu, nameOf(MANY), nameOf(FEW));
  return {
    text: `growth: CPU a change does not grow with extensions that do not change (${MANY.extensions} for ${FEW.extensions} each, ${COMPARED} peers)`,
    figure: `${spread(times)} times`,
    met: median(times) <= 1 + SAME,
  };
}
