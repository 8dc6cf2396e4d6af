/**
 * A queue whose least rank is next; of the same rank, who came first. Owns that order only: a binary heap, in which
 * what was taken out stays until it comes to the top.
 */

/** What waits in one queue; given back by `add`, to be taken out by. */
export interface Place<Item> {
  readonly item: Item;
  readonly rank: number;
  /** Counts up with every item that comes. */
  readonly order: number;
  /** Taken out. */
  gone: boolean;
}

export class Ranked<Item> {
  readonly #heap: Place<Item>[] = [];
  #size = 0;
  #came = 0;

  get size(): number {
    return this.#size;
  }

  add(item: Item, rank: number): Place<Item> {
    this.#came += 1;
    this.#size += 1;
    const place = { item, rank, order: this.#came, gone: false };
    this.#rise(this.#heap.push(place) - 1, place);
    return place;
  }

  /** Takes out what `add` gave. */
  delete(place: Place<Item>): void {
    if (place.gone) return;
    place.gone = true;
    this.#size -= 1;
    // What was taken out must not pile up.
    if (this.#heap.length > 2 * this.#size + 16) this.#rebuild();
  }

  /** Takes out who is next. */
  next(): Item | undefined {
    for (let [top] = this.#heap; top !== undefined; [top] = this.#heap) {
      const last = this.#heap.pop();
      if (last !== undefined && last !== top) this.#sink(last);
      if (top.gone) continue;
      top.gone = true;
      this.#size -= 1;
      return top.item;
    }
    return undefined;
  }

  #rebuild(): void {
    const rest = this.#heap.filter(({ gone }) => !gone);
    this.#heap.length = 0;
    for (const place of rest) this.#rise(this.#heap.push(place) - 1, place);
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
