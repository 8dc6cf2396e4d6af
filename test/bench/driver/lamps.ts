// What was set at `a` and what `b` shows, lamp by lamp. Owns how many differ, without counting anew at each event.
import { CODES } from './scan.ts';

const FREE = 'NOT_INUSE';

export class Lamps {
  /** Lamps that do not show what was set last, as far as `b` has told. */
  off = 0;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #states: string[];
  readonly #shown: string[];

  constructor(names: readonly string[]) {
    this.#numbers = new Map(names.map((name, n) => [name, n]));
    this.#states = names.map(() => FREE);
    this.#shown = names.map(() => CODES[FREE] ?? '');
  }

  get count(): number {
    return this.#states.length;
  }

  number(exten: string): number | undefined {
    return this.#numbers.get(exten);
  }

  /** Another state than it has, so that setting it is a change. */
  another(n: number): string {
    return this.#states[n] === FREE ? 'INUSE' : FREE;
  }

  wanted(n: number): string {
    return CODES[this.#states[n] ?? ''] ?? '';
  }

  set(n: number, state: string): void {
    if (CODES[state] === undefined) throw new Error(`${state} is no state that can be set`);
    this.#move(n, () => {
      this.#states[n] = state;
    });
  }

  /** `code`: as ExtensionStatus has it. */
  show(n: number, code: string): void {
    this.#move(n, () => {
      this.#shown[n] = code;
    });
  }

  /** By a whole list of `b`, extension → code: what is missing there is wrong too. */
  wrong(list: ReadonlyMap<number, string>): number[] {
    for (let n = 0; n < this.count; n += 1) this.show(n, list.get(n) ?? '');
    return this.#states.flatMap((_, n) => (this.#shown[n] === this.wanted(n) ? [] : [n]));
  }

  #move(n: number, change: () => void): void {
    const before = this.#shown[n] === this.wanted(n);
    change();
    const after = this.#shown[n] === this.wanted(n);
    this.off += Number(before) - Number(after);
  }
}
