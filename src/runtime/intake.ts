import type { Clock } from '../core/clock.ts';
import type { Codec, Decoded } from '../core/contracts.ts';
import { IngestDocument } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import { Fifo } from '../core/fifo.ts';
import type { ExecutionHooks, ExecutionResult } from '../pipeline/execution.ts';
import type { Delivery } from './delivery.ts';
import { Run, type Slice } from './run.ts';

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
  /** False while the destination has enough to do: documents then wait undecoded, which is smaller and cheaper. */
  readonly room: () => boolean;
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
  readonly #queue = new Fifo<Delivery>();
  /** Documents that go on after a wait. */
  readonly #goOn = new Fifo<{ delivery: Delivery; run: () => void }>();
  #scheduled = false;
  #active = 0;
  #current: Delivery | undefined;
  readonly #slice: Slice;
  #pipeline: PipelineRunner;
  /** Waits for the documents inside the pipeline to leave it; meanwhile none begins. */
  #replacement: { readonly pipeline: PipelineRunner; readonly replaced: () => void } | undefined;
  /** Documents that were interrupted once, and what they have to do next. */
  readonly #suspects = new Set<Delivery>();
  readonly #suspectRuns: (() => void)[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#pipeline = options.pipeline;
    const goOn = (delivery: Delivery, run: () => void) => this.#continue(delivery, run);
    this.#slice = { clock: options.clock, end: 0, ended: [], deferred: [], goOn };
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
    return this.#queue.length;
  }

  /** Documents inside the pipeline. */
  get active(): number {
    return this.#active;
  }

  /** Forgets what has not begun, at a graceful stop: it was never settled, so it comes again. */
  discard(): Delivery[] {
    return this.#queue.clear();
  }

  /** There is room again. */
  wake(): void {
    if (this.#hasWork()) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      try {
        this.#runSlice();
      } catch (error) {
        this.#options.broken(error);
      }
    });
  }

  #hasWork(): boolean {
    return this.#goOn.length > 0 || this.#suspectRuns.length > 0 || (this.#begins && this.#queue.length > 0);
  }

  /** True while documents may enter the pipeline. */
  get #begins(): boolean {
    return this.#active < MAX_WAITING && this.#replacement === undefined && this.#options.room();
  }

  #runSlice(): void {
    const { clock, idle } = this.#options;
    this.#slice.end = clock.monotonic() + SLICE_MS;
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
      const next = this.#goOn.take();
      if (next !== undefined) {
        this.#current = next.delivery;
        next.run();
        this.#current = undefined;
        continue;
      }
      if (!this.#begins) return;
      const delivery = this.#queue.take();
      if (delivery === undefined) return;
      this.#active += 1;
      this.#current = delivery;
      this.#begin(delivery);
      this.#current = undefined;
    } while (clock.monotonic() < this.#slice.end);
  }

  /** Runs under a time limit; answers with the document that was running when it struck. */
  #guarded(work: () => void): Delivery | undefined {
    if (this.#pipeline.guards!.slice(work, INTERRUPT_MS)) return undefined;
    const guilty = this.#current;
    this.#current = undefined;
    // It may have been stopped just after its result was noted.
    return guilty !== undefined && this.#slice.ended.at(-1)?.run.delivery !== guilty ? guilty : undefined;
  }

  /** What came out of a slice is passed on outside of it, where no interruption can strike in the middle. */
  #settleSlice(): void {
    const { deferred, ended } = this.#slice;
    if (deferred.length > 0) for (const start of deferred.splice(0)) start();
    for (const { run, result } of ended.splice(0)) {
      const { delivery } = run;
      if (delivery.run !== run) continue;
      delivery.run = undefined;
      if (this.#suspects.size > 0) this.#suspects.delete(delivery);
      this.#active -= 1;
      this.#options.finished(delivery, result);
    }
  }

  /**
   * A document that was interrupted starts anew, by itself: only its regular expressions are limited then, each call by
   * itself. That it is large, or that decoding it takes long, is no fault.
   */
  #suspect(delivery: Delivery): void {
    delivery.run = undefined;
    this.#suspects.add(delivery);
    this.#suspectRuns.push(() => this.#begin(delivery));
  }

  #runSuspect(): void {
    const run = this.#suspectRuns.shift();
    if (run === undefined) return;
    this.#slice.end = this.#options.clock.monotonic() + SLICE_MS;
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
    const run = new Run(delivery, this.#slice);
    delivery.run = run;
    // Another member has it by now: whatever it would become, it is not written here.
    if (delivery.partition.revoked) return run.finished({ outcome: 'dropped' });
    if (record.value === null) {
      if (tombstones === 'dead_letter')
        this.#undecodable(run, new ProcessorError('parse_exception', 'the record is a tombstone: it has no value'));
      else if (tombstones === 'ignore') run.finished({ outcome: 'dropped' });
      else {
        delivery.document = new IngestDocument({ source: {}, metadata: { _op_type: 'delete' }, record });
        run.finished({ outcome: 'done' });
      }
      return;
    }
    let decoded: Decoded | Promise<Decoded>;
    try {
      decoded = (record.codec ?? codec).decode(record.value, record.headers);
    } catch (error) {
      return this.#undecodable(run, error as Error);
    }
    if (!(decoded instanceof Promise)) return this.#execute(run, decoded);
    decoded.then(
      (value) => this.#continue(delivery, () => this.#execute(run, value)),
      (error: unknown) => this.#continue(delivery, () => this.#undecodable(run, error as Error)),
    );
  }

  #undecodable(run: Run, error: Error): void {
    // Only what the codec calls the document's fault is one; the rest is a fault of sluice and must not lose documents.
    if (!(error instanceof ProcessorError)) throw error;
    run.finished({ outcome: 'undecodable', error });
  }

  #execute(run: Run, decoded: Decoded): void {
    const { delivery } = run;
    const document = new IngestDocument({
      source: decoded.source,
      raw: decoded.raw,
      record: delivery.record,
      timestamp: this.#options.clock.now(),
    });
    document.trace = delivery.trace;
    delivery.document = document;
    this.#pipeline.start(document, run).run();
  }

  #continue(delivery: Delivery, run: () => void): void {
    if (this.#suspects.has(delivery)) this.#suspectRuns.push(run);
    else this.#goOn.push({ delivery, run });
    this.#schedule();
  }
}
