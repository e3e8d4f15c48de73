/**
 * Bytes that documents in flight may hold. Taking never fails: what a source has fetched already has to go somewhere,
 * so the overshoot is bounded by one fetch, and a document larger than the whole budget travels alone.
 */
export class ByteBudget {
  readonly limit: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param limit bytes, at least 1 */
  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`the byte budget must be at least 1, not ${limit}`);
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get full(): boolean {
    return this.#used >= this.limit;
  }

  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    if (this.#used < 0) throw new RangeError('more bytes were given back than taken');
    if (this.#used > this.limit / 2) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Calls back once half of the budget is free: sooner, and sources would pause and resume for every document. */
  whenRoom(wake: () => void): void {
    if (this.full) this.#waiting.push(wake);
    else wake();
  }
}
