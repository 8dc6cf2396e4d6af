/** How a dialplan in a file differs from the one that would be printed. Owns the form of that, and its length. */

/** Lines shown of each side. */
const MAX_SHOWN = 10;

/** `-` what the file has and should not, `+` what it should have: what lies between the lines that agree. */
export function differenceLines(found: string, wanted: string): string[] {
  if (found === wanted) return [];
  const [before, after] = [found.split('\n'), wanted.split('\n')];
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before[same] === after[same]) same++;
  let tail = 0;
  while (tail < shorter - same && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const part = (lines: readonly string[], sign: string) => {
    const differing = lines.slice(same, lines.length - tail);
    const more = differing.length - MAX_SHOWN;
    const shown = differing.slice(0, MAX_SHOWN).map((line) => `${sign} ${line}`);
    return more > 0 ? [...shown, `${sign} … ${more} more`] : shown;
  };
  return [`from line ${same + 1} on:`, ...part(before, '-'), ...part(after, '+')];
}
