/**
 * Bytes that documents in flight may hold: a tree of process, streams and partitions, each of which counts what those
 * below it hold. Taking never fails: what a source has fetched already has to go somewhere, so the overshoot is bounded
 * by one fetch, and a document larger than the whole budget travels alone.
 *
 * Nobody holds more than what is still free in the budget above (the dynamic threshold of Choudhury and Hahne, 1998):
 * one that stands still keeps half of it at most, two keep two thirds, and there is always something left for one that
 * moves.
 */
export class ByteBudget {
  readonly limit: number;
  readonly #parent: ByteBudget | undefined;
  #used = 0;
  /** Given back since those who wait were looked at. */
  #given = 0;
  /** Who waits here or below. */
  readonly #waiting = new Set<Waiting>();

  /** @param limit bytes, at least 1 */
  constructor(limit: number, parent?: ByteBudget) {
    if (!(limit >= 1)) throw new RangeError(`the byte budget must be at least 1, not ${limit}`);
    this.limit = limit;
    this.#parent = parent;
  }

  get used(): number {
    return this.#used;
  }

  get full(): boolean {
    return this.#used >= this.#allowance;
  }

  take(bytes: number): void {
    this.#used += bytes;
    this.#parent?.take(bytes);
  }

  give(bytes: number): void {
    const before = this.#used;
    this.#used -= bytes;
    if (this.#used < 0) throw new RangeError('more bytes were given back than taken');
    this.#parent?.give(bytes);
    if (this.#waiting.size === 0) return;
    this.#given += bytes;
    // Looking after every document would cost more than it gains; but nothing may be missed when no more comes.
    const opened = before >= this.limit && this.#used < this.limit;
    if (this.#used > 0 && !opened && this.#given < this.limit / LOOKS) return;
    this.#given = 0;
    const woken = [...this.#waiting].filter(({ budget }) => budget.#roomy);
    for (const waiting of woken) waiting.budget.#forget(waiting);
    for (const { wake } of woken) wake();
  }

  /** Calls back once a good part is free: sooner, and sources would pause and resume for every document. */
  whenRoom(wake: () => void): void {
    if (!this.full) return wake();
    const waiting: Waiting = { budget: this, wake };
    for (let at: ByteBudget | undefined = this; at !== undefined; at = at.#parent) at.#waiting.add(waiting);
  }

  /** What it may hold while the others hold what they do: half of what they leave of the budget above. */
  get #allowance(): number {
    const above = this.#parent;
    if (above === undefined) return this.limit;
    return Math.min(this.limit, (above.#allowance - above.#used + this.#used) / 2);
  }

  get #roomy(): boolean {
    const allowance = this.#allowance;
    return allowance > 0 && this.#used <= allowance / 2;
  }

  #forget(waiting: Waiting): void {
    for (let at: ByteBudget | undefined = this; at !== undefined; at = at.#parent) at.#waiting.delete(waiting);
  }
}

interface Waiting {
  readonly budget: ByteBudget;
  readonly wake: () => void;
}

/** How often those who wait are looked at while a whole budget is given back. */
const LOOKS = 32;
