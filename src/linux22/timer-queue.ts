/** Something that ends at a time of its own, in seconds, unless that is put off. */
export interface Timed {
  expires: number;
  /** the queue's own: where it stands in the queue, -1 when it is in none, and the time it is sorted by */
  queueIndex: number;
  queueKey: number;
}

/**
 * Things by the time they end, the next one first: a binary heap in which putting off costs nothing.
 *
 * Each packet puts its entry off, so that an entry's place is right only at the top: what is found there with
 * a later end goes down to where it belongs.
 */
export class TimerQueue<T extends Timed> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(item: T): void {
    item.queueKey = item.expires;
    item.queueIndex = this.#heap.length;
    this.#heap.push(item);
    this.#rise(item);
  }

  /** To be called when `expires` changed. */
  moved(item: T): void {
    if (item.expires >= item.queueKey || item.queueIndex < 0) return;
    item.queueKey = item.expires;
    this.#rise(item);
  }

  remove(item: T): void {
    const index = item.queueIndex;
    if (index < 0) return;
    item.queueIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#heap[index] = last;
    last.queueIndex = index;
    this.#rise(last);
    this.#sink(last);
  }

  /** What ends next; null when there is nothing. */
  next(): T | null {
    for (;;) {
      const top = this.#heap[0];
      if (!top) return null;
      if (top.queueKey >= top.expires) return top;
      top.queueKey = top.expires;
      this.#sink(top);
    }
  }

  #rise(item: T): void {
    while (item.queueIndex > 0) {
      const parent = this.#heap[(item.queueIndex - 1) >> 1];
      if (!parent || parent.queueKey <= item.queueKey) return;
      this.#swap(parent, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#heap[2 * item.queueIndex + 1];
      const right = this.#heap[2 * item.queueIndex + 2];
      const child = left && right && right.queueKey < left.queueKey ? right : left;
      if (!child || child.queueKey >= item.queueKey) return;
      this.#swap(item, child);
    }
  }

  /** `lower` stands right above `upper` and changes places with it. */
  #swap(lower: T, upper: T): void {
    const index = lower.queueIndex;
    lower.queueIndex = upper.queueIndex;
    upper.queueIndex = index;
    this.#heap[lower.queueIndex] = lower;
    this.#heap[upper.queueIndex] = upper;
  }
}
