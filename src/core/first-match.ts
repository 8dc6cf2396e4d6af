/**
 * Which of many lines of the config names an extension: the first one that does. Owns an index over the lines, so that
 * a thousand of them are not gone through for each of a hundred thousand extensions.
 */
import { type Match, matches } from './match.ts';
import { isExtension } from './names.ts';
import { readPattern } from './pattern.ts';

interface Line {
  readonly match: Match;
}

/** So few are gone through. */
const FEW = 4;

interface Range {
  readonly first: number;
  readonly last: number;
  readonly at: number;
  /** The highest `last` of this one and all that begin before it. */
  reach: number;
}

/** The places of the lines that may name an extension, by what is plain to see of it. */
class Index {
  readonly #single = new Map<string, number[]>();
  /** By the number of digits. */
  readonly #ranges = new Map<number, Range[]>();
  /** By length and first character; of open patterns, by the first character. */
  readonly #patterns = new Map<string, number[]>();
  /** Those of which nothing is plain. */
  readonly #others: number[] = [];

  constructor(lines: readonly Line[]) {
    for (const [at, { match }] of lines.entries()) {
      for (const item of match) {
        if (item.kind === 'extension') push(this.#single, item.extension, at);
        else if (item.kind === 'range') push(this.#ranges, item.digits, { ...item, at, reach: item.last });
        else if (item.kind === 'pattern') this.#pattern(item.pattern, at);
        else if (item.kind !== 'except') this.#others.push(at);
      }
    }
    for (const ranges of this.#ranges.values()) {
      ranges.sort((a, b) => a.first - b.first);
      let reach = -1;
      for (const range of ranges) {
        reach = Math.max(reach, range.last);
        range.reach = reach;
      }
    }
  }

  candidates(extension: string): number[] {
    const first = extension.charAt(0);
    return [
      ...(this.#single.get(extension) ?? []),
      ...this.#inRanges(extension),
      ...(this.#patterns.get(`${extension.length}${first}`) ?? []),
      ...(this.#patterns.get(first) ?? []),
      ...this.#others,
    ].sort((a, b) => a - b);
  }

  #inRanges(extension: string): number[] {
    const ranges = this.#ranges.get(extension.length);
    if (ranges === undefined || !/^\d+$/.test(extension)) return [];
    const number = Number(extension);
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.first ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    const found: number[] = [];
    // Backwards from the last that begins in time, as long as any before reaches so far.
    for (let range = ranges[--low]; range !== undefined && range.reach >= number; range = ranges[--low]) {
      if (range.last >= number) found.push(range.at);
    }
    return found;
  }

  #pattern(pattern: string, at: number): void {
    const { places, open } = readPattern(pattern);
    const [first] = places;
    if (first === undefined) this.#others.push(at);
    else for (const character of first) push(this.#patterns, `${open ? '' : places.length}${character}`, at);
  }
}

const indexes = new WeakMap<readonly Line[], Index>();

/** The first line that names the extension. The lines must stay as they are. */
export function firstMatch<L extends Line>(lines: readonly L[], extension: string): L | undefined {
  if (!isExtension(extension)) return undefined;
  if (lines.length <= FEW) return lines.find(({ match }) => matches(match, extension));
  let index = indexes.get(lines);
  if (index === undefined) {
    index = new Index(lines);
    indexes.set(lines, index);
  }
  for (const at of index.candidates(extension)) {
    const line = lines[at];
    if (line !== undefined && matches(line.match, extension)) return line;
  }
  return undefined;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
