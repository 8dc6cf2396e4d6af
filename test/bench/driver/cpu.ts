// How much processor time processes have used. Owns how /proc says so.
import { readFileSync } from 'node:fs';

/** USER_HZ is 100 wherever Node runs. */
const TICK_MS = 10;

/** Milliseconds; of a process that is gone NaN. */
export function cpuOf(whose: number | NodeJS.CpuUsage): number {
  if (typeof whose !== 'number') return (whose.user + whose.system) / 1_000;
  try {
    return ticks(readFileSync(`/proc/${whose}/stat`, 'utf8')) * TICK_MS;
  } catch {
    return Number.NaN;
  }
}

/** utime + stime: fields 14 and 15. The name in parentheses may hold anything; what follows is counted from its end. */
export function ticks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
