// Whether a series of measurements grows. Owns the arithmetic and the one rule of what a trend is.

export interface Point {
  /** ms since the start of the run. */
  readonly at: number;
  readonly value: number;
}

export interface Trend {
  /** Medians of the first and the last tenth of what was judged. */
  readonly first: number;
  readonly last: number;
  /** By an hour, as the whole of what was judged has it. */
  readonly hourly: number;
  /** How much of the change from the beginning to the end of what was judged is a trend. */
  readonly growth: number;
  /** More than the margin: it is no noise. */
  readonly grows: boolean;
}

/** Part of the run that is not judged: caches fill, code is compiled, the heap finds its size. */
export const WARM_UP = 0.2;
/** With fewer points nothing can be said. */
export const MIN_POINTS = 30;
const HOUR_MS = 3_600_000;

/** What is left of a run of so many ms after the warm-up. */
export function judged(points: readonly Point[], runMs: number): Point[] {
  return points.filter(({ at }) => at >= WARM_UP * runMs);
}

/**
 * The slope is Theil's and Sen's: the median of the slopes between all pairs of points, which neither the peaks of a
 * noisy series nor some outliers move. A series that settles slowly is steep at first and flat later, a leak is as
 * steep in its second half as in the whole: the smaller of the two slopes is the trend. `undefined`: too few points.
 */
export function trendOf(points: readonly Point[], margin: number): Trend | undefined {
  const [begin, end] = [points[0], points.at(-1)];
  if (points.length < MIN_POINTS || begin === undefined || end === undefined) return undefined;
  const whole = slope(points);
  const later = slope(points.slice(Math.floor(points.length / 2)));
  const growth = Math.min(whole, later) * (end.at - begin.at);
  const tenth = Math.ceil(points.length / 10);
  return {
    first: median(points.slice(0, tenth).map(({ value }) => value)),
    last: median(points.slice(-tenth).map(({ value }) => value)),
    hourly: whole * HOUR_MS,
    growth,
    grows: growth > margin,
  };
}

function slope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [i, one] of points.entries()) {
    for (const other of points.slice(i + 1)) {
      if (other.at > one.at) slopes.push((other.value - one.value) / (other.at - one.at));
    }
  }
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
