const WINDOW = 1000;

/**
 * Share of failures among the last 1,000 documents that were processed, and among the last 1,000 that the sink
 * answered for. Fewer documents than that count as if the rest had gone well. They are counted apart because each is
 * in order only in itself: dead letters are written long before a slow sink has taken the documents beside them.
 */
export class DeadLetterRatio {
  readonly #allowed: number;
  readonly #processed = new Failures();
  readonly #written = new Failures();
  #exceeded = false;

  /** @param ratio from 0 to 1 */
  constructor(ratio: number) {
    this.#allowed = ratio * WINDOW;
  }

  processed(failed: boolean): void {
    this.#processed.add(failed);
    this.#look();
  }

  written(refused: boolean): void {
    this.#written.add(refused);
    this.#look();
  }

  /** True once it was, however many went well after that. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  #look(): void {
    if (this.#processed.count + this.#written.count > this.#allowed) this.#exceeded = true;
  }
}

/** How many of the last ones failed. */
class Failures {
  readonly #ring = new Uint8Array(WINDOW);
  #next = 0;
  #count = 0;

  add(failed: boolean): void {
    this.#count -= this.#ring[this.#next]!;
    this.#ring[this.#next] = failed ? 1 : 0;
    this.#count += this.#ring[this.#next]!;
    this.#next = (this.#next + 1) % WINDOW;
  }

  get count(): number {
    return this.#count;
  }
}
