import type { Clock } from '../core/clock.ts';
import type { Codec, Decoded } from '../core/contracts.ts';
import { IngestDocument } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import type { ExecutionHooks, ExecutionResult } from '../pipeline/execution.ts';
import type { Delivery } from './delivery.ts';

/** One document's run through the pipeline. */
export interface Running {
  /** Runs until the end or the first wait. */
  run(): void;
  /** Goes on as if the step that was stopped had thrown. */
  failCurrent(error: Error): void;
}

/** How the engine sees a pipeline. */
export interface PipelineRunner {
  start(document: IngestDocument, hooks: ExecutionHooks): Running;
  /**
   * Runs `work` for `ms` at most; false when it was stopped in the middle. Absent where nothing in the pipeline can
   * hold the thread: it costs some 70 µs a call.
   */
  readonly interruptible?: (work: () => void, ms: number) => boolean;
}

export interface IntakeOptions {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly pipeline: PipelineRunner;
  readonly tombstones: 'delete' | 'ignore' | 'dead_letter';
  readonly finished: (delivery: Delivery, result: IntakeResult) => void;
  /** Called after every slice: a good moment to look at batches. */
  readonly idle: () => void;
  /** A fault of sluice itself. */
  readonly broken: (error: unknown) => void;
}

export type IntakeResult = ExecutionResult | { readonly outcome: 'undecodable'; readonly error: Error };

/** A slice of the main thread: timers, heartbeats and answers have their turn in between. */
const SLICE_MS = 10;
/** A regular expression that holds a slice for longer is stopped. */
const INTERRUPT_MS = 400;
/** Documents that may wait for inference or a schema at once; the others stay undecoded, which is smaller. */
const MAX_WAITING = 4096;

/** Decodes documents and runs them through the pipeline, in slices of the main thread. */
export class Intake {
  readonly #options: IntakeOptions;
  #queue: Delivery[] = [];
  #head = 0;
  /** Documents that go on after a wait. */
  readonly #goOn: { delivery: Delivery; run: () => void }[] = [];
  #scheduled = false;
  #active = 0;
  #current: Delivery | undefined;
  readonly #results: { delivery: Delivery; execution: Running | undefined; result: IntakeResult }[] = [];
  readonly #deferred: (() => void)[] = [];
  /** The execution that speaks for a delivery; an interrupted one no longer does. */
  readonly #executions = new Map<Delivery, Running>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  push(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#schedule();
  }

  /** Documents that are not decoded yet. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Documents inside the pipeline. */
  get active(): number {
    return this.#active;
  }

  /** Forgets what has not begun, at a graceful stop: it was never settled, so it comes again. */
  discard(): Delivery[] {
    const left = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    return left;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      try {
        this.#slice();
      } catch (error) {
        this.#options.broken(error);
      }
    });
  }

  #hasWork(): boolean {
    return this.#goOn.length > 0 || (this.#head < this.#queue.length && this.#active < MAX_WAITING);
  }

  #slice(): void {
    const { clock, pipeline, idle } = this.#options;
    const end = clock.monotonic() + SLICE_MS;
    let interrupted: Delivery | undefined;
    if (pipeline.interruptible !== undefined) interrupted = this.#guarded(() => this.#work(end));
    else this.#work(end);
    this.#settleSlice();
    if (interrupted !== undefined) this.#again(interrupted);
    idle();
    if (this.#hasWork()) this.#schedule();
  }

  #work(end: number): void {
    const { clock } = this.#options;
    do {
      const next = this.#goOn[0];
      if (next !== undefined) {
        this.#goOn.shift();
        this.#current = next.delivery;
        next.run();
        this.#current = undefined;
        continue;
      }
      if (this.#head >= this.#queue.length || this.#active >= MAX_WAITING) return;
      const delivery = this.#queue[this.#head]!;
      this.#head += 1;
      if (this.#head === this.#queue.length) {
        this.#queue = [];
        this.#head = 0;
      }
      this.#active += 1;
      this.#current = delivery;
      this.#begin(delivery);
      this.#current = undefined;
    } while (clock.monotonic() < end);
  }

  /** Runs under a time limit; answers with the document that was running when it struck. */
  #guarded(work: () => void): Delivery | undefined {
    if (this.#options.pipeline.interruptible!(work, INTERRUPT_MS)) return undefined;
    const guilty = this.#current;
    this.#current = undefined;
    // It may have been stopped just after its result was noted.
    return guilty !== undefined && this.#results.at(-1)?.delivery !== guilty ? guilty : undefined;
  }

  /** What came out of a slice is passed on outside of it, where no interruption can strike in the middle. */
  #settleSlice(): void {
    for (const start of this.#deferred.splice(0)) start();
    for (const { delivery, execution, result } of this.#results.splice(0)) {
      if (execution !== undefined && this.#executions.get(delivery) !== execution) continue;
      this.#executions.delete(delivery);
      this.#active -= 1;
      this.#options.finished(delivery, result);
    }
  }

  /** A document that was interrupted starts anew, alone; each step that is stopped then has failed. */
  #again(delivery: Delivery): void {
    this.#executions.delete(delivery);
    this.#alone(delivery, () => this.#begin(delivery));
  }

  #alone(delivery: Delivery, work: () => void): void {
    const { clock, broken } = this.#options;
    clock.soon(() => {
      try {
        const stopped = this.#guarded(() => {
          this.#current = delivery;
          work();
          this.#current = undefined;
        });
        this.#settleSlice();
        if (stopped === undefined) return this.#schedule();
        const running = this.#executions.get(delivery);
        if (running === undefined) throw new Error('decoding a document was interrupted twice');
        this.#alone(delivery, () => running.failCurrent(tooSlow()));
      } catch (error) {
        broken(error);
      }
    });
  }

  #begin(delivery: Delivery): void {
    const { codec, tombstones } = this.#options;
    const { record } = delivery;
    if (record.value === null) {
      if (tombstones === 'dead_letter')
        this.#undecodable(
          delivery,
          new ProcessorError('parse_exception', 'the record is a tombstone: it has no value'),
        );
      else if (tombstones === 'ignore')
        this.#results.push({ delivery, execution: undefined, result: { outcome: 'dropped' } });
      else {
        delivery.document = new IngestDocument({
          source: {},
          metadata: { _op_type: 'delete' },
          origin: record.origin(),
        });
        this.#results.push({ delivery, execution: undefined, result: { outcome: 'done' } });
      }
      return;
    }
    let decoded: Decoded | Promise<Decoded>;
    try {
      decoded = (record.codec ?? codec).decode(record.value, record.headers);
    } catch (error) {
      return this.#undecodable(delivery, error as Error);
    }
    if (!(decoded instanceof Promise)) return this.#execute(delivery, decoded);
    decoded.then(
      (value) => this.#continue(delivery, () => this.#execute(delivery, value)),
      (error: unknown) => this.#continue(delivery, () => this.#undecodable(delivery, error as Error)),
    );
  }

  #undecodable(delivery: Delivery, error: Error): void {
    // Only what the codec calls the document's fault is one; the rest is a fault of sluice and must not lose documents.
    if (!(error instanceof ProcessorError)) throw error;
    this.#results.push({ delivery, execution: undefined, result: { outcome: 'undecodable', error } });
  }

  #execute(delivery: Delivery, decoded: Decoded): void {
    const { clock, pipeline } = this.#options;
    const document = new IngestDocument({
      source: decoded.source,
      raw: decoded.raw,
      origin: delivery.record.origin(),
      timestamp: new Date(clock.now()),
    });
    delivery.document = document;
    const execution: Running = pipeline.start(document, {
      finished: (result) => void this.#results.push({ delivery, execution, result }),
      defer: (start) => void this.#deferred.push(start),
      resume: (run) => this.#continue(delivery, run),
    });
    this.#executions.set(delivery, execution);
    execution.run();
  }

  #continue(delivery: Delivery, run: () => void): void {
    this.#goOn.push({ delivery, run });
    this.#schedule();
  }
}

const tooSlow = () =>
  new ProcessorError(
    'timeout_exception',
    `a regular expression ran longer than ${INTERRUPT_MS} ms on this document and was stopped`,
  );
