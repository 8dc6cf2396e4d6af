/**
 * A queue of lamps in which every origin has its turn, so that a PBX in a storm does not keep the others' lamps
 * waiting. Whose turn it is within one origin, a rank says. Owns the order only.
 */
import { type Place, Ranked } from './ranked.ts';

/** Whose lamp it is, by its key. */
export type OriginOf = (lamp: string) => string;
/** The least is next; of the same rank, first come, first served. */
export type RankOf = (lamp: string) => number;

export class Turns {
  /** Origin → its lamps; the first origin is next. */
  readonly #origins = new Map<string, Ranked<string>>();
  /** Lamp → where it waits, and under which origin: while it does, it may become another's. */
  readonly #waiting = new Map<string, { readonly origin: string; readonly place: Place<string> }>();
  readonly #originOf: OriginOf;
  readonly #rankOf: RankOf;

  constructor(originOf: OriginOf, rankOf: RankOf = () => 0) {
    this.#originOf = originOf;
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#waiting.size;
  }

  has(lamp: string): boolean {
    return this.#waiting.has(lamp);
  }

  /** Lamps of one origin. */
  sizeOf(origin: string): number {
    return this.#origins.get(origin)?.size ?? 0;
  }

  /** A lamp that is in it keeps its place. */
  add(lamp: string): void {
    if (this.has(lamp)) return;
    const origin = this.#originOf(lamp);
    let lamps = this.#origins.get(origin);
    if (lamps === undefined) {
      lamps = new Ranked();
      this.#origins.set(origin, lamps);
    }
    this.#waiting.set(lamp, { origin, place: lamps.add(lamp, this.#rankOf(lamp)) });
  }

  delete(lamp: string): void {
    const waits = this.#waiting.get(lamp);
    if (waits === undefined) return;
    const { origin, place } = waits;
    this.#waiting.delete(lamp);
    const lamps = this.#origins.get(origin);
    lamps?.delete(place);
    if (lamps?.size === 0) this.#origins.delete(origin);
  }

  /** Takes the lamp whose turn it is. */
  next(): string | undefined {
    for (const [origin, lamps] of this.#origins) {
      this.#origins.delete(origin);
      const lamp = lamps.next();
      if (lamp === undefined) continue;
      this.#waiting.delete(lamp);
      if (lamps.size > 0) this.#origins.set(origin, lamps);
      return lamp;
    }
    return undefined;
  }

  /** In no particular order; one that is given may be taken out meanwhile. */
  [Symbol.iterator](): Iterator<string> {
    return this.#waiting.keys();
  }

  clear(): void {
    this.#origins.clear();
    this.#waiting.clear();
  }
}
