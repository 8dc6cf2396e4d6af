// Chaos: three busy PBXs with default settings and 200 lamps for each, things that break by a seed, and every lamp right
// again. Here every kind of fault once; HINTMESH_CHAOS_ROUNDS=100 plays so many drawn ones, HINTMESH_CHAOS_SEED others.
import { test } from 'node:test';
import { available } from './available.ts';
import { drawRound, shortRounds } from './chaos-plan.ts';
import { chaos } from './chaos-run.ts';

const asterisks = await available();
const SEED = Number(process.env['HINTMESH_CHAOS_SEED'] ?? 5);
const ROUNDS = process.env['HINTMESH_CHAOS_ROUNDS'];

test(`whatever breaks, every lamp is right again; seed ${SEED}`, { skip: asterisks.skip }, async (t) => {
  const rounds =
    ROUNDS === undefined
      ? shortRounds(SEED)
      : Array.from({ length: Number(ROUNDS) }, (_, i) => drawRound(SEED, i));
  await chaos(SEED, rounds, asterisks.roots(), (line) => t.diagnostic(line));
});
