// One peer tells as many states as an origin may have: how long the broker's event loop is held while they are parsed and
// applied. Owns that measuring and what the page says of it.
import { inLab, type Lab } from '../../asterisk/lab.ts';
import { pause, until } from '../../until.ts';
import type { Area, Goal, Results, Run, Section } from '../contract.ts';
import { closeField, type Field, openField } from '../peers/field.ts';
import { spread, values } from '../statistics.ts';

const STATES = 100_000;
const QUICK_STATES = 20_000;
const FRAME_STATES = 200;
const EXPORTS = 100;
const TAKEN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** After the last frame was read; what is still to be done with it is done by then. */
const AFTER_MS = 1_000;
/** Start, compiling, the first collections: not what is asked here. */
const WARM_UP_MS = 1_000;
const GOAL_MS = 20;
const ROUNDS = 3;

/** The kinds of snapshot, in the order they are made. */
const KINDS = {
  first: 'the first of an origin',
  changed: 'after a cut link, all states changed',
  same: 'after a cut link, nothing changed',
} as const;
type Kind = keyof typeof KINDS;

async function measure(run: Run): Promise<void> {
  const states = run.quick ? QUICK_STATES : STATES;
  const rounds = run.quick ? 1 : Math.min(run.rounds, ROUNDS);
  await inLab(async (lab) => {
    for (let round = 1; round <= rounds; round += 1) {
      await once(run, lab, round, states);
      run.say(`snapshot: round ${round} of ${rounds}`);
    }
  });
}

/** A new broker each time: an origin is told for the first time once. */
async function once(run: Run, lab: Lab, round: number, states: number): Promise<void> {
  const field = await openField(lab, { peers: 1, extensions: states, exports: EXPORTS, pacing: 'default' });
  await pause(WARM_UP_MS);
  const { peers } = field;
  await watched(run, field, 'first', round, states, () => peers.ask('link'));
  await watched(run, field, 'changed', round, states, () => peers.ask('cut', 'all'));
  await watched(run, field, 'same', round, 0, () => peers.ask('cut', 'none'));
  await closeField(field);
}

async function watched(
  run: Run,
  field: Field,
  kind: Kind,
  round: number,
  changes: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const { broker, options } = field;
  const look = () => broker.metrics('changes_received_total', 'peer_frames_received_total', 'peer_link_up');
  const before = await look();
  const frames = Math.ceil(options.extensions / FRAME_STATES);
  await broker.process.ask('watch');
  const begun = performance.now();
  const working = work();
  await until(
    'the snapshot is applied',
    async () => {
      // Each look costs the broker something too, so it is not looked all the time.
      await pause(LOOK_EVERY_MS);
      const now = await look();
      const read = now.peer_frames_received_total - before.peer_frames_received_total > frames;
      return read && now.changes_received_total - before.changes_received_total >= changes;
    },
    TAKEN_WITHIN_MS,
  );
  const ms = performance.now() - begun;
  await working;
  await pause(AFTER_MS);
  const held = await broker.process.ask('held');
  run.add('snapshot held', kind, round, held.ms);
  run.add('snapshot collection', kind, round, held.collectionMs);
  run.add('snapshot time', kind, round, ms);
}

function section(results: Results): Section {
  const of = (measure: string, kind: string) => values(results, measure, kind);
  const states = (results.quick ? QUICK_STATES : STATES).toLocaleString('en').replace(',', ' ');
  const rows = Object.entries(KINDS).map(([kind, words]) => [
    words,
    ...['snapshot held', 'snapshot collection', 'snapshot time'].map((measure) => spread(of(measure, kind))),
  ]);
  const worst = Object.keys(KINDS).map((kind) => of('snapshot held', kind));
  const met = worst.every((each) => each.length > 0 && Math.max(...each) <= GOAL_MS);
  const worstCollection = Object.keys(KINDS).flatMap((kind) => of('snapshot collection', kind));
  const goal: Goal = {
    text: `A snapshot of ${states} states parsed and applied without holding the event loop over ${GOAL_MS} ms`,
    figure: worst.map((each) => `${spread(each)} ms`).join('; '),
    met,
    ...(met
      ? {}
      : {
          why: `the longest collection of garbage alone took ${spread(worstCollection)} ms, tables of 100 000 rows grow in one go, and what one read brings, 64 KiB or ten frames, is decoded in one go`,
        }),
  };
  return {
    title: 'A large snapshot',
    text: [
      `One peer tells ${states} states at once, and lamps are written at the`,
      'default pace meanwhile. Held is the longest time between two turns of a timer of 1 ms in the broker, less that',
      'millisecond: garbage collection and everything else that happened in the process are in it. Time is from the',
      `start of the dialling, with the wait before it, until the last frame was read, to within ${LOOK_EVERY_MS} ms.`,
    ].join(' '),
    tables: [
      {
        title: `Snapshots of ${states} states`,
        head: ['snapshot', 'event loop held, ms', 'longest collection, ms', 'until read, ms'],
        rows,
      },
    ],
    plots: [],
    goals: [goal],
  };
}

export const snapshot: Area = { name: 'snapshot', measure, section };
