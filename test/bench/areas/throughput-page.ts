// What the page says of bursts: names of what is measured, tables, goals. Made of results alone.
import type { Goal, Results, Section, Table } from '../contract.ts';
import { median, ratios, rounds, short, spread, values } from '../statistics.ts';
import { CONTESTANTS, type Contestant, TITLES } from './latency-page.ts';

export const LAMPS = 1_000;
export const WINDOW = 32;
/**
 * Changes that are not seen yet. Half as many as there are lamps: a lamp changes again when its last change was seen,
 * although brokers write live changes before older ones, so nothing need be coalesced.
 */
export const AHEAD = 500;
export const CHANGES = 5_000;
export const QUICK_CHANGES = 2_000;
/** They take several times as long. */
const RIVALS: readonly Contestant[] = ['publish', 'xmpp'];
export const RIVAL_CHANGES = 3_000;

export const MEASURES = {
  throughput: 'throughput',
  coalesced: 'coalesced',
  wrong: 'wrong',
  asked: 'asked OPTIONS',
  unansweredA: 'unanswered OPTIONS a',
  unansweredB: 'unanswered OPTIONS b',
  ceiling: 'ceiling',
} as const;
/** Whose the ceiling is. */
export const ALONE = 'asterisk';

const CPU = 'throughput cpu ';
/** µs a change: of `asterisk a`, of a carrier by its name. */
export const cpu = (of: string): string => CPU + of;
export const [ASTERISK_A, ASTERISK_B, TRIGGER, ALL] = ['asterisk a', 'asterisk b', 'trigger', 'all'] as const;

/** The goals, in times what another one carries. */
const OF_FLOOR = 0.9;
const OF_RIVALS = 2;

/** Changes of one burst. */
export function burstOf(name: Contestant, quick: boolean): number {
  if (quick) return QUICK_CHANGES;
  return RIVALS.includes(name) ? RIVAL_CHANGES : CHANGES;
}

export function section(results: Results): Section {
  return {
    title: 'Throughput',
    text: text(results),
    tables: [carried(results), cost(results)],
    plots: [],
    goals: [ofFloor(results), ofRivals(results), answered(results), whole(results)],
  };
}

function text(results: Results): string {
  const each = (name: Contestant): string => short(burstOf(name, results.quick));
  return `A burst of ${each('hintmesh')} changes (${each('publish')} of the two rivals) over ${short(LAMPS)} extensions that no phone watches, as fast \
as A takes them: ${WINDOW} Setvars unanswered, and at most ${AHEAD} changes that B has not shown yet, so that a lamp changes again when its last \
change was seen. The rate is that of the ExtensionStatus of B, from the first Setvar to the last of them. Meanwhile each PBX is asked a SIP OPTIONS \
every 10 ms, once only. Brokers write without a limit (\`writes_per_second: unlimited\`). Everything shares the processors of one machine, so what \
a change costs in all decides how many there are. The ceiling is what one Asterisk takes with ${WINDOW} Setvars unanswered and nothing else about: \
${spread(values(results, MEASURES.ceiling, ALONE))} a second.`;
}

function carried(results: Results): Table {
  const row = (name: Contestant): string[] => {
    const { throughput, coalesced, wrong, unansweredA, unansweredB } = MEASURES;
    return [
      TITLES[name],
      spread(values(results, throughput, name)),
      name === 'floor' ? '1' : spread(ratios(results, throughput, name, 'floor')),
      ...[coalesced, wrong, unansweredA, unansweredB].map((measure) => total(results, measure, name)),
    ];
  };
  return {
    title: 'Carried',
    head: [
      '',
      'changes/s',
      'times the floor',
      'not seen',
      'lamps wrong',
      'OPTIONS unanswered, A',
      'OPTIONS unanswered, B',
    ],
    rows: CONTESTANTS.map(row),
  };
}

/** Of all rounds. */
function total(results: Results, measure: string, name: Contestant): string {
  const all = values(results, measure, name);
  return all.length === 0 ? '-' : short(sum(all));
}

function cost(results: Results): Table {
  const row = (name: Contestant): string[] => {
    const figure = (of: string): string => spread(values(results, cpu(of), name));
    const carriers = carriersOf(results, name).map((of) => `${of} ${figure(of)}`);
    return [
      TITLES[name],
      figure(ASTERISK_A),
      carriers.join(', ') || '-',
      figure(ASTERISK_B),
      figure(TRIGGER),
      figure(ALL),
    ];
  };
  return {
    title: 'Processor time of one change, µs',
    head: ['', 'Asterisk A', 'carried by', 'Asterisk B', 'trigger', 'all'],
    rows: CONTESTANTS.map(row),
  };
}

/** By name, as they were measured. */
function carriersOf(results: Results, name: Contestant): string[] {
  const others: readonly string[] = [ASTERISK_A, ASTERISK_B, TRIGGER, ALL];
  const of = results.samples
    .filter((sample) => sample.of === name && sample.measure.startsWith(CPU))
    .map((sample) => sample.measure.slice(CPU.length));
  return [...new Set(of)].filter((each) => !others.includes(each));
}

function ofFloor(results: Results): Goal {
  const measured = ratios(results, MEASURES.throughput, 'hintmesh', 'floor');
  const met = median(measured) >= OF_FLOOR;
  return {
    text: `throughput at least ${OF_FLOOR} times that of the floor`,
    figure: `${spread(measured)} times`,
    met,
    ...(met
      ? {}
      : {
          why: `processor time of a change: ${spent(results, 'hintmesh')}; ${spent(results, 'floor')}. ${leftForBrokers(results)}`,
        }),
  };
}

/** `Hintmesh 456 µs in all, of which broker a 66, broker b 118`. */
function spent(results: Results, name: Contestant): string {
  const figure = (of: string): string => short(median(values(results, cpu(of), name)));
  const carriers = carriersOf(results, name).map((of) => `${of} ${figure(of)}`);
  return `${TITLES[name]} ${figure(ALL)} µs in all, of which ${carriers.join(', ')}`;
}

/** The floor's cost bought so many changes; for the share aimed at, the brokers could cost what is left. */
function leftForBrokers(results: Results): string {
  const brokers = carriersOf(results, 'hintmesh').map((of) => rounds(results, cpu(of), 'hintmesh'));
  const relays = carriersOf(results, 'floor').map((of) => rounds(results, cpu(of), 'floor'));
  const floor = rounds(results, cpu(ALL), 'floor');
  const total = (parts: readonly ReadonlyMap<number, number>[], round: number): number =>
    sum(parts.map((part) => part.get(round) ?? Number.NaN));
  const left: number[] = [];
  for (const [round, all] of rounds(results, cpu(ALL), 'hintmesh')) {
    const rest = all - total(brokers, round);
    left.push((floor.get(round) ?? Number.NaN) / OF_FLOOR - rest);
  }
  const bare = [...floor.keys()].map((round) => total(relays, round));
  return `So that the processors carry ${OF_FLOOR} times as many, both brokers could take ${spread(left)} µs; the two bare relays take ${spread(bare)}`;
}

/** The better rival of each round. */
function ofRivals(results: Results): Goal {
  const rivals = RIVALS.map((name) => rounds(results, MEASURES.throughput, name));
  const measured = [...rounds(results, MEASURES.throughput, 'hintmesh')].flatMap(([round, value]) => {
    const others = rivals.flatMap((rival) => rival.get(round) ?? []);
    return others.length < RIVALS.length ? [] : [value / Math.max(...others)];
  });
  return {
    text: `throughput at least ${OF_RIVALS} times that of the better of PJSIP publish and XMPP`,
    figure: `${spread(measured)} times`,
    met: median(measured) >= OF_RIVALS,
    ...(measured.length === 0 ? { why: 'one of them was not run' } : {}),
  };
}

function answered(results: Results): Goal {
  const { asked, unansweredA, unansweredB } = MEASURES;
  const all = sum(values(results, asked, 'hintmesh'));
  const [a, b] = [unansweredA, unansweredB].map((measure) => sum(values(results, measure, 'hintmesh')));
  const met = all > 0 && a === 0 && b === 0;
  const floor = [unansweredA, unansweredB].map((measure) => sum(values(results, measure, 'floor')));
  return {
    text: 'meanwhile every SIP OPTIONS to both PBXs is answered',
    figure: `${a} of A and ${b} of B unanswered, of ${short(all)}`,
    met,
    ...(met ? {} : { why: `with the floor ${floor[0]} of A and ${floor[1]} of B` }),
  };
}

function whole(results: Results): Goal {
  const seen = values(results, MEASURES.coalesced, 'hintmesh');
  const floor = sum(values(results, MEASURES.coalesced, 'floor'));
  const met = seen.length > 0 && seen.every((each) => each === 0);
  return {
    text: 'nothing is coalesced at that rate',
    figure: `${short(sum(seen))} changes not seen`,
    met,
    ...(met ? {} : { why: `with the floor ${short(floor)}` }),
  };
}

function sum(all: readonly number[]): number {
  return all.reduce((before, each) => before + each, 0);
}
