// How long lamps take to be right again, over WebSocket and over ZeroMQ, in the same run and side by side: what is
// measured is printed, and ZeroMQ must not be the slower one. That they come right at all is faults.test.ts's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../until.ts';
import { available } from './available.ts';
import { TRANSPORTS, type Transport } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import { lampsAre, MSK, type Pair, setDevices, startPair } from './pair.ts';

const asterisks = await available();

const ROUNDS = 5;
/**
 * By how much the median over ZeroMQ may be above that over WebSocket: one redial at its longest. Whether one more
 * attempt falls into the time is chance, and the machine may be busy.
 */
const SLOWER_AT_MOST_MS = 2_000;

/** Makes a fault, mends it, and returns how long the lamp then took to show `state`, which came while it lasted. */
type Fault = (pair: Pair, state: string) => Promise<number>;

/** Waits until the lamp shows `state`; returns the time since `since`. */
async function right({ spb }: Pair, state: string, since: number): Promise<number> {
  await lampsAre(spb, { [`2001*${MSK}`]: state });
  return performance.now() - since;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "kill -9 of the origin's broker, which is started again; from the kill": async (pair, state) => {
    const { msk, mskBroker } = pair;
    const died = performance.now();
    await mskBroker.kill();
    await setDevices(msk, { l2001: state });
    await mskBroker.start();
    return right(pair, state, died);
  },

  'a line that is cut until both sides have given up their link; from when it is mended': async (
    pair,
    state,
  ) => {
    const { msk, mskBroker, spbBroker, cut, mend } = pair;
    const downs = () => [mskBroker, spbBroker].map((broker) => broker.events('link-down').length);
    const before = downs();
    await cut();
    await setDevices(msk, { l2001: state });
    await until('both sides have given up their link', () =>
      downs().every((count, i) => count > (before[i] ?? 0)),
    );
    await mend();
    return right(pair, state, performance.now());
  },
};

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

function figures(times: readonly number[]): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(2);
  return `median ${seconds(median(times))} s (${seconds(Math.min(...times))}-${seconds(Math.max(...times))})`;
}

/** The fault over both transports at once: whatever else keeps this machine busy delays both. */
async function sideBySide(labs: readonly Lab[], fault: Fault): Promise<Record<Transport, number[]>> {
  const { forky, bullseye } = asterisks.roots();
  const pairs = await Promise.all(
    labs.map((lab, i) =>
      startPair(lab, { msk: forky, spb: bullseye, transport: TRANSPORTS[i] as Transport, apart: true }),
    ),
  );
  const times: Record<Transport, number[]> = { websocket: [], zeromq: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const state = round % 2 === 0 ? 'INUSE' : 'NOT_INUSE';
    const took = await Promise.all(pairs.map((pair) => fault(pair, state)));
    for (const [i, transport] of TRANSPORTS.entries()) times[transport].push(took[i] ?? Number.NaN);
  }
  return times;
}

describe('lamps are right again over ZeroMQ as soon as over WebSocket', {
  skip: asterisks.skip,
  concurrency: true,
}, () => {
  for (const [what, fault] of Object.entries(FAULTS)) {
    test(what, (t) =>
      inLab((one) =>
        inLab(async (other) => {
          const times = await sideBySide([one, other], fault);
          for (const transport of TRANSPORTS) t.diagnostic(`${transport}: ${figures(times[transport])}`);
          const slower = median(times.zeromq) - median(times.websocket);
          assert.ok(slower <= SLOWER_AT_MOST_MS, `ZeroMQ is slower by ${slower.toFixed(0)} ms`);
        }),
      ),
    );
  }
});
