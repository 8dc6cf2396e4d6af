// What the page says of single changes: names of what is measured, the table, goals. Made of results alone.
import type { Goal, Name, Results, Section, Table } from '../contract.ts';
import { median, ratios, short, spread, values } from '../statistics.ts';

export const CONTESTANTS = [
  'hintmesh',
  'zeromq',
  'floor',
  'publish',
  'xmpp',
] as const satisfies readonly Name[];
export type Contestant = (typeof CONTESTANTS)[number];

export const TITLES: Readonly<Record<Contestant, string>> = {
  hintmesh: 'Hintmesh',
  zeromq: 'Hintmesh, ZeroMQ',
  floor: 'floor: a bare relay',
  publish: 'PJSIP publish',
  xmpp: 'XMPP',
};

export const LAMPS = 100;
/** Of a round, one after another. */
export const CHANGES = 300;
export const QUICK_CHANGES = 100;
export const PAUSE_MS = 5;

export const MEASURES = { p50: 'latency p50', p99: 'latency p99', lost: 'latency lost' } as const;

export function section(results: Results): Section {
  return {
    title: 'Latency',
    text: `One change after another on ${LAMPS} extensions, ${PAUSE_MS} ms after the one before was seen: from the Setvar written to the AMI of A \
until the ExtensionStatus of the lamp has come from the AMI of B, by one clock. ${results.quick ? QUICK_CHANGES : CHANGES} changes of each \
contestant a round, in turns; p50 and p99 are of one round, and what stands here is the median of the rounds, with the least and the greatest. \
Ratios are made within a round. The floor is two processes with mutual TLS between them that pass each change on at once and do nothing else. \
A change that was not seen within five seconds was never seen, and counts as five seconds.`,
    tables: [table(results)],
    plots: [],
    goals: [
      goal(results, { measure: MEASURES.p50, than: 'floor', times: 1.15 }),
      goal(results, { measure: MEASURES.p99, than: 'floor', times: 1.5 }),
      goal(results, { measure: MEASURES.p99, than: 'publish', times: 1 }),
    ],
  };
}

function table(results: Results): Table {
  const row = (name: Contestant): string[] => {
    const { p50, p99 } = MEASURES;
    const times = (measure: string): string =>
      name === 'floor' ? '1' : spread(ratios(results, measure, name, 'floor'));
    const figure = (measure: string): string => spread(values(results, measure, name));
    return [TITLES[name], figure(p50), times(p50), figure(p99), times(p99), lost(results, name)];
  };
  return {
    title: 'One change, idle otherwise',
    head: ['', 'p50, ms', 'times the floor', 'p99, ms', 'times the floor', 'never seen'],
    rows: CONTESTANTS.map(row),
  };
}

/** Of all rounds. */
function lost(results: Results, name: Contestant): string {
  const all = values(results, MEASURES.lost, name);
  return all.length === 0 ? '-' : short(all.reduce((sum, each) => sum + each, 0));
}

interface Aim {
  readonly measure: (typeof MEASURES)['p50' | 'p99'];
  readonly than: Contestant;
  readonly times: number;
}

function goal(results: Results, { measure, than, times }: Aim): Goal {
  const measured = ratios(results, measure, 'hintmesh', than);
  const met = median(measured) <= times;
  const ms = (name: Contestant): string => `${TITLES[name]} ${spread(values(results, measure, name))} ms`;
  const [, quantile] = measure.split(' ');
  const most = times === 1 ? 'at most that' : `at most ${times} times that`;
  return {
    text: `latency on loopback: ${quantile} ${most} of ${than === 'floor' ? 'the floor' : TITLES[than]}`,
    figure: `${spread(measured)} times`,
    met,
    ...(met ? {} : { why: `${ms('hintmesh')}, ${ms(than)}` }),
  };
}
