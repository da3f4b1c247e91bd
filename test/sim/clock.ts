/** True time: a heap of what will happen, in ms. Equal times run in the order they were asked for. */
interface Entry {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  now = 0;
  private readonly heap: Entry[] = [];
  private order = 0;

  at(time: number, run: () => void): void {
    const heap = this.heap;
    const entry = { time: Math.max(time, this.now), order: this.order++, run };
    heap.push(entry);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!before(entry, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Runs the next thing. False when it lies beyond `limit` (true time): then the time is `limit`. */
  tick(limit: number): boolean {
    const first = this.heap[0];
    if (first === undefined || first.time > limit) {
      this.now = limit;
      return false;
    }
    this.removeFirst();
    this.now = first.time;
    first.run();
    return true;
  }

  private removeFirst(): void {
    const heap = this.heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!before(heap[child] as Entry, last)) break;
      heap[parent] = heap[child] as Entry;
      parent = child;
    }
    heap[parent] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
