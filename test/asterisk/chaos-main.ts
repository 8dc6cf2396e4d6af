/**
 * Chaos on real Asterisks, on the command line:
 *
 *   npm run chaos -- --rounds 100 [--seed N]      many rounds
 *   npm run chaos -- --seed N --from 37 --rounds 1   one of them again
 *   HINTMESH_CHAOS_LAMPS=100 npm run chaos ...       lamps for each origin, 200 when not set
 */
import { parseArgs } from 'node:util';
import { drawRound } from './chaos-plan.ts';
import { chaos } from './chaos-run.ts';
import { provision } from './provision.ts';

const say = (line: string): void => console.log(line);
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});
for (const text of [values.seed, values.from, values.rounds]) {
  if (/^\d+$/.test(text)) continue;
  console.error(`"${text}" is no number`);
  process.exit(2);
}
const [seed, from, count] = [Number(values.seed), Number(values.from), Number(values.rounds)];
say(`chaos: seed ${seed}, ${count} rounds from ${from}`);
const rounds = Array.from({ length: count }, (_, i) => drawRound(seed, from + i));
try {
  await chaos(seed, rounds, await provision(say), say);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
