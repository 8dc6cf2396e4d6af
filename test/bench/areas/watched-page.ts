// What the page says of the watched PBX: names of what is measured, tables, the plot, goals. Made of results alone.
import type { Goal, Name, Plot, Results, Section, Table } from '../contract.ts';
import { median, short, spread, values } from '../statistics.ts';

export const CONTESTANTS = ['hintmesh', 'publish'] as const satisfies readonly Name[];
const TITLES: Readonly<Record<(typeof CONTESTANTS)[number], string>> = {
  hintmesh: 'Hintmesh',
  publish: 'PJSIP publish',
};

export const PHONES = 20;
export const STORMING = 100;
/** Extensions that people make calls on. */
export const LIVE = 5;
/** Each lamp is lit or put out by every one of its changes: the last half round leaves half of them otherwise than before. */
export const CHANGES = 5_050;
export const QUICK_CHANGES = 1_050;
/** A storm of PJSIP publish takes most of a minute until its NOTIFYs are sent, so it has no more rounds than these. */
export const RIVAL_ROUNDS = 1;
/** Of the storm, changes a second: it lasts long enough for calls. */
export const RATE = 500;
/** Between two live changes. */
export const EVERY_MS = 250;

/** The goal. */
const BEHIND_MS = 50;

export const MEASURES = {
  storm: {
    atBP50: 'live at b p50',
    atBP99: 'live at b p99',
    p50: 'live behind p50',
    p90: 'live behind p90',
    p99: 'live behind p99',
    lastP50: 'last phone p50',
    lastP99: 'last phone p99',
  },
  quiet: {
    atBP50: 'live at b quiet p50',
    atBP99: 'live at b quiet p99',
    p50: 'live behind quiet p50',
    p90: 'live behind quiet p90',
    p99: 'live behind quiet p99',
    lastP50: 'last phone quiet p50',
    lastP99: 'last phone quiet p99',
  },
} as const;

/** Live changes of this second of the storm. */
export function secondOf(second: number): string {
  return `live behind second ${second}`;
}

const LATENESS: readonly (readonly [string, keyof (typeof MEASURES)['storm']])[] = [
  ['the PBX B itself, p50', 'atBP50'],
  ['the PBX B itself, p99', 'atBP99'],
  ['median phone, p50', 'p50'],
  ['median phone, p90', 'p90'],
  ['median phone, p99', 'p99'],
  ['last phone, p50', 'lastP50'],
  ['last phone, p99', 'lastP99'],
];

const REST: readonly (readonly [string, string])[] = [
  ['OPTIONS asked, both PBXs', 'asked OPTIONS'],
  ['OPTIONS unanswered, A', 'unanswered OPTIONS a'],
  ['OPTIONS unanswered, B', 'unanswered OPTIONS b'],
  ['slowest answer to an OPTIONS, B, ms', 'slowest OPTIONS b'],
  ['live changes that a phone never showed (one per phone)', 'live never shown'],
  ['storming lamps that are right meanwhile, %', 'storm lamps right'],
  ['every phone right after the end of the storm, s', 'right after storm'],
  ['lamps wrong in the end, phone by phone', 'wrong'],
  ['NOTIFYs', 'NOTIFYs'],
  ['of these, repeated', 'NOTIFYs repeated'],
  ['storm as offered, changes/s', 'storm offered'],
  ['own delay of the measuring process, p99, ms', 'phones own delay'],
];

export function section(results: Results): Section {
  const changes = results.quick ? QUICK_CHANGES : CHANGES;
  return {
    title: 'Watched by phones',
    text: text(changes),
    tables: [lateness(results), rest(results)],
    plots: [plot(results)],
    goals: goals(results),
  };
}

function text(changes: number): string {
  const liveChanges = Math.floor(((changes / RATE) * 1_000) / EVERY_MS);
  return `\
${PHONES} SIP phones at B subscribe to ${STORMING + LIVE} lamps each, all in one process. ${STORMING} of the extensions \
storm: ${short(changes)} changes at A, offered at ${RATE} a second, so that it lasts long enough for calls. Each is lit \
or put out in its turn, and half of them end otherwise than they began. On the other ${LIVE} extensions people make calls \
meanwhile: each ${EVERY_MS} ms one of them begins to ring, is in use, or is idle again. The broker has its default \
pacing. Both PBXs are asked SIP OPTIONS each 10 ms, each once, from before the storm until every lamp is right.

Behind is the time from the Setvar of a live change at A until its NOTIFY arrives at a phone of B, on one clock. Of the \
${PHONES} phones that see a change the median one and the last one count. \
The rows of B itself say when its AMI tells of the change, before any phone hears of it. \
p50, p90 and p99 are over the ${liveChanges} live changes of a round, so p99 is the worst of them. *Quiet* is the same \
without a storm, measured just before it. A change that a phone never showed counts as long as it was waited for.

PJSIP publish hands on every change, ${short(changes * PHONES)} NOTIFYs for a storm. As these take long it has \
${RIVAL_ROUNDS} round. Hintmesh writes a storming lamp at its pace, with the latest state that it has.`;
}

function lateness(results: Results): Table {
  return {
    title: 'A live call behind, ms',
    head: ['', ...CONTESTANTS.flatMap((name) => [`${TITLES[name]}, storm`, `${TITLES[name]}, quiet`])],
    rows: LATENESS.map(([title, key]) => [
      title,
      ...CONTESTANTS.flatMap((name) =>
        (['storm', 'quiet'] as const).map((when) => spread(values(results, MEASURES[when][key], name))),
      ),
    ]),
  };
}

function rest(results: Results): Table {
  return {
    title: 'The storm, a round',
    head: ['', ...CONTESTANTS.map((name) => TITLES[name])],
    rows: REST.map(([title, measure]) => [
      title,
      ...CONTESTANTS.map((name) => spread(values(results, measure, name))),
    ]),
  };
}

function plot(results: Results): Plot {
  const changes = results.quick ? QUICK_CHANGES : CHANGES;
  const seconds = Array.from({ length: changes / RATE }, (_, second) => second);
  return {
    file: 'watched',
    title: 'How far a live call is behind while the storm goes on',
    x: 'second of the storm',
    y: 'ms behind, median phone',
    logY: true,
    lines: CONTESTANTS.map((name) => ({
      name: TITLES[name],
      points: seconds.flatMap((second) => {
        const found = values(results, secondOf(second), name);
        if (found.length === 0) return [];
        return [{ x: second + 1, y: median(found), low: Math.min(...found), high: Math.max(...found) }];
      }),
    })),
  };
}

function goals(results: Results): readonly Goal[] {
  const of = (measure: string): number[] => values(results, measure, 'hintmesh');
  const sum = (measure: string): number => of(measure).reduce((all, value) => all + value, 0);
  const asked = sum('asked OPTIONS');
  const unanswered = sum('unanswered OPTIONS a') + sum('unanswered OPTIONS b');
  const behind = of(MEASURES.storm.p50);
  const wrong = sum('wrong');
  return [
    {
      text: `${PHONES} phones × ${STORMING} lamps in a storm: every SIP OPTIONS answered`,
      figure: `${short(unanswered)} of ${short(asked)} unanswered`,
      met: asked > 0 && unanswered === 0,
      ...(unanswered > 0 && {
        why: `A left ${short(sum('unanswered OPTIONS a'))} unanswered and B ${short(sum('unanswered OPTIONS b'))}; B sent ${spread(of('NOTIFYs'))} NOTIFYs in a storm, ${spread(of('NOTIFYs repeated'))} of them again`,
      }),
    },
    {
      text: `${PHONES} phones × ${STORMING} lamps in a storm: the median lamp of a live call at most ${BEHIND_MS} ms behind`,
      figure: `${spread(behind)} ms (PJSIP publish: ${spread(values(results, MEASURES.storm.p50, 'publish'))} ms)`,
      met: median(behind) <= BEHIND_MS,
      ...(median(behind) > BEHIND_MS && {
        why: `the PBX B itself has the state after ${spread(of(MEASURES.storm.atBP50))} ms, the median phone after ${spread(behind)} ms; without a storm after ${spread(of(MEASURES.quiet.p50))} ms`,
      }),
    },
    {
      text: `${PHONES} phones × ${STORMING} lamps in a storm: final states right`,
      figure: `${short(wrong)} wrong, right ${spread(of('right after storm'))} s after the storm`,
      met: asked > 0 && wrong === 0,
    },
  ];
}
