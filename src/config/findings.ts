/**
 * What is wrong with a config, all of it, each with the place where the admin must look. Owns how a dotted
 * path (`peers[1].url`) becomes `file:line:column` or the name of an environment variable. Judges nothing.
 */
import type { LineCounter } from 'yaml';
import { visible } from './formats.ts';

/** Mistakes, and warnings, that are told; the rest are counted. */
export const MAX_TOLD = 100;

/** One thing to tell the admin. `where` is `file:line:column` or the name of an environment variable. */
export interface Finding {
  readonly where: string;
  readonly text: string;
}

/** `ami.secret_file` → `HINTMESH_AMI_SECRET_FILE` */
export function variableOf(path: string): string {
  return `HINTMESH_${path.replaceAll('.', '_').toUpperCase()}`;
}

export function formatFinding({ where, text }: Finding): string {
  return visible(`${where}: ${text}`);
}

interface Placed extends Finding {
  readonly order: number;
}

export class Findings {
  readonly #file: string;
  readonly #lines: LineCounter;
  #overridden: ReadonlySet<string> = new Set();
  readonly #offsets = new Map<string, number>([['', 0]]);
  readonly #mistakes: Placed[] = [];
  readonly #warnings: Placed[] = [];
  readonly #bad = new Set<string>();

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  /** None yet, of the same file: for who reads a part of it by itself. */
  empty(): Findings {
    return new Findings(this.#file, this.#lines);
  }

  /** From now on, what these variables set is to be found in them and not in the file. */
  overriddenBy(variables: Iterable<string>): void {
    this.#overridden = new Set(variables);
  }

  /** The value of `path` begins at this character of the file. */
  place(path: string, offset: number): void {
    this.#offsets.set(path, offset);
  }

  mistake(path: string, text: string): void {
    this.#bad.add(path);
    this.#mistakes.push({ ...this.#find(path), text });
  }

  mistakeAt(offset: number, text: string): void {
    this.#mistakes.push({ ...this.#at(offset), text });
  }

  /** What `path` should be is known to be mistyped: that it is missing is no news. */
  spoil(path: string): void {
    this.#bad.add(path);
  }

  /** True when `path` itself is wrong, not only something in it. */
  bad(path: string): boolean {
    return this.#bad.has(path);
  }

  warning(path: string, text: string): void {
    this.#warnings.push({ ...this.#find(path), text });
  }

  /** A warning about an environment variable that is no setting. */
  strangeVariable(where: string, text: string): void {
    this.#warnings.push({ where, text, order: Number.POSITIVE_INFINITY });
  }

  /** False when `path`, or anything in it, was found wrong: nothing more can be concluded from its value. */
  fine(path: string): boolean {
    return ![...this.#bad].some(
      (bad) => bad === path || bad.startsWith(`${path}.`) || bad.startsWith(`${path}[`),
    );
  }

  /** Whether the file or the environment has a value for `path`. */
  isGiven(path: string): boolean {
    return this.#offsets.has(path) || this.#overridden.has(variableOf(path));
  }

  where(path: string): string {
    return this.#find(path).where;
  }

  /** In the order of the file; those of the environment last. */
  get mistakes(): Finding[] {
    return this.#told(this.#mistakes, 'mistakes');
  }

  get warnings(): Finding[] {
    return this.#told(this.#warnings, 'warnings');
  }

  #told(placed: readonly Placed[], what: string): Finding[] {
    const all = inOrder(placed);
    const more = all.length - MAX_TOLD;
    if (more <= 0) return all;
    return [...all.slice(0, MAX_TOLD), { where: this.#file, text: `and ${more} more ${what}` }];
  }

  #find(path: string): { where: string; order: number } {
    const variable = variableOf(path);
    if (this.#overridden.has(variable)) return { where: variable, order: Number.POSITIVE_INFINITY };
    // What is left out has no place of its own: the section it belongs to has.
    for (let at = path; ; at = at.replace(/(^|\.)[^.[]+$|\[\d+\]$/, '')) {
      const offset = this.#offsets.get(at);
      if (offset !== undefined) return this.#at(offset);
    }
  }

  #at(offset: number): { where: string; order: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { where: `${this.#file}:${line}:${col}`, order: offset };
  }
}

function inOrder(placed: readonly Placed[]): Finding[] {
  return placed.toSorted((a, b) => a.order - b.order).map(({ where, text }) => ({ where, text }));
}
