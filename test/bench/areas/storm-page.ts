// What the page says of the storm: names of what is measured, the table, goals. Made of results alone.
import type { Goal, Name, Results, Section, Table } from '../contract.ts';
import { median, rounds, short, spread, values } from '../statistics.ts';

export interface Contestant {
  /** What samples are of. */
  readonly of: string;
  readonly title: string;
  readonly site: Name;
  readonly pacing?: 'default';
  readonly changes: number;
  /** Those without a goal storm in so many rounds only, for the time it takes. */
  readonly rounds: number;
}

export const LAMPS = 1_000;
/** As often for each extension. */
export const CHANGES = 50_000;
/** Of those that take half a minute for as many. */
export const FEWER_CHANGES = 15_000;
export const QUICK_CHANGES = 10_000;

/** In turn. The paced one is the last of those with a goal: what it still writes must not be beside the unlimited one. */
export const CONTESTANTS: readonly Contestant[] = [
  { of: 'hintmesh', title: 'Hintmesh, unlimited', site: 'hintmesh', changes: CHANGES, rounds: 2 },
  {
    of: 'hintmesh paced',
    title: 'Hintmesh, default pacing',
    site: 'hintmesh',
    pacing: 'default',
    changes: CHANGES,
    rounds: 2,
  },
  { of: 'zeromq', title: 'ZeroMQ, unlimited', site: 'zeromq', changes: CHANGES, rounds: 1 },
  { of: 'floor', title: 'floor', site: 'floor', changes: CHANGES, rounds: 1 },
  { of: 'publish', title: 'PJSIP publish', site: 'publish', changes: FEWER_CHANGES, rounds: 1 },
  { of: 'xmpp', title: 'XMPP', site: 'xmpp', changes: FEWER_CHANGES, rounds: 1 },
];

export function changesOf({ changes }: Contestant, quick: boolean): number {
  return quick ? QUICK_CHANGES : changes;
}

export const WINDOW = 32;
/** Of Setvars at a PBX alone. */
export const CEILING_CHANGES = 5_000;
/** `writes_per_second` where a config says nothing. */
export const DEFAULT_RATE = 50;
/** The goal, in times what the lamps take at the rate they are written at. */
const TIMES = 1.5;

export const MEASURES = {
  triggered: 'storm triggered',
  right: 'storm right after',
  writes: 'storm writes',
  wrong: 'storm wrong',
  ceiling: 'storm ceiling',
} as const;
/** Whose the ceiling is, and how soon its own lamps are right. */
export const CEILING = 'Asterisk';

export function section(results: Results): Section {
  return {
    title: 'A storm on every extension',
    text: text(results),
    tables: [table(results)],
    plots: [],
    goals: goals(results),
  };
}

function text(results: Results): string {
  const changes = results.quick
    ? short(QUICK_CHANGES)
    : `${short(CHANGES)} (the rivals: ${short(FEWER_CHANGES)})`;
  const alone = spread(values(results, MEASURES.right, CEILING));
  const ceiling = spread(values(results, MEASURES.ceiling, CEILING));
  return `${changes} changes on ${short(LAMPS)} extensions of A, as fast as A takes them with ${WINDOW} Setvars unanswered. The extensions take \
turns, each is ringing, in use and idle again and again, and ends in a state that it was not in before: a lamp at B is right when its last change is \
there, and not earlier. Right is the time of the ExtensionStatus at B that made the last lamp right, from the last answer of A on. A list of all \
hints then has to say the same.

The ceiling is what an Asterisk alone takes: Setvars of ${short(LAMPS)} devices with hints, ${WINDOW} unanswered, ${ceiling} a second, measured in \
each round. It shows the last of its own lamps right ${alone} s after its last answer, for Asterisk answers before it tells. All ${short(LAMPS)} lamps take so long at the rate that they are written at, and the goal is ${TIMES} times that. With default pacing the \
rate is ${DEFAULT_RATE} a second, and the lamps that are behind are still being written while the next contestant storms. Who has no goal storms in \
the first round only. The bare relay, PJSIP publish and XMPP carry each change \
that Asterisk tells them of: what they have not carried when A has taken all, they carry then.`;
}

/** How long all lamps take at the rate that they are written at, s, by round. */
function allowed(results: Results, { pacing }: Contestant, round: number): number | undefined {
  if (pacing === 'default') return LAMPS / DEFAULT_RATE;
  const rate = rounds(results, MEASURES.ceiling, CEILING).get(round);
  return rate === undefined ? undefined : LAMPS / rate;
}

/** Time until right, in times what all lamps take. */
function times(results: Results, contestant: Contestant): number[] {
  return [...rounds(results, MEASURES.right, contestant.of)].flatMap(([round, seconds]) => {
    const base = allowed(results, contestant, round);
    return base === undefined ? [] : [seconds / base];
  });
}

function table(results: Results): Table {
  const row = (title: string, measure: string): string[] => [
    title,
    ...CONTESTANTS.map(({ of }) => spread(values(results, measure, of))),
  ];
  return {
    title: 'The storm and after',
    head: ['', ...CONTESTANTS.map(({ title }) => title)],
    rows: [
      ['changes', ...CONTESTANTS.map((each) => short(changesOf(each, results.quick)))],
      row('A took all, s', MEASURES.triggered),
      row('every lamp right after the end, s', MEASURES.right),
      [
        'the same, in times all lamps at their rate',
        ...CONTESTANTS.map((each) => spread(times(results, each))),
      ],
      row('lamps written at B', MEASURES.writes),
      row('lamps wrong in the end', MEASURES.wrong),
    ],
  };
}

function goals(results: Results): Goal[] {
  const alone = spread(values(results, MEASURES.right, CEILING));
  const floor = spread(
    CONTESTANTS.filter(({ of }) => of === 'floor').flatMap((each) => times(results, each)),
  );
  return CONTESTANTS.filter(({ site }) => site === 'hintmesh').flatMap((contestant) => {
    const { of, pacing } = contestant;
    const after = values(results, MEASURES.right, of);
    const measured = times(results, contestant);
    const wrong = values(results, MEASURES.wrong, of);
    const met = median(measured) <= TIMES;
    const pace = pacing === 'default' ? 'default pacing' : 'unlimited';
    return [
      {
        text: `storm, ${pace}: right within ${TIMES} times all lamps at their rate`,
        figure: `${spread(measured)} times, ${spread(after)} s`,
        met,
        ...(met || pacing === 'default'
          ? {}
          : {
              why: `the bare relay needs ${floor} times here, and an Asterisk alone is right ${alone} s after its own storm`,
            }),
      },
      {
        text: `storm, ${pace}: every lamp right in the end`,
        figure: `${spread(wrong)} wrong`,
        met: wrong.length > 0 && Math.max(...wrong) === 0,
      },
    ];
  });
}
