// A whole chaos run: episodes of rounds, each episode with Asterisks and brokers of its own, and the figures at the
// end. Owns what is told and printed; the rounds are chaos-scene.ts's.
import { nameOf, type Round } from './chaos-plan.ts';
import { type Outcome, Scene } from './chaos-scene.ts';
import { inLab } from './lab.ts';
import type { Root, Roots } from './provision.ts';

/** Rounds until everything is made anew, with the other mix of versions. */
const EPISODE_ROUNDS = 25;
/** What is aimed at, from when the fault is gone and the PBX fully booted. */
export const GOAL_MS = 3_000;

interface Played {
  readonly name: string;
  readonly outcome: Outcome;
}

export type Say = (line: string) => void;

/** Plays these rounds and says how each went, then the figures. Fails with the first round that does. */
export async function chaos(seed: number, rounds: readonly Round[], roots: Roots, say: Say): Promise<void> {
  const played: Played[] = [];
  let [changes, calls] = [0, 0];
  try {
    for (let first = 0; first < rounds.length; first += EPISODE_ROUNDS) {
      await inLab(async (lab) => {
        const scene = await Scene.start(lab, mix(roots, first / EPISODE_ROUNDS), seed + first);
        try {
          for (const round of rounds.slice(first, first + EPISODE_ROUNDS)) {
            const outcome = await scene.play(round);
            played.push({ name: nameOf(round), outcome });
            say(`round ${round.number}: ${told(outcome)}`);
          }
        } finally {
          for (const load of scene.changes) changes += load.made;
          for (const load of scene.calls) calls += load.made;
          await scene.close();
        }
      });
    }
  } finally {
    for (const line of figures(played)) say(line);
    say(`${changes} changes of devices and ${calls} whole calls went on meanwhile; seed ${seed}`);
  }
}

/** Both versions, the newer one twice or the older one. */
function mix({ forky, bullseye }: Roots, episode: number): readonly [Root, Root, Root] {
  return episode % 2 === 0 ? [forky, bullseye, forky] : [bullseye, forky, bullseye];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function told({ what, at, rightMs, sinceRunsMs, goneMs }: Outcome): string {
  const parts = [`${what}: gone at ${at}, right after ${seconds(rightMs)}`];
  if (sinceRunsMs !== undefined) parts.push(`${seconds(sinceRunsMs)} after the new broker said that it runs`);
  if (goneMs !== undefined) parts.push(`shown as gone after ${seconds(goneMs)}`);
  if (rightMs > GOAL_MS) parts.push('over the goal');
  return parts.join(', ');
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** One line for each sort of round, and the worst of all. */
function figures(played: readonly Played[]): string[] {
  const names = [...new Set(played.map(({ name }) => name))].sort();
  const lines = names.map((name) => {
    const times = played.filter((each) => each.name === name).map(({ outcome }) => outcome.rightMs);
    const over = times.filter((ms) => ms > GOAL_MS).length;
    return (
      `${name.padEnd(34)} ${String(times.length).padStart(3)} rounds, median ${seconds(median(times))}, ` +
      `worst ${seconds(Math.max(...times))}${over > 0 ? `, ${over} over the goal` : ''}`
    );
  });
  const worst = Math.max(...played.map(({ outcome }) => outcome.rightMs));
  const over = played.filter(({ outcome }) => outcome.rightMs > GOAL_MS).length;
  const all = `worst time to right of ${played.length} rounds: ${seconds(worst)}; ${over} over the goal of ${seconds(GOAL_MS)}`;
  return [...lines, all];
}
