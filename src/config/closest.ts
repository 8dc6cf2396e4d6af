/** "Did you mean …": the known word nearest to a mistyped one. */

/** The candidate at most two slips away (one for short words), or `undefined`. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = word.length <= 4 ? 1 : 2;
  for (const candidate of candidates) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase());
    if (slips > fewest || (slips === fewest && best !== undefined)) continue;
    best = candidate;
    fewest = slips;
  }
  return best;
}

/** Characters inserted, left out, replaced, or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a.charAt(i - 1) === b.charAt(j - 1);
      const swapped =
        i > 1 && j > 1 && a.charAt(i - 1) === b.charAt(j - 2) && a.charAt(i - 2) === b.charAt(j - 1);
      const replaced = (last[j - 1] ?? 0) + (same ? 0 : 1);
      const slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      row.push(swapped ? Math.min(slips, (beforeLast[j - 2] ?? 0) + 1) : slips);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
