import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../core/error-codes.ts';
import { messageOf, ProcessorError, SluiceError } from '../core/errors.ts';
import { COUNTS, Histogram, SECONDS } from '../core/histogram.ts';
import { type CrashJournal, DEATHS_TO_REFUSE, DEATHS_TO_RUN_ALONE, journalKey } from './crash-journal.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

/** What an engine says about the threads that run its model. */
export interface EngineThreads {
  /** The model's name in logs. */
  readonly id: string;
  /** The model's folder, for errors. */
  readonly folder: string;
  readonly script: URL;
  /** The thread's `workerData`. */
  readonly settings: unknown;
  /** Requests that a thread holds at once: the one that runs, and what it may batch or begin next without waiting. */
  readonly prefetch: number;
}

export interface DeploymentOptions {
  readonly threads: EngineThreads;
  /** Worker threads, each with its own session. */
  readonly number_of_allocations: number;
  /** Requests that may wait; `infer` refuses more, and says so. */
  readonly queue_capacity: number;
  /** Milliseconds a request may run in a worker before the worker is replaced and the request sent again. */
  readonly timeout_ms: number;
  readonly log: { warn(message: string, fields?: object): void };
  /** Knows which texts were in flight when earlier processes died; `identity` tells this graph from others. */
  readonly crashes?: { readonly journal: CrashJournal; readonly identity: string } | undefined;
}

/** What every engine is asked: something about a text. */
export interface TextRequest {
  readonly text: string;
}

/** What every engine answers: something, and how many tokens it took. */
export interface CountedOutput {
  readonly tokens: number;
  /** Windows in the run that gave it, and tokens that this run was padded with, counted once a run. */
  readonly batch?: number;
  readonly padding?: number;
}

export type DoneWith<Output> = (error: Error | undefined, output?: Output) => void;

interface Queued<Request, Output> {
  readonly id: number;
  readonly request: Request;
  readonly done: DoneWith<Output>;
  readonly cancelled: () => boolean;
  attempts: number;
  /** On the monotonic clock. */
  readonly asked: number;
  /** Its name in the crash journal. */
  readonly key: string | undefined;
  /** Its place in the journal's file while it runs. */
  place: number | undefined;
}

interface Allocation<Request, Output> {
  readonly worker: Worker;
  readonly running: Map<number, Queued<Request, Output>>;
  timer: NodeJS.Timeout | undefined;
  ready: boolean;
}

/** A worker that dies this often with the same request is not started for it again. */
const MAX_ATTEMPTS = 3;
/** Between two tries to replace a thread. */
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

export interface DeploymentStats {
  inference_count: number;
  tokens: number;
  restarts: number;
  /** Requests that were refused because the queue was full, and those whose time was up. */
  readonly rejected: number;
  readonly timeouts: number;
  readonly queued: number;
  readonly running: number;
  readonly allocations: number;
  /** Seconds from the call to the answer. */
  readonly latency: Histogram;
  /** Texts, or windows of them, that ran together; 0 where the engine does not say. */
  readonly batches: Histogram;
  /** Tokens that only filled up batches of unequal length. */
  readonly padding: number;
}

/** A model, running: `number_of_allocations` worker threads behind one queue. */
export class Deployment<Request extends TextRequest, Output extends CountedOutput> {
  readonly #options: DeploymentOptions;
  readonly #queue: Queued<Request, Output>[] = [];
  readonly #allocations = new Set<Allocation<Request, Output>>();
  #nextId = 1;
  #closing = false;
  #inferred = 0;
  #tokens = 0;
  #restarts = 0;
  #rejected = 0;
  #timeouts = 0;
  #padding = 0;
  readonly #latency = new Histogram(SECONDS);
  readonly #batches = new Histogram(COUNTS);
  #retry: NodeJS.Timeout | undefined;
  readonly #forgetRoom: (() => void) | undefined;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#forgetRoom = options.crashes?.journal.onRoom(() => this.#feed());
  }

  /** Resolves once every allocation can infer. */
  async start(): Promise<void> {
    const starting = Array.from({ length: this.#options.number_of_allocations }, () => this.#allocate());
    try {
      await Promise.all(starting);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get full(): boolean {
    return this.#queue.length >= this.#options.queue_capacity;
  }

  get stats(): DeploymentStats {
    let running = 0;
    for (const allocation of this.#allocations) running += allocation.running.size;
    return {
      inference_count: this.#inferred,
      tokens: this.#tokens,
      restarts: this.#restarts,
      rejected: this.#rejected,
      timeouts: this.#timeouts,
      allocations: this.#allocations.size,
      latency: this.#latency,
      batches: this.#batches,
      padding: this.#padding,
      queued: this.#queue.length,
      running,
    };
  }

  /**
   * Queues a text. `done` is called exactly once unless the answer, which cancels, was called first.
   * @throws SluiceError SLUICE_INFERENCE_CLOSED, SLUICE_INFERENCE_QUEUE_FULL
   */
  infer(request: Request, done: DoneWith<Output>): () => void {
    if (this.#closing) throw new SluiceError('SLUICE_INFERENCE_CLOSED', 'the deployment is stopping');
    if (this.full) {
      this.#rejected += 1;
      throw new SluiceError(
        'SLUICE_INFERENCE_QUEUE_FULL',
        `the deployment's queue is full: ${this.#queue.length} requests wait`,
      );
    }
    const { crashes } = this.#options;
    const key = crashes && journalKey(crashes.identity, request.text);
    if (key !== undefined && crashes!.journal.deaths(key) >= DEATHS_TO_REFUSE) {
      done(
        new ProcessorError(
          'crash_suspect',
          `the process died ${DEATHS_TO_REFUSE} times while it ran this text, the last time with nothing beside it`,
        ),
      );
      return () => {};
    }
    let cancelled = false;
    const queued: Queued<Request, Output> = {
      request,
      id: this.#nextId++,
      done,
      cancelled: () => cancelled,
      attempts: 0,
      asked: performance.now(),
      key,
      place: undefined,
    };
    if (key !== undefined && crashes!.journal.deaths(key) >= DEATHS_TO_RUN_ALONE)
      this.#options.log.warn('a text with which the process died before runs with nothing beside it', {
        model: this.#options.threads.id,
      });
    this.#queue.push(queued);
    this.#feed();
    return () => {
      cancelled = true;
      const at = this.#queue.indexOf(queued);
      if (at >= 0) {
        this.#queue.splice(at, 1);
        if (key !== undefined) crashes!.journal.withdraw(key);
      }
      for (const { worker, running } of this.#allocations) {
        if (running.has(queued.id)) worker.postMessage({ kind: 'cancel', id: queued.id } satisfies ToWorker<Request>);
      }
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    this.#forgetRoom?.();
    const closed = new SluiceError('SLUICE_INFERENCE_CLOSED', 'the deployment is stopping');
    const waiting = this.#queue.splice(0);
    for (const { key } of waiting) if (key !== undefined) this.#options.crashes!.journal.withdraw(key);
    await Promise.all(
      [...this.#allocations].map(async ({ worker, timer, running }) => {
        clearTimeout(timer);
        for (const queued of running.values()) this.#left(queued, false);
        waiting.push(...running.values());
        const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
        worker.postMessage({ kind: 'close' } satisfies ToWorker<Request>);
        const impatience = setTimeout(() => void worker.terminate(), 10_000);
        await exited;
        clearTimeout(impatience);
      }),
    );
    this.#allocations.clear();
    for (const { done, cancelled } of waiting) if (!cancelled()) done(closed);
  }

  #allocate(): Promise<void> {
    const { script, settings, folder } = this.#options.threads;
    // A library's own messages may hold document contents: what a thread prints goes nowhere.
    const worker = new Worker(script, { workerData: settings, stdout: true, stderr: true });
    worker.stdout.resume();
    worker.stderr.resume();
    const allocation: Allocation<Request, Output> = { worker, running: new Map(), timer: undefined, ready: false };
    this.#allocations.add(allocation);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker<Output>) => {
        if (message.kind === 'ready') {
          allocation.ready = true;
          resolve();
          this.#feed();
        } else if (message.kind === 'failed') {
          reject(
            new SluiceError(
              message.code as ErrorCode,
              message.message,
              message.place === undefined ? {} : { place: message.place },
            ),
          );
        } else if (message.kind === 'done' || message.kind === 'refused') this.#answer(allocation, message);
      });
      worker.on('error', (error) => reject(error));
      worker.on('exit', () => {
        this.#allocations.delete(allocation);
        reject(
          new SluiceError('SLUICE_MODEL_INVALID', 'the inference thread ended while the model was loading', {
            place: folder,
          }),
        );
        if (allocation.ready && !this.#closing) this.#replace(allocation);
      });
    });
  }

  /** A thread that ended unasked gives its requests back to the queue's head, and another one takes its place. */
  #replace({ running, timer }: Allocation<Request, Output>): void {
    clearTimeout(timer);
    this.#restarts += 1;
    this.#options.log.warn('an inference thread ended and is replaced', {
      model: this.#options.threads.id,
      requests: running.size,
    });
    for (const queued of [...running.values()].reverse()) {
      this.#left(queued, false);
      if (queued.cancelled()) continue;
      queued.attempts += 1;
      if (queued.attempts < MAX_ATTEMPTS) this.#queue.unshift(queued);
      else
        queued.done(
          new ProcessorError(
            'crash_suspect',
            `the inference thread ended ${MAX_ATTEMPTS} times while it ran this text`,
          ),
        );
    }
    this.#allocateAgain(FIRST_WAIT_MS);
  }

  /** Without threads the documents would wait for ever: what cannot be replaced now is tried again. */
  #allocateAgain(wait: number): void {
    this.#allocate().catch((error: unknown) => {
      if (this.#closing) return;
      this.#options.log.warn('an inference thread could not be replaced and is tried again', {
        model: this.#options.threads.id,
        error: messageOf(error),
      });
      this.#retry = setTimeout(() => this.#allocateAgain(Math.min(2 * wait, LAST_WAIT_MS)), wait);
    });
  }

  #answer(
    allocation: Allocation<Request, Output>,
    message: Extract<FromWorker<Output>, { kind: 'done' | 'refused' }>,
  ): void {
    const queued = allocation.running.get(message.id);
    allocation.running.delete(message.id);
    clearTimeout(allocation.timer);
    allocation.timer = undefined;
    if (queued !== undefined) this.#left(queued, true);
    this.#feedOne(allocation);
    if (queued === undefined || queued.cancelled()) return;
    if (message.kind === 'done') {
      this.#inferred += 1;
      const { tokens, batch, padding = 0 } = message.output;
      this.#tokens += tokens;
      this.#padding += padding;
      if (batch !== undefined) this.#batches.observe(batch);
      this.#latency.observe((performance.now() - queued.asked) / 1000);
      queued.done(undefined, message.output);
    } else queued.done(new ProcessorError(message.type, message.message));
  }

  #feed(): void {
    for (const allocation of this.#allocations) this.#feedOne(allocation);
  }

  #feedOne(allocation: Allocation<Request, Output>): void {
    if (!allocation.ready) return;
    while (allocation.running.size < this.#options.threads.prefetch && this.#queue.length > 0) {
      // A text that ended a thread before runs alone: then it is known whose fault it was.
      const next = this.#queue[0]!;
      if (next.attempts > 0 && allocation.running.size > 0) break;
      if (!this.#entered(next)) break;
      this.#queue.shift();
      allocation.running.set(next.id, next);
      const { id, request } = next;
      allocation.worker.postMessage({ kind: 'job', job: { ...request, id } } satisfies ToWorker<Request>);
      if (next.attempts > 0) break;
    }
    if (allocation.timer === undefined && allocation.running.size > 0) {
      allocation.timer = setTimeout(() => {
        this.#timeouts += 1;
        void allocation.worker.terminate();
      }, this.#options.timeout_ms);
    }
  }

  /** False while the journal wants it, or another text, to run alone. */
  #entered(queued: Queued<Request, Output>): boolean {
    if (queued.key === undefined) return true;
    queued.place = this.#options.crashes!.journal.enter(queued.key);
    return queued.place !== undefined;
  }

  #left(queued: Queued<Request, Output>, survived: boolean): void {
    const { key, place } = queued;
    if (key === undefined || place === undefined) return;
    queued.place = undefined;
    this.#options.crashes!.journal.leave(key, place, survived);
  }
}
