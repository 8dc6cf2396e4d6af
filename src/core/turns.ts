/**
 * A queue of lamps in which every origin has its turn, so that a PBX in a storm does not keep the others' lamps
 * waiting. Within one origin it is first come, first served, but for lamps that are busy, which let the others go
 * first. Owns the order only.
 */

/** Whose lamp it is, by its key. */
export type OriginOf = (lamp: string) => string;
/** Whether a lamp that comes now has been served so often of late that it lets others go first. */
export type IsBusy = (lamp: string) => boolean;

interface Line {
  readonly first: Set<string>;
  readonly busy: Set<string>;
}

export class Turns {
  /** Origin → its lamps; the first origin is next. */
  readonly #origins = new Map<string, Line>();
  /** Lamp → the origin it waits under: while it does, it may become another's. */
  readonly #under = new Map<string, string>();
  readonly #originOf: OriginOf;
  readonly #isBusy: IsBusy;

  constructor(originOf: OriginOf, isBusy: IsBusy = () => false) {
    this.#originOf = originOf;
    this.#isBusy = isBusy;
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
      line = { first: new Set(), busy: new Set() };
      this.#origins.set(origin, line);
    }
    (this.#isBusy(lamp) ? line.busy : line.first).add(lamp);
    this.#under.set(lamp, origin);
  }

  delete(lamp: string): void {
    const origin = this.#under.get(lamp);
    if (origin === undefined) return;
    this.#under.delete(lamp);
    const line = this.#origins.get(origin);
    line?.first.delete(lamp);
    line?.busy.delete(lamp);
    if (line !== undefined && sizeOf(line) === 0) this.#origins.delete(origin);
  }

  /** Takes the lamp whose turn it is. */
  next(): string | undefined {
    for (const [origin, line] of this.#origins) {
      this.#origins.delete(origin);
      const [lamp] = line.first.size > 0 ? line.first : line.busy;
      if (lamp === undefined) continue;
      line.first.delete(lamp);
      line.busy.delete(lamp);
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

function sizeOf({ first, busy }: Line): number {
  return first.size + busy.size;
}
