// One scripted call at one site, followed on a lamp of the other.
import type { DeviceState } from '../../src/core/state.ts';
import type { SimulatedAsterisk } from '../sim/asterisk.ts';

/** A lamp that has not changed by then never will. */
const STEP_TIMEOUT_MS = 10_000;
const LAMP = '1002*msk';

/** Calls 1002 from 1001 at `origin`; true if the lamp at `watcher` showed each step, and nothing else. */
export async function once(origin: SimulatedAsterisk, watcher: SimulatedAsterisk): Promise<boolean> {
  const shown: (DeviceState | undefined)[] = [];
  let tell = (): void => {};
  watcher.onHint((extension, state) => {
    if (extension !== LAMP) return;
    shown.push(state);
    tell();
  });
  const shows = (state: DeviceState): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), STEP_TIMEOUT_MS);
      tell = () => {
        if (watcher.lamp(LAMP) !== state) return;
        clearTimeout(timer);
        resolve(true);
      };
      tell();
    });

  if (!(await shows('NOT_INUSE'))) {
    console.log(`lamp ${LAMP} at spb did not become NOT_INUSE: the brokers did not meet`);
    return false;
  }
  console.log(`lamp ${LAMP} at spb shows NOT_INUSE; now 1001 calls 1002 at msk`);
  shown.length = 0;
  const step = async (what: string, act: () => void, state: DeviceState): Promise<boolean> => {
    const began = performance.now();
    act();
    const right = await shows(state);
    const took = `${(performance.now() - began).toFixed(1)} ms`;
    console.log(
      right ? `  ${what}: lamp ${state} after ${took}` : `  ${what}: lamp is not ${state} after ${took}`,
    );
    return right;
  };
  let call: ReturnType<SimulatedAsterisk['call']> | undefined;
  const rang = await step('1002 rings   ', () => (call = origin.call('1001', '1002')), 'RINGING');
  const talked = rang && (await step('1002 answers ', () => call?.answer(), 'INUSE'));
  const ended = talked && (await step('1002 hangs up', () => call?.hangup(), 'NOT_INUSE'));
  console.log(`lamp ${LAMP}: ${shown.join(' → ')}`);
  return ended && shown.join() === 'RINGING,INUSE,NOT_INUSE';
}
