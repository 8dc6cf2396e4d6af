/**
 * A queue of lamps in which every origin has its turn, so that a PBX in a storm does not keep the others' lamps
 * waiting. Within one origin it is first come, first served, but lamps that change often give way to the others, except
 * for one turn in GIVES_WAY_SHARE. Owns the order only.
 */

/** Lamps that give way have one turn in this many: the others may be so many that they would never have one. */
export const GIVES_WAY_SHARE = 4;

/** Whose lamp it is, by its key. */
export type OriginOf = (lamp: string) => string;
/** Whether a lamp that comes now gives way to others. */
export type GivesWay = (lamp: string) => boolean;

interface Line {
  readonly first: Set<string>;
  readonly giveWay: Set<string>;
  /** Taken from `first`, one after another, while others gave way. */
  inRow: number;
}

export class Turns {
  /** Origin → its lamps; the first origin is next. */
  readonly #origins = new Map<string, Line>();
  /** Lamp → the origin it waits under: while it does, it may become another's. */
  readonly #under = new Map<string, string>();
  readonly #originOf: OriginOf;
  readonly #givesWay: GivesWay;

  constructor(originOf: OriginOf, givesWay: GivesWay = () => false) {
    this.#originOf = originOf;
    this.#givesWay = givesWay;
  }

  get size(): number {
    return this.#under.size;
  }

  has(lamp: string): boolean {
    return this.#under.has(lamp);
  }

  /** Lamps of one origin. */
  sizeOf(origin: string): number {
    const line = this.#origins.get(origin);
    return line === undefined ? 0 : sizeOf(line);
  }

  /** A lamp that is in it keeps its place. */
  add(lamp: string): void {
    if (this.has(lamp)) return;
    const origin = this.#originOf(lamp);
    let line = this.#origins.get(origin);
    if (line === undefined) {
      line = { first: new Set(), giveWay: new Set(), inRow: 0 };
      this.#origins.set(origin, line);
    }
    (this.#givesWay(lamp) ? line.giveWay : line.first).add(lamp);
    this.#under.set(lamp, origin);
  }

  delete(lamp: string): void {
    const origin = this.#under.get(lamp);
    if (origin === undefined) return;
    this.#under.delete(lamp);
    const line = this.#origins.get(origin);
    line?.first.delete(lamp);
    line?.giveWay.delete(lamp);
    if (line !== undefined && sizeOf(line) === 0) this.#origins.delete(origin);
  }

  /** Takes the lamp whose turn it is. */
  next(): string | undefined {
    for (const [origin, line] of this.#origins) {
      this.#origins.delete(origin);
      const isTheirs = line.first.size === 0 || line.inRow >= GIVES_WAY_SHARE - 1;
      const taken = isTheirs && line.giveWay.size > 0 ? line.giveWay : line.first;
      const [lamp] = taken;
      if (lamp === undefined) continue;
      line.inRow = taken === line.first && line.giveWay.size > 0 ? line.inRow + 1 : 0;
      taken.delete(lamp);
      this.#under.delete(lamp);
      if (sizeOf(line) > 0) this.#origins.set(origin, line);
      return lamp;
    }
    return undefined;
  }

  /** In no particular order; one that is given may be taken out meanwhile. */
  [Symbol.iterator](): Iterator<string> {
    return this.#under.keys();
  }

  clear(): void {
    this.#origins.clear();
    this.#under.clear();
  }
}

function sizeOf({ first, giveWay }: Line): number {
  return first.size + giveWay.size;
}
