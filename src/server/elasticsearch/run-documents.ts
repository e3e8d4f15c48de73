import type { IngestDocument } from '../../core/document.ts';
import { Fifo } from '../../core/fifo.ts';
import { limitEachMatch } from '../../painless/regex/match-limit.ts';
import { type ExecutionHooks, type ExecutionResult, PipelineExecution } from '../../pipeline/execution.ts';
import type { RunnablePipeline } from './ingest-pipelines.ts';

/** A slice of the main thread: other requests have their turn in between. */
const SLICE_MS = 10;
/** A regular expression that takes longer on one document has failed. */
const MATCH_MS = 400;
/** Documents that begin between two looks at the clock. */
const GLANCE = 16;

export interface DocumentRun {
  readonly document: IngestDocument;
  readonly pipeline: RunnablePipeline;
}

/** The documents of one request. Each is opened when its turn comes and let go when it has ended: they die young. */
export interface DocumentRuns {
  readonly count: number;
  /** Undefined for one that does not run at all. */
  open(index: number): DocumentRun | undefined;
  ended(index: number, result: ExecutionResult, document: IngestDocument): void;
}

/**
 * Runs documents through their pipelines; they wait for models side by side.
 * @throws the signal's reason
 */
export const runEach = (runs: DocumentRuns, signal: AbortSignal): Promise<void> =>
  runs.count === 0 ? Promise.resolve() : new Request(runs, signal).done;

/** The same for documents that are there already; answers in their order. */
export const runDocuments = async (runs: readonly DocumentRun[], signal: AbortSignal): Promise<ExecutionResult[]> => {
  const results = new Array<ExecutionResult>(runs.length);
  await runEach(
    {
      count: runs.length,
      open: (index) => runs[index],
      ended: (index, result) => {
        results[index] = result;
      },
    },
    signal,
  );
  return results;
};

/** All documents of one request. */
class Request {
  readonly done: Promise<void>;
  readonly #runs: DocumentRuns;
  readonly #signal: AbortSignal;
  readonly #ready = new Fifo<() => void>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #underWay = new Set<() => void>();
  #next = 0;
  #left: number;
  #end = 0;
  #inSlice = false;
  #scheduled = false;

  constructor(runs: DocumentRuns, signal: AbortSignal) {
    this.#runs = runs;
    this.#signal = signal;
    this.#left = runs.count;
    this.done = this.#settled.promise;
    signal.addEventListener('abort', () => this.#leave(), { once: true });
    this.#slice();
  }

  get late(): boolean {
    return performance.now() >= this.#end;
  }

  ended(index: number, result: ExecutionResult, document: IngestDocument): void {
    try {
      this.#runs.ended(index, result, document);
      this.#count();
    } catch (error) {
      this.#settled.reject(error);
    }
  }

  #count(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#settled.resolve();
  }

  goOn(run: () => void): void {
    this.#ready.push(run);
    if (!this.#inSlice) this.#schedule();
  }

  /** Nobody waits any more: what models have not begun is taken back. */
  #leave(): void {
    this.#settled.reject(this.#signal.reason);
    for (const cancel of [...this.#underWay]) cancel();
    this.#underWay.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#slice();
    });
  }

  #slice(): void {
    if (this.#signal.aborted) return this.#settled.reject(this.#signal.reason);
    this.#end = performance.now() + SLICE_MS;
    this.#inSlice = true;
    try {
      for (let turn = 1; turn % GLANCE !== 0 || !this.late; turn += 1) {
        const go = this.#ready.take();
        if (go !== undefined) go();
        else if (this.#next < this.#runs.count) this.#begin(this.#next++);
        else return;
      }
      this.#schedule();
    } catch (error) {
      this.#settled.reject(error);
    } finally {
      this.#inSlice = false;
    }
  }

  #begin(index: number): void {
    const run = this.#runs.open(index);
    if (run === undefined) return this.#count();
    const { document, pipeline } = run;
    document.underWay = this.#underWay;
    const hooks = new Hooks(this, index, document, pipeline.usesRegex);
    const execution = new PipelineExecution(document, pipeline.compiled, hooks);
    if (pipeline.usesRegex) limitEachMatch(() => execution.run(), MATCH_MS);
    else execution.run();
  }
}

/** One document's, without a closure for each of its calls: there are tens of thousands a second. */
class Hooks implements ExecutionHooks {
  readonly #request: Request;
  readonly #index: number;
  readonly #document: IngestDocument;
  readonly #usesRegex: boolean;

  constructor(request: Request, index: number, document: IngestDocument, usesRegex: boolean) {
    this.#request = request;
    this.#index = index;
    this.#document = document;
    this.#usesRegex = usesRegex;
  }

  finished(result: ExecutionResult): void {
    this.#request.ended(this.#index, result, this.#document);
  }

  resume(go: () => void): void {
    this.#request.goOn(this.#usesRegex ? () => limitEachMatch(go, MATCH_MS) : go);
  }

  pausing(): boolean {
    return this.#request.late;
  }
}
