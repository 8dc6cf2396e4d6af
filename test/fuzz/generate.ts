/**
 * Inputs without end, from a seed: right ones whose bytes were changed, and between them some that fast-check built
 * along the grammar, with something wrong here and there.
 */
import fc from 'fast-check';
import { Random } from '../sim/federation/random.ts';
import { frameSessions, packetSessions } from './arbitrary.ts';
import type { Input, Target } from './input.ts';
import { cut, mutated } from './mutate.ts';
import { answers, conversations, hellos, packets } from './recorded.ts';

/** To each built one; they take longer to draw. */
const BENT_PER_BUILT = 3;
/** Built ones are drawn so many at a time: fast-check is slow to begin. */
const DRAWN_AT_ONCE = 200;

export type Kind = 'mesh' | 'ami';

export function* generate(kind: Kind, seed: number): Generator<Input> {
  const random = new Random(seed);
  const bent = kind === 'mesh' ? bentFrames(random) : bentPackets(random);
  const built = kind === 'mesh' ? frameSessions : packetSessions;
  for (let round = 0; ; round++) {
    const drawn = fc.sample(built, { seed: (seed * 7_919 + round) | 0, numRuns: DRAWN_AT_ONCE });
    for (const input of drawn) {
      yield input;
      for (let n = 0; n < BENT_PER_BUILT; n++) yield bent.next().value;
    }
  }
}

function* bentFrames(random: Random): Generator<Input, never> {
  const talks = conversations();
  const greetings = hellos();
  const all = [...talks.flat(), ...greetings];
  for (;;) {
    const target: Target = random.chance(0.8) ? 'frames' : 'hello';
    const talk = random.pick(talks);
    const right = target === 'frames' ? talk : [...greetings.slice(0, 1), ...talk];
    const at = random.between(0, right.length - 1);
    const parts = right.map((part, n) =>
      n === at || random.chance(0.05) ? mutated(part, random, all) : part,
    );
    // A frame of another session, or the same one again.
    if (random.chance(0.1)) parts.splice(random.between(0, parts.length), 0, random.pick(all));
    yield { target, parts };
  }
}

function* bentPackets(random: Random): Generator<Input, never> {
  const sent = packets();
  const said = answers();
  for (;;) {
    if (random.chance(0.85)) {
      const right = Array.from({ length: random.between(1, 4) }, () => random.pick(sent));
      const bytes = Buffer.concat(
        right.map((one) => (random.chance(0.5) ? mutated(one, random, sent) : one)),
      );
      yield { target: 'events', parts: random.chance(0.5) ? [bytes] : cut(bytes, random) };
    } else {
      const chosen = random.some(said, 0.15);
      const parts = (chosen.length > 0 ? chosen : [random.pick(said)]).map(([action, answer]) =>
        Buffer.concat([Buffer.from(`${action}\0`), mutated(Buffer.from(answer), random, sent)]),
      );
      yield { target: 'session', parts };
    }
  }
}
