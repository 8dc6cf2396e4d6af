// The results in the making: what an area measures is written down with the area's name, and the file of results is
// whole after each area. Owns that file.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Area, Ran, Results, Run, Sample } from './contract.ts';

const OWN_NUMBERS = /^(?:[1-9]\d?)$/;

/** Rounds as an argument says them: 1 to 99. */
export function roundsOf(text: string): number {
  if (!OWN_NUMBERS.test(text)) throw new Error(`--rounds ${text}: a number from 1 to 99`);
  return Number(text);
}

export interface Begin {
  readonly date: string;
  readonly quick: boolean;
  readonly machine: Readonly<Record<string, string>>;
  readonly notRun?: Readonly<Record<string, string>>;
}

/**
 * Results to go on with: empty ones, or those of `earlier` without the areas that are measured anew. Results of another
 * machine, or rough and full ones, do not go into one file: nobody could tell them apart on the page.
 */
export function begin(now: Begin, again: readonly string[], earlier?: Results): Results {
  if (earlier === undefined) return { ...now, samples: [], areas: {} };
  if (earlier.quick !== now.quick) {
    throw new Error(`that file is of a ${earlier.quick ? 'quick' : 'full'} run: begin another one`);
  }
  const other = Object.keys({ ...earlier.machine, ...now.machine }).find(
    (what) => earlier.machine[what] !== now.machine[what],
  );
  if (other !== undefined) {
    const [then, here] = [earlier, now].map(({ machine }) => machine[other] ?? 'none');
    throw new Error(`that file is of another machine (${other}: ${then}, here ${here}): begin another one`);
  }
  const kept = ([name]: readonly [string, unknown]): boolean => !again.includes(name);
  return {
    ...now,
    samples: earlier.samples.filter(({ area }) => area === undefined || !again.includes(area)),
    areas: Object.fromEntries(Object.entries(earlier.areas ?? {}).filter(kept)),
  };
}

export interface Order {
  readonly area: Area;
  readonly rounds: number;
  readonly root: Run['root'];
  say(text: string): void;
}

/** Measures one area. It may fail: what it had until then is in the results that come back, and why it failed. */
export async function measured(results: Results, { area, rounds, root, say }: Order): Promise<Results> {
  const samples = new Map<string, Sample>();
  const wrong: string[] = [];
  const add: Run['add'] = (measure, of, round, value) => {
    const key = JSON.stringify([measure, of, round]);
    // A figure that is none must not end what took minutes, and must not pass unseen.
    if (!Number.isFinite(value)) wrong.push(`${measure} of ${of}, round ${round}: ${value} is no figure`);
    else if (samples.has(key)) wrong.push(`${measure} of ${of}, round ${round}: added twice`);
    else samples.set(key, { area: area.name, measure, of, round, value });
  };
  const from = performance.now();
  try {
    await area.measure({ quick: results.quick, rounds, root, add, say });
  } catch (error) {
    wrong.unshift(error instanceof Error ? error.message : String(error));
  }
  const ran: Ran = {
    date: results.date,
    seconds: Math.round((performance.now() - from) / 100) / 10,
    ...(wrong.length === 0 ? {} : { failed: wrong.join('\n') }),
  };
  return {
    ...results,
    samples: [...results.samples, ...samples.values()],
    areas: { ...results.areas, [area.name]: ran },
  };
}

/** Under another name first: whoever reads sees the old file or the new one. */
export function save(file: string, results: Results): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(results, undefined, 1)}\n`);
  renameSync(`${file}.new`, file);
}

/** `undefined` where there is no such file. */
export function load(file: string): Results | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const results = JSON.parse(text) as Partial<Results>;
  const whole = Array.isArray(results.samples) && typeof results.machine === 'object' && results.date;
  if (!whole) throw new Error(`${file} holds no results of the bench`);
  return results as Results;
}
