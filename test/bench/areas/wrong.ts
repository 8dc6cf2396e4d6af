// What they get wrong: lamps that show something else than the origin has, after the five things that happen to every
// pair of PBXs sooner or later. Owns the course of it; all contestants go through it at the same time, each on hosts of
// its own, because it is counted and not timed against each other.
import type { Asterisk } from '../../asterisk/asterisk.ts';
import { inLab, type Lab } from '../../asterisk/lab.ts';
import { pause } from '../../until.ts';
import type { Area, Run } from '../contract.ts';
import { CannotRun } from '../sites/prosody.ts';
import { dark, inUse, light, NEVER, type Right, type Seen, watch } from './wrong-lamps.ts';
import { reset, unreset } from './wrong-line.ts';
import { CHANGED, CUT_MS, type Fault, LAMPS, measures, section, WATCH_MS } from './wrong-page.ts';
import { CONTESTANTS, type Contestant, SCENES, type Scene } from './wrong-scenes.ts';

/** It takes minutes and hardly differs between rounds: how often it is wrong is decided by the design. */
const ROUND = 1;
/** Between two faults all lamps are made right, by changes that the link must carry: at the default pace 10 s for 500. */
const SETTLE_MS = 40_000;
/** Whether a link is there is found out by a change of one lamp, so often at most, each watched so long. */
const TRIES = 10;
const TRY_MS = 4_000;

interface Stage {
  readonly scene: Scene;
  readonly contestant: Contestant;
  readonly run: Run;
}

export const wrong: Area = {
  name: 'wrong',
  slow: true,
  measure: (run) =>
    inLab(async (lab) => {
      const courses = run.quick ? [late] : [lateThenKilled, cutThenReset, longCut];
      const all = CONTESTANTS.flatMap((contestant) => courses.map((course) => ({ contestant, course })));
      const over = await Promise.allSettled(
        all.map(async ({ contestant, course }) => {
          const scene = await prepare(lab, run, contestant);
          if (scene) await course({ scene, contestant, run });
        }),
      );
      const failed = over.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      if (failed.length > 0) throw new Error(failed.map(String).join('\n'));
    }),
  section,
};

/** `undefined`: this machine cannot have that contestant. Its row then says so. */
async function prepare(lab: Lab, run: Run, contestant: Contestant): Promise<Scene | undefined> {
  try {
    return await SCENES[contestant](lab, run.root, LAMPS);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    run.say(`${contestant} is left out: ${error.message}`);
    return undefined;
  }
}

/** The origin has its lamps in use before the other PBX is there. */
async function late(stage: Stage): Promise<{ a: Asterisk; b: Asterisk }> {
  const { scene } = stage;
  const a = await scene.startA();
  await light(a, LAMPS, LAMPS, 'INUSE');
  const b = await scene.startB();
  await count(stage, 'late joiner', b, inUse(LAMPS));
  return { a, b };
}

async function lateThenKilled(stage: Stage): Promise<void> {
  const { scene } = stage;
  const { a, b } = await late(stage);
  // Whoever missed a state has it from its next change on.
  for (const [state, lit] of [
    ['NOT_INUSE', 0],
    ['INUSE', LAMPS],
  ] as const) {
    await light(a, LAMPS, LAMPS, state);
    await settle(stage, b, inUse(lit));
  }
  await scene.killA();
  await count(stage, 'killed', b, dark);
}

async function cutThenReset(stage: Stage): Promise<void> {
  const { a, b } = await both(stage);
  await apart(stage, 'cut', a, b);
  await light(a, LAMPS, LAMPS, 'NOT_INUSE');
  await settle(stage, b, inUse(0));
  await apart(stage, 'reset', a, b);
}

async function longCut(stage: Stage): Promise<void> {
  const { a, b } = await both(stage);
  await apart(stage, 'long cut', a, b);
}

/** Both PBXs, of which one follows the other. */
async function both(stage: Stage): Promise<{ a: Asterisk; b: Asterisk }> {
  const { scene } = stage;
  // The watched one first: what is sent to a PBX that is not there holds up PJSIP's publish.
  const b = await scene.startB();
  const a = await scene.startA();
  await linked(stage, a, b);
  return { a, b };
}

/** Some extensions change while the line is cut. */
async function apart(stage: Stage, fault: keyof typeof CUT_MS, a: Asterisk, b: Asterisk): Promise<void> {
  const { scene } = stage;
  const { hosts } = scene;
  await (fault === 'reset' ? reset(scene.a, scene.b) : hosts.cut(scene.a, scene.b));
  const over = pause(CUT_MS[fault]);
  await light(a, CHANGED, LAMPS, 'INUSE');
  await over;
  await (fault === 'reset' ? unreset(scene.a, scene.b) : hosts.mend(scene.a, scene.b));
  await count(stage, fault, b, inUse(CHANGED));
}

async function count({ scene, contestant, run }: Stage, fault: Fault, b: Asterisk, right: Right) {
  const watched = WATCH_MS[run.quick ? 'quick' : fault];
  const seen = await watch(b, scene, right, watched);
  for (const [measure, value] of measures(fault, seen)) run.add(measure, contestant, ROUND, value);
  run.say(`${fault}, ${contestant}: ${tell(seen, watched)}`);
}

function tell({ most, left, seconds }: Seen, watched: number): string {
  if (seconds === NEVER) return `${most} wrong, and ${left} still after ${watched / 1_000} s`;
  return `${most} wrong, none after ${seconds.toFixed(1)} s`;
}

/** Waits until all lamps are right. */
async function settle({ scene, contestant }: Stage, b: Asterisk, right: Right): Promise<void> {
  const { left } = await watch(b, scene, right, SETTLE_MS);
  if (left > 0) throw new Error(`${left} lamps of ${contestant} stayed wrong after all had changed`);
}

/** Changes the first lamp until the other PBX follows, there and back. */
async function linked({ scene, contestant }: Stage, a: Asterisk, b: Asterisk): Promise<void> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    await light(a, 1, LAMPS, 'INUSE');
    const there = await watch(b, scene, inUse(1), TRY_MS);
    await light(a, 1, LAMPS, 'NOT_INUSE');
    const back = await watch(b, scene, inUse(0), TRY_MS);
    if (there.left + back.left === 0) return;
  }
  throw new Error(`no change gets through with ${contestant}`);
}
