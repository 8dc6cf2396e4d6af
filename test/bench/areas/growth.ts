// What more peers, and more extensions that do not change, cost a broker. Owns that measuring; what the page says of it is
// growth-page.ts's.
import { inLab, type Lab } from '../../asterisk/lab.ts';
import { pause } from '../../until.ts';
import type { Area, Run } from '../contract.ts';
import { beyond, closeField, type Field, linkAll, openField, spent } from '../peers/field.ts';
import { extensionOf } from '../peers/names.ts';
import {
  CHANGES,
  EXPORTS,
  MEASURES,
  nameOf,
  RATE,
  ROUNDS,
  type Size,
  section,
  sizes,
} from './growth-page.ts';

const WARM_UP_MS = 1_000;
const WARM_UP_CHANGES = 50;
const IDLE_MS = 2_000;
const MIB = 2 ** 20;

async function measure(run: Run): Promise<void> {
  const rounds = run.quick ? 1 : Math.min(run.rounds, ROUNDS);
  await inLab(async (lab) => {
    for (let round = 1; round <= rounds; round += 1) {
      const inTurn = [...sizes(run.quick)];
      if (round % 2 === 0) inTurn.reverse();
      for (const size of inTurn) {
        await once(run, lab, round, size);
        run.say(`growth: ${nameOf(size)}, round ${round} of ${rounds}`);
      }
    }
  });
}

async function once(run: Run, lab: Lab, round: number, size: Size): Promise<void> {
  const add = (measure: string, value: number) => run.add(measure, nameOf(size), round, value);
  const field = await openField(lab, { ...size, exports: EXPORTS, known: true });
  await linkAll(field);
  await change(field, WARM_UP_CHANGES);
  await pause(WARM_UP_MS);
  const idle = await spent(field, () => pause(IDLE_MS));
  add(MEASURES.idle, (100 * idle.cpuMs) / idle.ms);
  const busy = await spent(field, () => change(field, CHANGES));
  add(MEASURES.cpu, (1_000 * beyond(busy, idle).cpuMs) / CHANGES);
  add(MEASURES.rss, (await field.broker.process.ask('memory')).rss / MIB);
  const converged = await spent(field, async () => add(MEASURES.converge, await converge(field)));
  add(MEASURES.again, beyond(converged, idle).cpuMs / size.peers);
  await closeField(field);
}

/** So many changes at the local Asterisk; returns when all peers have been told. */
async function change({ options, pbx, peers }: Field, changes: number): Promise<void> {
  const before = (await peers.ask('heard')).changes;
  await pbx.ask('change', changes, RATE);
  await peers.ask('untilHeard', before + changes * options.peers);
}

/**
 * All links are lost at once, and both sides have something new meanwhile: until every lamp here is right and every peer
 * knows, s.
 */
async function converge({ options, pbx, peers }: Field): Promise<number> {
  const at = await peers.ask('cut', 'INUSE');
  await pbx.ask('set', 0, 'RINGING');
  const done = await Promise.all([
    pbx.ask('lamps', options.peers, extensionOf(0, options.extensions), 'INUSE'),
    peers.ask('knows', extensionOf(0, EXPORTS), 'RINGING'),
  ]);
  return (Math.max(...done) - at) / 1_000;
}

export const growth: Area = { name: 'growth', slow: true, measure, section };
