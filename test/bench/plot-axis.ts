// One axis of a plot: from where to where it goes, where its ticks are, and where a value stands on it.

export interface Axis {
  readonly ticks: readonly { readonly value: number; readonly at: number }[];
  /** Pixel of a value. */
  place(value: number): number;
}

/** About so many ticks. */
const TICKS = 6;
/** A logarithmic axis over more decades has no ticks in between. */
const FINE_DECADES = 3;

/** `from`, `to`: the pixels of its ends. */
export function axis(values: readonly number[], from: number, to: number, log = false): Axis {
  const marks = log ? logTicks(values) : linearTicks(values);
  const scale = log ? Math.log10 : (value: number): number => value;
  const low = scale(marks[0] ?? 0);
  const high = scale(marks.at(-1) ?? 1);
  const place = (value: number): number => from + ((scale(value) - low) / (high - low)) * (to - from);
  return { ticks: marks.map((value) => ({ value, at: place(value) })), place };
}

/** Steps of 1, 2 or 5 times a power of ten. Zero is always on it, so that lengths can be compared. */
export function linearTicks(values: readonly number[]): number[] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const rough = (high - low || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((times) => times * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  // As a product, and rounded: a sum of tenths drifts.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Powers of ten, over few decades also their double and fivefold; the ends are the next ticks outside the values. */
export function logTicks(values: readonly number[]): number[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (values.length === 0) return [1, 10];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const times = last - first > FINE_DECADES ? [1] : [1, 2, 5];
  const all = Array.from({ length: last - first + 2 }, (_, index) => first + index).flatMap((power) =>
    times.map((factor) => Number((factor * 10 ** power).toPrecision(12))),
  );
  const from = all.findLastIndex((tick) => tick <= low);
  const to = all.findIndex((tick, index) => index > from && tick >= high);
  return all.slice(from, to + 1);
}
