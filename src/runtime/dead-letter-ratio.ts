const WINDOW = 1000;

/** Share of dead letters among the last 1,000 documents. Fewer documents than that count as if the rest had gone well. */
export class DeadLetterRatio {
  readonly #allowed: number;
  readonly #ring = new Uint8Array(WINDOW);
  #next = 0;
  #dead = 0;

  /** @param ratio from 0 to 1 */
  constructor(ratio: number) {
    this.#allowed = ratio * WINDOW;
  }

  add(dead: boolean): void {
    this.#dead -= this.#ring[this.#next]!;
    this.#ring[this.#next] = dead ? 1 : 0;
    this.#dead += this.#ring[this.#next]!;
    this.#next = (this.#next + 1) % WINDOW;
  }

  get exceeded(): boolean {
    return this.#dead > this.#allowed;
  }
}
