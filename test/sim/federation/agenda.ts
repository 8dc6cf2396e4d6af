/**
 * The one clock of a run and what is to happen when. Whole milliseconds; what is due at the same time happens in the
 * order in which it was put down. Time only goes forward: there is no other clock anywhere.
 */

export interface Timer {
  cancel(): void;
}

/** No run has as many events; one that does goes round in a circle. */
const MAX_EVENTS = 2_000_000;

interface Entry extends Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Agenda {
  now = 0;
  /** A binary heap: the first is the next. */
  readonly #heap: Entry[] = [];
  #order = 0;
  #done = 0;

  after(ms: number, run: () => void): Timer {
    const entry: Entry = {
      at: this.now + Math.max(0, Math.ceil(ms)),
      order: this.#order++,
      run,
      cancel() {
        entry.run = undefined;
      },
    };
    this.#push(entry);
    return entry;
  }

  /** Everything up to this moment happens, and then it is that moment. */
  runUntil(time: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      if (next.run === undefined) continue;
      this.now = next.at;
      if (++this.#done > MAX_EVENTS) throw new Error('the run goes round in a circle');
      next.run();
    }
    this.now = Math.max(this.now, time);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || before(parent, entry)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        below += 1;
      }
      if (before(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
