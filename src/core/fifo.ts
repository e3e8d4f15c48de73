/** Entries taken between two moments at which the room they left is given back. */
const CHUNK = 1024;

/** First in, first out. What was taken is let go of at once, even where the queue is never empty. */
export class Fifo<T> {
  #entries: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** The entry that `take` would give. */
  get first(): T | undefined {
    return this.#entries[this.#head];
  }

  /** Undefined when there is none. */
  take(): T | undefined {
    const entry = this.#entries[this.#head];
    if (this.#head === this.#entries.length) return undefined;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    // Dropping the empty front now and then keeps both memory and the cost of moving the rest flat.
    if (this.#head >= CHUNK && this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** Takes all that is left. */
  clear(): T[] {
    const left = this.#entries.slice(this.#head) as T[];
    this.#entries = [];
    this.#head = 0;
    return left;
  }
}
