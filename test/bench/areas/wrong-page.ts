// What the page says of wrong lamps. Owns the figures of the course, the names of what was counted, and how they are put
// into words; made of results alone.
import type { Goal, Results, Section } from '../contract.ts';
import { median, short, values } from '../statistics.ts';
import { NEVER, type Seen } from './wrong-lamps.ts';
import { CONTESTANTS, type Contestant } from './wrong-scenes.ts';

export const LAMPS = 500;
/** While the line is cut so many change. */
export const CHANGED = 100;
export const FAULTS = ['late joiner', 'cut', 'long cut', 'reset', 'killed'] as const;
export type Fault = (typeof FAULTS)[number];

/** Until a line is mended. SIP gives a request up after 32 s, so there is a longer one too. */
export const CUT_MS = { cut: 15_000, 'long cut': 45_000, reset: 15_000 } as const;

/** How long the lamps are watched at most after each. */
export const WATCH_MS: Readonly<Record<Fault | 'quick', number>> = {
  quick: 20_000,
  'late joiner': 40_000,
  cut: 60_000,
  'long cut': 40_000,
  reset: 40_000,
  killed: 40_000,
};

const HEADS: Readonly<Record<Fault, string>> = {
  'late joiner': `joins late, ${LAMPS} in use`,
  cut: `silent cut of ${CUT_MS.cut / 1_000} s, ${CHANGED} change`,
  'long cut': `silent cut of ${CUT_MS['long cut'] / 1_000} s, ${CHANGED} change`,
  reset: `cut of ${CUT_MS.reset / 1_000} s with resets, ${CHANGED} change`,
  killed: `origin killed, ${LAMPS} in use`,
};

/** What was seen, by the names that the samples have. */
export function measures(fault: Fault, seen: Seen): (readonly [string, number])[] {
  return [
    [`wrong ${fault}`, seen.most],
    [`wrong at the end ${fault}`, seen.left],
    [`right after ${fault}`, seen.seconds],
  ];
}

interface Figures {
  readonly wrong: number;
  readonly left: number;
  /** The worst round. */
  readonly seconds: number;
}

function figures(results: Results, fault: Fault, of: Contestant): Figures | undefined {
  const seconds = values(results, `right after ${fault}`, of);
  if (seconds.length === 0) return undefined;
  return {
    wrong: median(values(results, `wrong ${fault}`, of)),
    left: Math.max(...values(results, `wrong at the end ${fault}`, of)),
    seconds: seconds.includes(NEVER) ? NEVER : median(seconds),
  };
}

/** `100 wrong, right after 6.2 s`. */
export function cell(results: Results, fault: Fault, of: Contestant): string {
  const seen = figures(results, fault, of);
  if (seen === undefined) return 'not measured';
  const watched = WATCH_MS[results.quick ? 'quick' : fault] / 1_000;
  if (seen.seconds === NEVER) return `${seen.wrong} wrong, ${seen.left} still after ${watched} s`;
  return seen.wrong === 0 ? '0 wrong' : `${seen.wrong} wrong, right after ${short(seen.seconds)} s`;
}

const TEXT = `Each pair is on two hosts of its own (network namespaces), with ${LAMPS} extensions; ours with the timing and the pace that a
config without a word about them has. Right is a lamp that shows what the origin has. After the death of the origin it is
one that does not show *in use*: ours shows *unavailable*, 18 s after the last sign of life and at the pace of all lamps.
*Wrong* is the most that was seen wrong at one time from then on, looked at four times a second. What was not right by the
end of the watch may stay so until the next change of the extension.

- *Joins late*: the lamps are in use at the origin before the other PBX is started, with an empty AstDB. Counted from its
  start.
- *Silent cut*: nothing passes, and nobody is told. TCP sends again by itself what was lost, and so does SIP, but only for
  32 s. Counted from the mending. In the longer one ours has given up the origin: all its lamps are unavailable until then,
  and here that is wrong.
- *Cut with resets*: for that time every TCP segment between the two is answered with a reset and everything else is
  dropped, as a firewall does that has lost its table.
- *Origin killed*: \`kill -9\` of its Asterisk, and of its broker.

The server of XMPP is beside the PBX whose lamps are watched, and in a row of its own beside the origin: who is far from
it is who misses something.`;

export function section(results: Results): Section {
  const faults = FAULTS.filter((fault) =>
    CONTESTANTS.some((of) => figures(results, fault, of) !== undefined),
  );
  const rows = CONTESTANTS.map((of) => [of, ...faults.map((fault) => cell(results, fault, of))]);
  const missing = CONTESTANTS.filter((of) =>
    faults.every((fault) => figures(results, fault, of) === undefined),
  );
  const left = missing.length === 0 ? '' : `\n\nNot measured in this run: ${missing.join(' and ')}.`;
  return {
    title: 'What they get wrong',
    text: TEXT + left,
    tables: [{ title: 'Wrong lamps', head: ['', ...faults.map((fault) => HEADS[fault])], rows }],
    plots: [],
    goals: faults.map((fault) => goal(results, fault)),
  };
}

function goal(results: Results, fault: Fault): Goal {
  const rivals = CONTESTANTS.filter((of) => of !== 'hintmesh' && figures(results, fault, of) !== undefined);
  const others = rivals.map((of) => `${of}: ${cell(results, fault, of)}`).join('; ');
  return {
    text: `${HEADS[fault]}: no lamp of ours is wrong in the end`,
    figure: [cell(results, fault, 'hintmesh'), ...(others === '' ? [] : [`(${others})`])].join(' '),
    met: figures(results, fault, 'hintmesh')?.left === 0,
  };
}
