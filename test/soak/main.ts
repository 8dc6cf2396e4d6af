// Lets three brokers run for long, each a process of the product, at so many changes a second and with everything
// around them coming and going: `npm run soak -- --minutes 30 [--rate 500] [--seed 1] [--plant-leak heap]`. Prints
// what they hold as it goes, and fails if that grows, or if a lamp stays wrong.
import { parseArgs } from 'node:util';
import { seededRandom } from '../sim/dialplan.ts';
import { Churn } from './churn.ts';
import { LEAKS, type Leak } from './inside.ts';
import { Load } from './load.ts';
import { Samples } from './samples.ts';
import { Scene } from './scene.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    'plant-leak': { type: 'string' },
  },
});
const [minutes, rate, seed] = [values.minutes, values.rate, values.seed].map(Number) as [
  number,
  number,
  number,
];
const leak = LEAKS.find((name) => name === values['plant-leak']);
if (!(minutes > 0 && rate > 0 && Number.isInteger(seed)) || (values['plant-leak'] && !leak)) {
  console.error(
    `usage: npm run soak -- --minutes N [--rate CHANGES_A_SECOND] [--seed N] [--plant-leak ${LEAKS.join('|')}]`,
  );
  process.exit(2);
}

async function soak(scene: Scene, planted: Leak | undefined): Promise<boolean> {
  await scene.start({ rate, random: seededRandom(seed), ...(planted && { leak: planted }) });
  const runMs = minutes * 60_000;
  const load = new Load(scene, rate);
  const churn = new Churn(scene, seededRandom(seed));
  const samples = new Samples(scene, runMs, { changes: () => load.done, latest: () => churn.latest });
  try {
    await Promise.race([samples.take(stop.signal), churn.over]);
  } finally {
    load.stop();
  }
  await churn.stop();
  const changes = load.done;
  const seconds = load.ms / 1_000;
  console.log(`\n${changes} changes in ${Math.round(seconds)} s: ${Math.round(changes / seconds)}/s`);
  console.log([...churn.done].map(([name, times]) => `${String(times).padStart(5)} × ${name}`).join('\n'));
  await scene.allRight();
  console.log('\nall lamps are right at the end');
  return samples.verdict();
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(signal)));
const scene = new Scene();
let good = false;
try {
  good = await soak(scene, leak);
} catch (error) {
  console.log(`\nFAILED: ${(error as Error).message}`);
} finally {
  await scene.close(!good);
}
if (!good) console.log(`configs and logs of the brokers are kept in ${scene.folder}`);
process.exit(good ? 0 : 1);
