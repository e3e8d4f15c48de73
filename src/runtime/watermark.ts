/** Something with a place in a partition's order. */
export interface Tracked {
  /** Where reading goes on once this and all before it are settled. */
  readonly next: bigint;
  settled: boolean;
}

/** One partition's committable position: moves only over a contiguous run of settled documents. */
export class Watermark<T extends Tracked> {
  readonly #entries: (T | undefined)[] = [];
  #head = 0;
  #position: bigint | undefined;

  track(entry: T): void {
    this.#entries.push(entry);
  }

  /** Marks an entry; answers true when the position moved. */
  settle(entry: T): boolean {
    entry.settled = true;
    const before = this.#head;
    for (;;) {
      const first = this.#entries[this.#head];
      if (!first?.settled) break;
      this.#position = first.next;
      this.#entries[this.#head] = undefined;
      this.#head += 1;
    }
    const moved = this.#head > before;
    // Dropping the settled front now and then keeps both memory and the cost of a shift flat.
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return moved;
  }

  /** What may be committed; undefined until the first run is settled. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** The oldest entry that is not settled. */
  get oldest(): T | undefined {
    return this.#entries[this.#head];
  }
}
