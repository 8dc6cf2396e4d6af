// What a chaos run does, drawn from its seed: which faults, how long, how many at once. Owns the odds and the waits;
// a round is drawn from the seed and its own number alone, so it can be played again by itself.
import { Random } from '../sim/federation/random.ts';
import { KINDS } from './chaos-faults.ts';

/** How often two things break at once. */
const TWO = 0.2;
/** How often a fault lasts until the lamps show that their origin is gone: 18 s and more. */
const LONG = 0.06;
/** Kinds that can last that long, and take the origin from its lamps. */
const CAN_BE_LONG = [
  'broker killed',
  'broker stands still',
  'asterisk killed',
  'asterisk stands still',
  'interface down',
  'line cut',
  'site cut off',
  'one way dropped',
];
/** How long a fault lasts otherwise: less than its links and sessions mind, or more. */
const LASTS_MS = [
  [2, [200, 3_000]],
  [1, [3_000, 8_000]],
] as const;
/** The same where there is little time. */
const SHORT_MS = [200, 1_200] as const;
/** By how much the second of two faults is later. */
const LATER_MS = 1_000;

export interface PlannedFault {
  readonly kind: string;
  /** After the round's begin. */
  readonly afterMs: number;
  /** `until-gone`: until the lamps show it. */
  readonly lasts: number | 'until-gone';
}

export interface Round {
  readonly number: number;
  readonly faults: readonly PlannedFault[];
  /** For what is drawn when it is made: where. */
  readonly random: Random;
}

const ALL = Object.keys(KINDS);

function randomOf(seed: number, round: number): Random {
  return new Random(Math.imul(seed, 1_000_003) + round);
}

/** Any round of a long run. */
export function drawRound(seed: number, number: number): Round {
  const random = randomOf(seed, number);
  const fault = (afterMs: number): PlannedFault => ({
    kind: random.pick(ALL),
    afterMs,
    lasts: random.between(...random.weighted<readonly [number, number]>(LASTS_MS)),
  });
  if (random.chance(LONG)) {
    const kind = random.pick(CAN_BE_LONG);
    return { number, faults: [{ kind, afterMs: 0, lasts: 'until-gone' }], random };
  }
  const faults = [fault(0)];
  if (random.chance(TWO)) faults.push(fault(random.between(0, LATER_MS)));
  return { number, faults, random };
}

/** Every kind once, short; then two at once; then one that lasts until it is shown. */
export function shortRounds(seed: number): Round[] {
  const drawn = randomOf(seed, ALL.length);
  const two = [drawn.pick(ALL), drawn.pick(ALL)];
  const short = [...ALL.map((kind) => [kind]), two].map((kinds, number): Round => {
    const random = randomOf(seed, number);
    const faults = kinds.map((kind, i) => ({
      kind,
      afterMs: i * random.between(0, LATER_MS / 2),
      lasts: random.between(...SHORT_MS),
    }));
    return { number, faults, random };
  });
  const number = short.length;
  const long: PlannedFault = { kind: drawn.pick(CAN_BE_LONG), afterMs: 0, lasts: 'until-gone' };
  return [...short, { number, faults: [long], random: randomOf(seed, number) }];
}

/** What rounds of this sort are counted as. */
export function nameOf({ faults }: Round): string {
  const [fault] = faults;
  if (faults.length > 1) return 'two at once';
  return `${fault?.kind}${fault?.lasts === 'until-gone' ? ', until gone' : ''}`;
}
