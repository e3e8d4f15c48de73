import type { Clock } from '../core/clock.ts';
import type { ExecutionHooks } from '../pipeline/execution.ts';
import type { Delivery } from './delivery.ts';
import type { IntakeResult } from './intake.ts';

/** What runs hand over to the slice of the main thread they are in. */
export interface Slice {
  readonly clock: Clock;
  /** When the others have their turn, on the monotonic clock. */
  end: number;
  readonly ended: { readonly run: Run; readonly result: IntakeResult }[];
  readonly deferred: (() => void)[];
  /** Goes on in a later slice. */
  goOn(delivery: Delivery, go: () => void): void;
}

/** One document's run through the pipeline. A class: there are tens of thousands a second, closures cost. */
export class Run implements ExecutionHooks {
  readonly delivery: Delivery;
  readonly #slice: Slice;

  constructor(delivery: Delivery, slice: Slice) {
    this.delivery = delivery;
    this.#slice = slice;
  }

  finished(result: IntakeResult): void {
    this.#slice.ended.push({ run: this, result });
  }

  defer(start: () => void): void {
    this.#slice.deferred.push(start);
  }

  resume(go: () => void): void {
    this.#slice.goOn(this.delivery, go);
  }

  pausing(): boolean {
    return this.#slice.clock.monotonic() >= this.#slice.end;
  }
}
