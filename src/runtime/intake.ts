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
}

/** How the engine sees a pipeline. */
export interface PipelineRunner {
  start(document: IngestDocument, hooks: ExecutionHooks): Running;
  /** Absent where nothing in the pipeline can hold the thread: a guard costs some 70 µs a call. */
  readonly guards?: {
    /** Runs `work` for `ms` at most; false when it was stopped in the middle. */
    slice(work: () => void, ms: number): boolean;
    /** Runs `work`; a regular expression in it that takes longer than `ms` has failed. */
    eachMatch(work: () => void, ms: number): void;
  };
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
  #sliceEnd = 0;
  #pipeline: PipelineRunner;
  /** Waits for the documents inside the pipeline to leave it; meanwhile none begins. */
  #replacement: { readonly pipeline: PipelineRunner; readonly replaced: () => void } | undefined;
  /** Documents that were interrupted once, and what they have to do next. */
  readonly #suspects = new Set<Delivery>();
  readonly #suspectRuns: (() => void)[] = [];
  /** The execution that speaks for a delivery; an interrupted one no longer does. */
  readonly #executions = new Map<Delivery, Running>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#pipeline = options.pipeline;
  }

  /** Resolves once documents run through the other pipeline. */
  replacePipeline(pipeline: PipelineRunner): Promise<void> {
    return new Promise((replaced) => {
      this.#replacement = { pipeline, replaced };
      this.#schedule();
    });
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
    return this.#goOn.length > 0 || this.#suspectRuns.length > 0 || (this.#begins && this.#head < this.#queue.length);
  }

  /** True while documents may enter the pipeline. */
  get #begins(): boolean {
    return this.#active < MAX_WAITING && this.#replacement === undefined;
  }

  #slice(): void {
    const { clock, idle } = this.#options;
    this.#sliceEnd = clock.monotonic() + SLICE_MS;
    let interrupted: Delivery | undefined;
    if (this.#pipeline.guards !== undefined) interrupted = this.#guarded(() => this.#work());
    else this.#work();
    this.#settleSlice();
    if (interrupted !== undefined) this.#suspect(interrupted);
    this.#runSuspect();
    this.#replace();
    idle();
    if (this.#hasWork()) this.#schedule();
  }

  #work(): void {
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
      if (this.#head >= this.#queue.length || !this.#begins) return;
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
    } while (clock.monotonic() < this.#sliceEnd);
  }

  /** Runs under a time limit; answers with the document that was running when it struck. */
  #guarded(work: () => void): Delivery | undefined {
    if (this.#pipeline.guards!.slice(work, INTERRUPT_MS)) return undefined;
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
      this.#suspects.delete(delivery);
      this.#active -= 1;
      this.#options.finished(delivery, result);
    }
  }

  /**
   * A document that was interrupted starts anew, by itself: only its regular expressions are limited then, each call by
   * itself. That it is large, or that decoding it takes long, is no fault.
   */
  #suspect(delivery: Delivery): void {
    this.#executions.delete(delivery);
    this.#suspects.add(delivery);
    this.#suspectRuns.push(() => this.#begin(delivery));
  }

  #runSuspect(): void {
    const run = this.#suspectRuns.shift();
    if (run === undefined) return;
    this.#sliceEnd = this.#options.clock.monotonic() + SLICE_MS;
    this.#pipeline.guards!.eachMatch(run, INTERRUPT_MS);
    this.#settleSlice();
  }

  #replace(): void {
    if (this.#replacement === undefined || this.#active > 0) return;
    const { pipeline, replaced } = this.#replacement;
    this.#replacement = undefined;
    this.#pipeline = pipeline;
    replaced();
  }

  #begin(delivery: Delivery): void {
    const { codec, tombstones } = this.#options;
    const { record } = delivery;
    // Another member has it by now: whatever it would become, it is not written here.
    if (delivery.partition.revoked)
      return void this.#results.push({ delivery, execution: undefined, result: { outcome: 'dropped' } });
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
    const { clock } = this.#options;
    const document = new IngestDocument({
      source: decoded.source,
      raw: decoded.raw,
      origin: delivery.record.origin(),
      timestamp: new Date(clock.now()),
    });
    document.trace = delivery.trace;
    delivery.document = document;
    const execution: Running = this.#pipeline.start(document, {
      finished: (result) => void this.#results.push({ delivery, execution, result }),
      defer: (start) => void this.#deferred.push(start),
      resume: (run) => this.#continue(delivery, run),
      pausing: () => clock.monotonic() >= this.#sliceEnd,
    });
    this.#executions.set(delivery, execution);
    execution.run();
  }

  #continue(delivery: Delivery, run: () => void): void {
    if (this.#suspects.has(delivery)) this.#suspectRuns.push(run);
    else this.#goOn.push({ delivery, run });
    this.#schedule();
  }
}
