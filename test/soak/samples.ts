// The rows of a soak: what each broker holds, as time goes by. Owns when it is looked, what is printed, and the
// verdict: which series is judged, and the margin of each.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measure } from './inside.ts';
import { type Scene, STEADY, wrongLamp } from './scene.ts';
import { judged, type Point, trendOf, WARM_UP } from './trend.ts';

const MIB = 2 ** 20;
/** So many rows a run, within these bounds. */
const ROWS = 120;
const [SHORTEST_MS, LONGEST_MS] = [1_000, 10_000];
/** How often lamps are looked at. */
const LOOK_EVERY_MS = 250;
/**
 * No lamp may be wrong for longer: that none stays wrong. How soon a lamp is right again is measured by the chaos on
 * real Asterisks; here a machine that is busy with other things may take many seconds to start a broker.
 */
const WRONG_AT_MOST_MS = 60_000;

interface Series {
  readonly name: string;
  readonly unit: string;
  readonly of: (measure: Measure) => number;
  /** A trend that adds up to more than this in what is judged is one. */
  readonly margin: number;
}

/**
 * The heap is without the code, but with what V8 keeps beside it to make it faster, which settles with it: in heap
 * snapshots minutes apart nothing else had grown. The margins of heap and external are some bytes for each change of a
 * run of half an hour.
 */
const SERIES: readonly Series[] = [
  { name: 'rss', unit: 'MiB', of: ({ rss }) => rss / MIB, margin: 16 },
  { name: 'heap', unit: 'MiB', of: ({ heap }) => heap / MIB, margin: 3 },
  { name: 'code', unit: 'MiB', of: ({ code }) => code / MIB, margin: 8 },
  { name: 'external', unit: 'MiB', of: ({ external }) => external / MIB, margin: 2 },
  { name: 'handles', unit: '', of: ({ handles }) => handles, margin: 5 },
  { name: 'descriptors', unit: '', of: ({ descriptors }) => descriptors, margin: 5 },
  { name: 'lag p99', unit: 'ms', of: ({ lagMs }) => lagMs, margin: 100 },
];

/** What else a row tells. */
export interface About {
  /** So far. */
  changes(): number;
  /** The latest thing that was done to the brokers. */
  latest(): string;
}

export class Samples {
  readonly #scene: Scene;
  readonly #runMs: number;
  readonly #about: About;
  readonly #points = new Map<string, Point[]>();
  /** Since the last row: the most lamps that were wrong at a time, and the longest that one was, ms. */
  #wrong = { most: 0, longest: 0 };

  constructor(scene: Scene, runMs: number, about: About) {
    this.#scene = scene;
    this.#runMs = runMs;
    this.#about = about;
  }

  /** Until the run is over; rejects when a lamp is wrong for too long. */
  async take(signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, this.#runMs / ROWS));
    const begun = performance.now();
    console.log(row(HEADER));
    for (let due = everyMs; due <= this.#runMs; due += everyMs) {
      while (performance.now() - begun < due) {
        await sleep(LOOK_EVERY_MS, undefined, { signal });
        this.#look();
      }
      await this.#sample(performance.now() - begun);
    }
  }

  #look(): void {
    const wrong = this.#scene.wrong();
    for (const lamp of wrong) {
      if (lamp.ms > WRONG_AT_MOST_MS) throw new Error(`${wrongLamp(lamp)}; lately: ${this.#about.latest()}`);
      this.#wrong.longest = Math.max(this.#wrong.longest, lamp.ms);
    }
    this.#wrong.most = Math.max(this.#wrong.most, wrong.length);
  }

  async #sample(at: number): Promise<void> {
    const changes = this.#about.changes();
    const { most, longest } = this.#wrong;
    this.#wrong = { most: 0, longest: 0 };
    for (const [tag, { broker }] of this.#scene.sites) {
      // One that restarts now has no row.
      const measure = broker.up ? await broker.measure() : undefined;
      if (measure === undefined) {
        if (STEADY.includes(tag)) throw new Error(`broker ${tag} has ended`);
        continue;
      }
      const values = SERIES.map(({ of }) => of(measure));
      for (const [i, { name }] of SERIES.entries()) {
        const key = `${tag} ${name}`;
        const points = this.#points.get(key) ?? [];
        this.#points.set(key, points);
        points.push({ at, value: values[i] ?? Number.NaN });
      }
      const cells = values.map((value) => value.toFixed(1).replace(/\.0$/, ''));
      const all = [changes, most, (longest / 1_000).toFixed(1)];
      const line = row([seconds(at), tag, seconds(measure.upMs), ...cells, ...all]);
      console.log(`${line}  ${this.#about.latest()}`);
    }
  }

  /** Prints what became of each series of the brokers that were never restarted; false: one of them grows. */
  verdict(): boolean {
    let good = true;
    console.log(`after the first ${100 * WARM_UP} % of the time:`);
    console.log(wide(['broker', 'series', 'unit', 'first', 'last', 'an hour', 'trend', 'margin', '']));
    for (const tag of STEADY) {
      for (const { name, unit, margin } of SERIES) {
        const trend = trendOf(judged(this.#points.get(`${tag} ${name}`) ?? [], this.#runMs), margin);
        if (trend === undefined) {
          console.log('too short a run to tell a trend');
          return good;
        }
        const { first, last, hourly, growth, grows } = trend;
        const figures = [first, last, hourly, growth, margin].map((value) => value.toFixed(1));
        console.log(wide([tag, name, unit, ...figures, grows ? 'GROWS' : 'flat']));
        if (grows) good = false;
      }
    }
    return good;
  }
}

const HEADER = [
  's',
  'broker',
  'up s',
  ...SERIES.map(({ name }) => name),
  'changes',
  'wrong lamps',
  'longest s',
];

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(0);
}

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, i) => String(cell).padStart((HEADER[i]?.length ?? 0) + 4)).join('');
}

/** Of the verdict. */
function wide(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(13)).join('');
}
