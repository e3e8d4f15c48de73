import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../core/error-codes.ts';
import { SluiceError } from '../core/errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import type { Queued } from './text-request.ts';

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

export type Answer<Output> = Extract<FromWorker<Output>, { kind: 'done' | 'refused' | 'cancelled' }>;

export interface AllocationEvents<Request, Output> {
  /** It can infer. */
  ready(): void;
  /**
   * @param queued undefined where the request is none of its own any more
   * @param busy seconds that the thread was at work since the answer before
   */
  answered(queued: Queued<Request, Output> | undefined, answer: Answer<Output>, busy: number): void;
  /** A request took too long: the thread is ended for it. */
  timedOut(): void;
  ended(): void;
}

/** Until a thread that was told to end is ended. */
const CLOSE_MS = 10_000;

/** A thread with a session of its own, and the requests that it holds. */
export class Allocation<Request, Output> {
  readonly running = new Map<number, Queued<Request, Output>>();
  /** Resolves once it can infer. */
  readonly loaded: Promise<void>;
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  readonly #events: AllocationEvents<Request, Output>;
  #timer: NodeJS.Timeout | undefined;
  #loadedOnce = false;
  #retiring = false;
  #closed: Promise<void> | undefined;
  /** When the thread began with what it answers next. */
  #busySince = 0;

  /** @param timeoutMs how long a request may run */
  constructor(threads: EngineThreads, timeoutMs: number, events: AllocationEvents<Request, Output>) {
    this.#timeoutMs = timeoutMs;
    this.#events = events;
    // A library's own messages may hold document contents: what a thread prints goes nowhere.
    this.#worker = new Worker(threads.script, { workerData: threads.settings, stdout: true, stderr: true });
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.loaded = this.#load(threads.folder);
  }

  /** True once it has been able to infer. */
  get loadedOnce(): boolean {
    return this.#loadedOnce;
  }

  /** True where it takes no more requests. */
  get retiring(): boolean {
    return this.#retiring;
  }

  get ready(): boolean {
    return this.#loadedOnce && !this.#retiring;
  }

  run(queued: Queued<Request, Output>): void {
    const { id, request } = queued;
    if (this.running.size === 0) this.#busySince = performance.now();
    this.running.set(id, queued);
    this.#tell({ kind: 'job', job: { ...request, id } });
    this.#watch();
  }

  cancel(id: number): void {
    if (this.running.has(id)) this.#tell({ kind: 'cancel', id });
  }

  /** Answers what it holds, and ends. */
  retire(): void {
    this.#retiring = true;
    // One that still loads is told now and closes when it has.
    if (this.running.size === 0) void this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#tell({ kind: 'close' });
    const impatience = setTimeout(() => void this.#worker.terminate(), CLOSE_MS);
    await exited;
    clearTimeout(impatience);
  }

  #load(folder: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker<Output>) => {
        if (message.kind === 'ready') {
          this.#loadedOnce = true;
          resolve();
          this.#events.ready();
        } else if (message.kind === 'failed') {
          const { code, message: reason, place } = message;
          reject(new SluiceError(code as ErrorCode, reason, place === undefined ? {} : { place }));
        } else if (message.kind !== 'closed') this.#answered(message);
      });
      this.#worker.on('error', (error) => reject(error));
      this.#worker.on('exit', () => {
        clearTimeout(this.#timer);
        reject(
          new SluiceError('SLUICE_MODEL_INVALID', 'the inference thread ended while the model was loading', {
            place: folder,
          }),
        );
        this.#events.ended();
      });
    });
  }

  #answered(answer: Answer<Output>): void {
    const queued = this.running.get(answer.id);
    this.running.delete(answer.id);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = performance.now();
    const busy = (now - this.#busySince) / 1000;
    this.#busySince = now;
    this.#events.answered(queued, answer, busy);
    if (this.running.size > 0) this.#watch();
    else if (this.#retiring) void this.close();
  }

  #watch(): void {
    this.#timer ??= setTimeout(() => {
      this.#events.timedOut();
      void this.#worker.terminate();
    }, this.#timeoutMs);
  }

  #tell(message: ToWorker<Request>): void {
    this.#worker.postMessage(message);
  }
}
