import type { Clock } from '../core/clock.ts';
import type { WriteLimits } from '../core/contracts.ts';

/** Asked at every write: they may follow what the destination takes. */
export type BatchLimits = Pick<WriteLimits, 'max_documents' | 'max_bytes' | 'max_age_ms'>;

/** Gathers writes until one limit is reached: bytes, count or age. */
export class Batcher<T extends { readonly bytes: number }> {
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  readonly #flush: (batch: T[]) => void;
  #batch: T[] = [];
  #bytes = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(limits: BatchLimits, clock: Clock, flush: (batch: T[]) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#flush = flush;
  }

  /** A write larger than `max_bytes` travels alone. */
  add(write: T): void {
    if (this.#batch.length > 0 && this.#bytes + write.bytes > this.#limits.max_bytes) this.flush();
    this.#batch.push(write);
    this.#bytes += write.bytes;
    if (this.#batch.length >= this.#limits.max_documents || this.#bytes >= this.#limits.max_bytes) return this.flush();
    this.#cancelTimer ??= this.#clock.after(this.#limits.max_age_ms, () => {
      this.#cancelTimer = undefined;
      this.flush();
    });
  }

  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    this.#flush(batch);
  }
}
