/**
 * A queue of lamps in which every origin has its turn: first come, first served within one origin, round robin
 * between them, so that a PBX in a storm does not keep the others' lamps waiting. Owns the order only.
 */
/** Whose lamp it is, by its key. */
export type OriginOf = (lamp: string) => string;

export class Turns {
  /** Origin → its lamps; the first origin is next. */
  readonly #origins = new Map<string, Set<string>>();
  readonly #originOf: OriginOf;
  #size = 0;

  constructor(originOf: OriginOf) {
    this.#originOf = originOf;
  }

  get size(): number {
    return this.#size;
  }

  has(lamp: string): boolean {
    return this.#origins.get(this.#originOf(lamp))?.has(lamp) ?? false;
  }

  /** Lamps of one origin. */
  sizeOf(origin: string): number {
    return this.#origins.get(origin)?.size ?? 0;
  }

  /** A lamp that is in it keeps its place. */
  add(lamp: string): void {
    if (this.has(lamp)) return;
    const lamps = this.#origins.get(this.#originOf(lamp));
    if (lamps === undefined) this.#origins.set(this.#originOf(lamp), new Set([lamp]));
    else lamps.add(lamp);
    this.#size += 1;
  }

  delete(lamp: string): void {
    const lamps = this.#origins.get(this.#originOf(lamp));
    if (!lamps?.delete(lamp)) return;
    this.#size -= 1;
    if (lamps.size === 0) this.#origins.delete(this.#originOf(lamp));
  }

  /** Takes the lamp whose turn it is. */
  next(): string | undefined {
    for (const [origin, lamps] of this.#origins) {
      this.#origins.delete(origin);
      for (const lamp of lamps) {
        lamps.delete(lamp);
        this.#size -= 1;
        if (lamps.size > 0) this.#origins.set(origin, lamps);
        return lamp;
      }
    }
    return undefined;
  }

  /** In no particular order; one that is given may be taken out meanwhile. */
  *[Symbol.iterator](): Generator<string> {
    for (const lamps of this.#origins.values()) yield* lamps;
  }

  clear(): void {
    this.#origins.clear();
    this.#size = 0;
  }
}
