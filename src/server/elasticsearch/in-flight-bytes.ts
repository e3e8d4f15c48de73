import { Refusal } from '../../core/refusal.ts';

/** Bytes of documents between arrival and answer: more is refused, and the caller comes again. */
export class InFlightBytes {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  /** A request that is larger than all of it travels alone. @throws Refusal 429 */
  take(bytes: number): () => void {
    if (this.#held > 0 && this.#held + bytes > this.#limit)
      throw new Refusal(
        429,
        'es_rejected_execution_exception',
        `rejected execution: ${this.#held} bytes of documents are in flight, and ${this.#limit} are the limit`,
        1,
      );
    this.#held += bytes;
    let held = true;
    return () => {
      if (held) this.#held -= bytes;
      held = false;
    };
  }
}
