// The arithmetic of figures: medians, spreads, ratios within a round. Owns how a figure is written.
import type { Results } from './contract.ts';

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? Number.NaN;
}

/** Of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** Round → value. */
export function rounds(results: Results, measure: string, of: string): ReadonlyMap<number, number> {
  const mine = results.samples.filter((sample) => sample.measure === measure && sample.of === of);
  return new Map(mine.map(({ round, value }) => [round, value]));
}

export function values(results: Results, measure: string, of: string): number[] {
  return [...rounds(results, measure, of).values()];
}

/** `of` divided by `by`, round by round: what the machine did in one round is in both. */
export function ratios(results: Results, measure: string, of: string, by: string): number[] {
  const other = rounds(results, measure, by);
  return [...rounds(results, measure, of)].flatMap(([round, value]) => {
    const base = other.get(round);
    return base === undefined || base === 0 ? [] : [value / base];
  });
}

/** Three digits that count: more would be noise. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return value === 0 ? '0' : `${Number(value.toPrecision(3))}`;
}

/** `0.91 (0.88-0.95)`: the median, and the least and the greatest of the rounds. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '-';
  if (values.length === 1) return short(median(values));
  return `${short(median(values))} (${short(Math.min(...values))}-${short(Math.max(...values))})`;
}
