import type { BulkItem } from './bulk-body.ts';

/** Bytes that a UTF-16 unit takes at most. */
const WIDEST = 3;

/**
 * The bulk request that goes on, as its lines are made: each document becomes bytes when it has ended, so that nothing of
 * it outlives its turn. Items that are not touched go on as they came.
 */
export class OutgoingBulk {
  readonly #items: readonly BulkItem[];
  /** Where in the arena an item's lines are; an end of 0 for those that are not there. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #decided: (object | undefined)[];
  #arena: Buffer;
  #used = 0;
  #own = 0;
  #written = 0;

  /** @param size of the request that came */
  constructor(items: readonly BulkItem[], size: number) {
    this.#items = items;
    this.#starts = new Uint32Array(items.length);
    this.#ends = new Uint32Array(items.length);
    this.#decided = new Array<object | undefined>(items.length);
    this.#arena = Buffer.allocUnsafe(size + (size >> 2) + 4096);
  }

  /** An item's lines. */
  write(index: number, head: string, line: Uint8Array | string): void {
    const size = typeof line === 'string' ? line.length * WIDEST : line.length;
    const start = this.#used;
    const arena = this.#room(start + head.length * WIDEST + size + 1);
    let at = start + arena.write(head, start);
    if (typeof line === 'string') at += arena.write(line, at);
    else {
      arena.set(line, at);
      at += line.length;
    }
    arena[at] = 10;
    this.#used = at + 1;
    this.#starts[index] = start;
    this.#ends[index] = this.#used;
    this.#written += 1;
  }

  /** What became of an item here: the cluster does not get it. */
  decide(index: number, item: object): void {
    this.#decided[index] = item;
    this.#own += 1;
  }

  /** How many items the cluster does not get. */
  get own(): number {
    return this.#own;
  }

  /** By their places; undefined for those that the cluster answers for. */
  get decided(): readonly (object | undefined)[] {
    return this.#decided;
  }

  /** In the order of the items. */
  body(): Buffer {
    // Mostly they end as they began.
    if (this.#written === this.#items.length && this.#inOrder()) return this.#arena.subarray(0, this.#used);
    const parts: Buffer[] = [];
    this.#items.forEach(({ raw }, index) => {
      if (this.#decided[index] !== undefined) return;
      const end = this.#ends[index]!;
      parts.push(end === 0 ? raw : this.#arena.subarray(this.#starts[index]!, end));
    });
    return Buffer.concat(parts);
  }

  #inOrder(): boolean {
    const starts = this.#starts;
    for (let at = 1; at < starts.length; at += 1) if (starts[at]! < starts[at - 1]!) return false;
    return true;
  }

  #room(size: number): Buffer {
    if (size > this.#arena.length) {
      const larger = Buffer.allocUnsafe(Math.max(size, this.#arena.length * 2));
      this.#arena.copy(larger, 0, 0, this.#used);
      this.#arena = larger;
    }
    return this.#arena;
  }
}
