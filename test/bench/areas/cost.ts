// What one change costs a broker: told to its peers, heard from them, alone or many at once. Owns that measuring; what the
// page says of it is cost-page.ts's.
import { inLab } from '../../asterisk/lab.ts';
import { pause } from '../../until.ts';
import type { Area, Run } from '../contract.ts';
import { beyond, closeField, type Field, linkAll, openField, type Spent, spent } from '../peers/field.ts';
import { BATCH, BATCHES, CHANGES, EXPORTS, MEASURES, nameOf, RATE, section, sizes } from './cost-page.ts';

const IDLE_MS = 600;
const WARM_UP_CHANGES = 400;
const WARM_UP_RATE = 400;
const MIB = 2 ** 20;

async function measure(run: Run): Promise<void> {
  await inLab(async (lab) => {
    const opening = sizes(run.quick).map((size) =>
      openField(lab, { ...size, exports: EXPORTS, known: true }),
    );
    const fields = await Promise.all(opening);
    for (const field of fields) await linkAll(field);
    // What runs often is compiled before it is measured.
    for (const field of fields) await told(field, WARM_UP_CHANGES, WARM_UP_RATE);
    await Promise.all(fields.map((field) => hear(field, WARM_UP_CHANGES, WARM_UP_RATE)));
    const rounds = run.quick ? 1 : run.rounds;
    for (let round = 1; round <= rounds; round += 1) {
      const inTurn = round % 2 === 0 ? fields.toReversed() : fields;
      for (const field of inTurn) await once(run, field, round);
      await Promise.all(fields.map((field) => memory(run, field, round)));
      run.say(`cost: round ${round} of ${rounds}`);
    }
    for (const field of fields) await closeField(field);
  });
}

async function once(run: Run, field: Field, round: number): Promise<void> {
  const { peers: links } = field.options;
  const add = (measure: string, value: number) => run.add(measure, nameOf(links), round, value);
  const idle = await spent(field, () => pause(IDLE_MS));
  const micros = (busy: Spent, changes: number) => (1_000 * beyond(busy, idle).cpuMs) / changes;

  const alone = await counted(field, () => told(field, CHANGES, RATE));
  add(MEASURES.out, micros(alone.used, CHANGES));
  add(MEASURES.encoded, alone.encoded / CHANGES);
  add(MEASURES.frameBytes, alone.characters / (CHANGES * links));
  add(MEASURES.wireBytes, beyond(alone.used, idle).wireBytes / (CHANGES * links));

  const heard = await spent(field, () => hear(field, CHANGES, RATE));
  add(MEASURES.in, micros(heard, CHANGES));

  const many = BATCH * BATCHES;
  const together = await counted(field, () => tellTogether(field));
  add(MEASURES.batchOut, micros(together.used, many));
  add(MEASURES.batchEncoded, together.encoded / many);
  add(MEASURES.batchFrameBytes, together.characters / (many * links));
  add(MEASURES.batchWireBytes, beyond(together.used, idle).wireBytes / (many * links));
}

/** The same, with the change frames that were encoded at the broker, and their characters as the peers have read them. */
async function counted(field: Field, work: () => Promise<void>) {
  const encoded = () => field.broker.metric('frames_encoded_total');
  const before = { encoded: await encoded(), ...(await field.peers.ask('heard')) };
  const used = await spent(field, work);
  const { characters } = await field.peers.ask('heard');
  return {
    used,
    encoded: (await encoded()) - before.encoded,
    characters: characters - before.characters,
  };
}

/** Many changes here at once. */
async function tellTogether(field: Field): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch += 1) await told(field, BATCH, Number.POSITIVE_INFINITY);
}

/** Changes here, until every peer has been told. */
async function told({ options, pbx, peers }: Field, changes: number, perSecond: number): Promise<void> {
  const before = (await peers.ask('heard')).changes;
  // JSON has no infinity.
  await pbx.ask('change', changes, Math.min(perSecond, Number.MAX_SAFE_INTEGER));
  await peers.ask('untilHeard', before + changes * options.peers);
}

/** Changes at the peers, one after another, until every lamp here is written. */
async function hear({ pbx, peers }: Field, changes: number, perSecond: number): Promise<void> {
  const before = await pbx.ask('writes');
  await peers.ask('change', changes, perSecond);
  await pbx.ask('untilWritten', before + changes);
}

async function memory(run: Run, { broker, options }: Field, round: number): Promise<void> {
  const { rss, heap } = await broker.process.ask('memory');
  run.add(MEASURES.rss, nameOf(options.peers), round, rss / MIB);
  run.add(MEASURES.heap, nameOf(options.peers), round, heap / MIB);
}

export const cost: Area = { name: 'cost', measure, section };
