// What CI asks of the deterministic simulation (docs/simulation.md): some thousand runs of whole federations in which
// every law must hold, the histories that once broke one, and that breaking the core is found out.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generate } from './federation/generate.ts';
import type { History } from './federation/history.ts';
import { asText, fromText } from './federation/history-file.ts';
import { hunt, textOf } from './federation/mutate.ts';
import { MUTATIONS } from './federation/mutations.ts';
import { play, realCore } from './federation/run.ts';
import { shrink } from './federation/shrink.ts';
import type { Counts } from './federation/world.ts';

const SEEDS = Number(process.env['HINTMESH_SIM_SEEDS'] ?? 1_500);
const HISTORIES = new URL('federation/histories/', import.meta.url);

/** What must have happened in all these runs: else they prove nothing. */
const HAPPENED = [
  'ends: right in time',
  'frames: lose',
  'frames: repeat',
  'frames: swap',
  'hellos that had to wait',
  'links ended: dropped',
  'links ended: duplicate',
  'links ended: peer-changed',
  'links ended: queue-full',
  'links ended: replaced',
  'links ended: silence',
  'links refused, tag in use',
  'notes: bye',
  'notes: drift',
  'notes: extensionRefused',
  'notes: gone → live',
  'notes: gone → unheard',
  'notes: hintNamesLamp',
  'notes: live → suspect',
  'notes: suspect → gone',
  'notes: suspect → live',
  'notes: unheard → gone',
  'notes: writeRefused',
  'states coalesced for a slow peer',
  'steps: freeze',
  'steps: configure',
  'steps: powerCut',
];

const core = await realCore();

test(`in ${SEEDS} runs every law holds all along, and in the end every lamp is right in time`, () => {
  const counts: Counts = new Map();
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { law, text } = play(generate(seed), { core, counts });
    assert.equal(law, undefined, `seed ${seed}: ${text}\nnpm run sim -- --seed ${seed} --shrink shows it`);
  }
  for (const what of HAPPENED) assert.ok((counts.get(what) ?? 0) > 0, `${what}: never in ${SEEDS} runs`);
});

for (const name of readdirSync(HISTORIES).sort()) {
  test(`the history ${name} breaks no law any more`, () => {
    const history = fromText(readFileSync(new URL(name, HISTORIES), 'utf8'));
    const { law, text } = play(history, { core });
    assert.equal(
      law,
      undefined,
      `${text}\nnpm run sim -- --history test/sim/federation/histories/${name} --trace`,
    );
  });
}

test('a seed gives the same run every time, to the last effect; a history that was kept, too', () => {
  for (const seed of [1, 2, 3]) {
    const trace = (history: History): string => {
      const lines: string[] = [];
      play(history, { core, say: (line) => lines.push(line) });
      return lines.join('\n');
    };
    const first = trace(generate(seed));
    assert.ok(first.length > 1_000);
    assert.equal(trace(generate(seed)), first);
    assert.equal(trace(fromText(asText(generate(seed)))), first);
  }
});

test('who looks at a real clock, or at chance, is found out', () => {
  class Impure extends core.Federation {
    override input(...args: Parameters<InstanceType<typeof core.Federation>['input']>) {
      Date.now();
      return super.input(...args);
    }
  }
  const { law, text } = play(generate(0), { core: { Federation: Impure } });
  assert.equal(law, 'exception');
  assert.match(text, /real clock/);
});

test('the text of every mutation is in the core once', () => {
  for (const mutation of MUTATIONS) assert.doesNotThrow(() => textOf(mutation), mutation.name);
});

for (const mutation of MUTATIONS.filter(({ quick }) => quick)) {
  test(`found out: ${mutation.name}`, async () => {
    assert.ok(await hunt(mutation));
  });
}

test('a history that breaks a law is made short, and breaks the same law still', () => {
  class Deaf extends core.Federation {
    override input(...[input, now]: Parameters<InstanceType<typeof core.Federation>['input']>) {
      return input.type === 'heard' && input.message.type === 'bye' ? [] : super.input(input, now);
    }
  }
  const deaf = { Federation: Deaf };
  for (let seed = 0; seed < 100; seed += 1) {
    const history = generate(seed);
    const { law } = play(history, { core: deaf });
    if (law === undefined || history.steps.length < 20) continue;
    const short = shrink(history, law, deaf);
    assert.equal(play(short, { core: deaf }).law, law);
    assert.ok(short.steps.length <= 4, asText(short));
    return;
  }
  assert.fail('no run noticed that no bye is heard');
});
