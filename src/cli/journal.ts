/**
 * The journal's own priority of a line: without it `journalctl -p err` does not know errors from the rest. Owns how
 * it is told that our standard output is the journal, and the prefix that sd-daemon(3) gives such a line.
 */
import { fstatSync } from 'node:fs';

/** By the `level` that a line begins with; what is not here is what systemd takes for granted, info. */
const PRIORITY: readonly (readonly [begin: string, prefix: string])[] = [
  ['{"level":"error"', '<3>'],
  ['{"level":"warn"', '<4>'],
  ['{"level":"debug"', '<7>'],
];

/** Whether this open file is the stream that systemd made for the journal: systemd.exec(5), `JOURNAL_STREAM`. */
export function isJournal(fd: number, env: Readonly<Record<string, string | undefined>>): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** systemd takes the prefix away again (`SyslogLevelPrefix=`, on unless a unit says otherwise). */
export function withPriority(line: string): string {
  const known = PRIORITY.find(([begin]) => line.startsWith(begin));
  return known === undefined ? line : known[1] + line;
}
