import { Fifo } from '../core/fifo.ts';

/** Something with a place in a partition's order. */
export interface Tracked {
  /** Where reading goes on once this and all before it are settled. */
  readonly next: bigint;
  settled: boolean;
}

/** One partition's committable position: moves only over a contiguous run of settled documents. */
export class Watermark<T extends Tracked> {
  readonly #entries = new Fifo<T>();
  #position: bigint | undefined;

  track(entry: T): void {
    this.#entries.push(entry);
  }

  /** Marks an entry; answers true when the position moved. */
  settle(entry: T): boolean {
    entry.settled = true;
    let moved = false;
    while (this.#entries.first?.settled) {
      this.#position = this.#entries.take()!.next;
      moved = true;
    }
    return moved;
  }

  /** What may be committed; undefined until the first run is settled. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** The oldest entry that is not settled. */
  get oldest(): T | undefined {
    return this.#entries.first;
  }
}
