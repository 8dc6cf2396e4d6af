// What a broker costs that has nothing to do: many peers, each with many extensions known, and no calls. Owns that
// measuring and what the page says of it.
import { inLab } from '../../asterisk/lab.ts';
import { pause } from '../../until.ts';
import type { Area, Results, Run, Section } from '../contract.ts';
import { bareCpu } from '../peers/bare.ts';
import { closeField, type Field, linkAll, openField, spent } from '../peers/field.ts';
import { median, spread, values } from '../statistics.ts';

const PEERS = 100;
const EXTENSIONS = 1_000;
const EXPORTS = 100;
const OF = `${PEERS} peers`;
/** Beside them a broker with one peer: what a broker costs by itself. */
const ALONE = '1 peer';
/** And a process that only wakes up as often as it must to hear an `alive` of each of them every second. */
const BARE = 'bare';
/** Until what was compiled and allocated for the start is done with. */
const WARM_UP_MS = 5_000;
const WINDOW_MS = 15_000;
const QUICK_WINDOW_MS = 5_000;
const ROUNDS = 2;
const GOAL_PERCENT = 1;
const TITLES: Readonly<Record<string, string>> = {
  [BARE]: `no peer and no broker: a bare Node process with ${PEERS} timers a second`,
};

async function measure(run: Run): Promise<void> {
  await inLab(async (lab) => {
    const shape = { extensions: EXTENSIONS, exports: EXPORTS, known: true };
    const open = async (of: string, peers: number) =>
      [of, await openField(lab, { ...shape, peers })] as const;
    const fields = new Map(await Promise.all([open(OF, PEERS), open(ALONE, 1)]));
    for (const field of fields.values()) await linkAll(field);
    await pause(WARM_UP_MS);
    const rounds = run.quick ? 1 : Math.min(run.rounds, ROUNDS);
    const ms = run.quick ? QUICK_WINDOW_MS : WINDOW_MS;
    for (let round = 1; round <= rounds; round += 1) {
      // They share no process, and nothing else happens: both at once.
      await Promise.all([...fields].map(([of, field]) => window(run, field, of, round, ms)));
      run.say(`idle: round ${round} of ${rounds}`);
    }
    for (const field of fields.values()) await closeField(field);
    for (let round = 1; round <= rounds; round += 1)
      run.add('idle cpu', BARE, round, await bareCpu(PEERS, ms / 2));
  });
}

async function window(run: Run, field: Field, of: string, round: number, ms: number): Promise<void> {
  const frames = async () => {
    const { peer_frames_received_total, peer_frames_sent_total } = await field.broker.metrics(
      'peer_frames_received_total',
      'peer_frames_sent_total',
    );
    return peer_frames_received_total + peer_frames_sent_total;
  };
  const before = await frames();
  const used = await spent(field, () => pause(ms));
  const seconds = used.ms / 1_000;
  run.add('idle cpu', of, round, (100 * used.cpuMs) / used.ms);
  run.add('idle frames', of, round, ((await frames()) - before) / seconds);
  run.add('idle bytes', of, round, used.wireBytes / seconds);
}

function section(results: Results): Section {
  const of = (measure: string, whose: string) => values(results, measure, whose);
  const cpu = of('idle cpu', OF);
  const row = (whose: string) => [
    whose,
    ...['idle cpu', 'idle frames', 'idle bytes'].map((measure) => spread(of(measure, whose))),
  ];
  const why = `every peer says \`alive\` each second: a bare Node process that wakes up ${PEERS} times a second and does nothing then uses ${spread(of('idle cpu', BARE))} % here, and a broker with one peer ${spread(of('idle cpu', ALONE))} %`;
  return {
    title: 'Idle',
    text: [
      `A broker with ${PEERS} peers, each of which has told ${EXTENSIONS.toLocaleString('en').replace(',', ' ')} extensions, and no call`,
      `anywhere: what its process uses while only \`alive\` and pings go to and fro, rounds: ${cpu.length}.`,
      'Beside it a broker with one peer, to show what a broker costs by itself.',
    ].join(' '),
    tables: [
      {
        title: 'Nothing happens',
        head: ['broker with', 'CPU, % of a core', 'frames/s, both ways', 'bytes/s of TLS, both ways'],
        rows: [row(OF), row(ALONE), row(BARE)].map(([whose = '', ...cells]) => [
          TITLES[whose] ?? whose,
          ...cells,
        ]),
      },
    ],
    plots: [],
    goals: [
      {
        text: `Idle with ${PEERS} peers: CPU under ${GOAL_PERCENT} % of a core`,
        figure: `${spread(cpu)} %`,
        met: median(cpu) < GOAL_PERCENT,
        ...(median(cpu) < GOAL_PERCENT ? {} : { why }),
      },
    ],
  };
}

export const idle: Area = { name: 'idle', measure, section };
