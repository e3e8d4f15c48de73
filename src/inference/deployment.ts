import { ProcessorError, SluiceError } from '../core/errors.ts';
import { COUNTS, Histogram, SECONDS } from '../core/histogram.ts';
import type { Allocation, Answer } from './allocation.ts';
import { Allocations, type AllocationsOptions } from './allocations.ts';
import { type Crashes, RequestQueue } from './request-queue.ts';
import type { CountedOutput, DoneWith, Queued, TextRequest } from './text-request.ts';

export interface DeploymentOptions extends AllocationsOptions {
  /** Requests that may wait; `infer` refuses more, and says so. */
  readonly queue_capacity: number;
  readonly crashes?: Crashes | undefined;
}

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

/** A worker that dies this often with the same request is not started for it again. */
const MAX_ATTEMPTS = 3;

/** A model, running: `number_of_allocations` worker threads behind one queue. */
export class Deployment<Request extends TextRequest, Output extends CountedOutput> {
  readonly #options: DeploymentOptions;
  readonly #queue: RequestQueue<Request, Output>;
  readonly #allocations: Allocations<Request, Output>;
  #nextId = 1;
  #closing = false;
  #inferred = 0;
  #tokens = 0;
  #rejected = 0;
  #padding = 0;
  readonly #latency = new Histogram(SECONDS);
  readonly #batches = new Histogram(COUNTS);
  readonly #forgetRoom: (() => void) | undefined;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#queue = new RequestQueue(options.crashes);
    this.#allocations = new Allocations(options, {
      ready: () => this.#feed(),
      answered: (allocation, queued, answer) => this.#answer(allocation, queued, answer),
      lost: (requests) => this.#lost(requests),
    });
    this.#forgetRoom = options.crashes?.journal.onRoom(() => this.#feed());
  }

  /** Resolves once every allocation can infer. */
  async start(): Promise<void> {
    try {
      await this.#allocations.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get full(): boolean {
    return this.#queue.length >= this.#options.queue_capacity;
  }

  get stats(): DeploymentStats {
    return {
      ...this.#allocations.stats,
      inference_count: this.#inferred,
      tokens: this.#tokens,
      rejected: this.#rejected,
      latency: this.#latency,
      batches: this.#batches,
      padding: this.#padding,
      queued: this.#queue.length,
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
    const key = this.#queue.keyOf(request);
    const refusal = this.#queue.refusal(key);
    if (refusal !== undefined) {
      done(refusal);
      return () => {};
    }
    if (this.#queue.runsAlone(key))
      this.#options.log.warn('a text with which the process died before runs with nothing beside it', {
        model: this.#options.threads.id,
      });
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
    this.#queue.push(queued);
    this.#feed();
    return () => {
      cancelled = true;
      this.#queue.withdraw(queued);
      for (const allocation of this.#allocations) allocation.cancel(queued.id);
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#forgetRoom?.();
    const unanswered = this.#queue.withdrawAll();
    for (const { running } of this.#allocations) {
      for (const queued of running.values()) this.#queue.left(queued, false);
      unanswered.push(...running.values());
    }
    await this.#allocations.close();
    const closed = new SluiceError('SLUICE_INFERENCE_CLOSED', 'the deployment is stopping');
    for (const { done, cancelled } of unanswered) if (!cancelled()) done(closed);
  }

  /** What a thread that ended unasked ran goes back to the queue's head, up to a point. */
  #lost(requests: readonly Queued<Request, Output>[]): void {
    for (const queued of [...requests].reverse()) {
      this.#queue.left(queued, false);
      if (queued.cancelled()) continue;
      queued.attempts += 1;
      if (queued.attempts < MAX_ATTEMPTS) this.#queue.giveBack(queued);
      else
        queued.done(
          new ProcessorError(
            'crash_suspect',
            `the inference thread ended ${MAX_ATTEMPTS} times while it ran this text`,
          ),
        );
    }
  }

  #answer(
    allocation: Allocation<Request, Output>,
    queued: Queued<Request, Output> | undefined,
    answer: Answer<Output>,
  ): void {
    if (queued !== undefined) this.#queue.left(queued, true);
    this.#feedOne(allocation);
    if (queued === undefined || queued.cancelled()) return;
    if (answer.kind === 'done') {
      this.#inferred += 1;
      const { tokens, batch, padding = 0 } = answer.output;
      this.#tokens += tokens;
      this.#padding += padding;
      if (batch !== undefined) this.#batches.observe(batch);
      this.#latency.observe((performance.now() - queued.asked) / 1000);
      queued.done(undefined, answer.output);
    } else queued.done(new ProcessorError(answer.type, answer.message));
  }

  #feed(): void {
    for (const allocation of this.#allocations) this.#feedOne(allocation);
  }

  #feedOne(allocation: Allocation<Request, Output>): void {
    const { ready, running } = allocation;
    if (!ready) return;
    while (running.size < this.#options.threads.prefetch) {
      const next = this.#queue.take(running.size);
      if (next === undefined) return;
      allocation.run(next);
      if (next.attempts > 0) return;
    }
  }
}
