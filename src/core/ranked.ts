/**
 * A queue whose least rank is next; of the same rank, who came first. Owns that order only: a binary heap, in which
 * what was taken out stays until it comes to the top.
 */

interface Place<Item> {
  readonly item: Item;
  readonly rank: number;
  /** Counts up with every item that comes. */
  readonly order: number;
}

export class Ranked<Item> {
  readonly #heap: Place<Item>[] = [];
  readonly #places = new Map<Item, Place<Item>>();
  #came = 0;

  get size(): number {
    return this.#places.size;
  }

  /** One that is in it keeps its place. */
  add(item: Item, rank: number): void {
    if (this.#places.has(item)) return;
    this.#came += 1;
    const place = { item, rank, order: this.#came };
    this.#places.set(item, place);
    this.#rise(this.#heap.push(place) - 1, place);
  }

  delete(item: Item): void {
    this.#places.delete(item);
    // What was taken out must not pile up.
    if (this.#places.size === 0) this.#heap.length = 0;
    else if (this.#heap.length > 2 * this.#places.size + 16) this.#rebuild();
  }

  /** Takes out who is next. */
  next(): Item | undefined {
    for (let [top] = this.#heap; top !== undefined; [top] = this.#heap) {
      const last = this.#heap.pop();
      if (last !== undefined && last !== top) this.#sink(last);
      if (this.#places.get(top.item) !== top) continue;
      this.#places.delete(top.item);
      return top.item;
    }
    return undefined;
  }

  /** As they came. */
  [Symbol.iterator](): Iterator<Item> {
    return this.#places.keys();
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const place of this.#places.values()) this.#rise(this.#heap.push(place) - 1, place);
  }

  /** From a place at the end to where it belongs. */
  #rise(from: number, place: Place<Item>): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, place)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = place;
  }

  /** From the top to where it belongs. */
  #sink(place: Place<Item>): void {
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = this.#heap[below];
      const other = this.#heap[below + 1];
      if (child === undefined) break;
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        below += 1;
      }
      if (isBefore(place, child)) break;
      this.#heap[at] = child;
      at = below;
    }
    this.#heap[at] = place;
  }
}

function isBefore<Item>(a: Place<Item>, b: Place<Item>): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}
