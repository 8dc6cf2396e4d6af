// What a process costs that wakes up so many times a second and does nothing then. Owns that process; it measures
// itself.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const WARM_UP_MS = 1_000;

/** CPU of a bare Node process with so many timers a second, % of a core, over `ms`. */
export async function bareCpu(timersPerSecond: number, ms: number): Promise<number> {
  const script = `
    setInterval(() => {}, ${1_000 / timersPerSecond});
    setTimeout(() => {
      const before = process.cpuUsage();
      const at = performance.now();
      setTimeout(() => {
        const { user, system } = process.cpuUsage(before);
        console.log((user + system) / 10 / (performance.now() - at));
        process.exit();
      }, ${ms});
    }, ${WARM_UP_MS});`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
  return Number(stdout);
}
