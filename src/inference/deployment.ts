import { type Clock, systemClock } from '../core/clock.ts';
import { ProcessorError, SluiceError } from '../core/errors.ts';
import type { Allocation, Answer } from './allocation.ts';
import { Allocations, type AllocationsOptions, type AllocationsStats } from './allocations.ts';
import { DeploymentCounters } from './deployment-counters.ts';
import { type Crashes, RequestQueue } from './request-queue.ts';
import type { CountedOutput, DoneWith, Queued, TextRequest } from './text-request.ts';

export interface DeploymentOptions extends AllocationsOptions {
  /** Requests that may wait; `infer` refuses more, and says so. */
  readonly queue_capacity: number;
  readonly crashes?: Crashes | undefined;
  readonly clock?: Clock | undefined;
}

export interface DeploymentStats extends AllocationsStats {
  readonly counters: DeploymentCounters;
  readonly queue_capacity: number;
  readonly queued: number;
}

/** A worker that dies this often with the same request is not started for it again. */
const MAX_ATTEMPTS = 3;

/** A model, running: `number_of_allocations` worker threads behind one queue. */
export class Deployment<Request extends TextRequest, Output extends CountedOutput> {
  readonly #options: DeploymentOptions;
  readonly #queue: RequestQueue<Request, Output>;
  readonly #allocations: Allocations<Request, Output>;
  readonly counters: DeploymentCounters;
  #capacity: number;
  #nextId = 1;
  #closing = false;
  #scaling: Promise<void> = Promise.resolve();
  #heard: (() => void) | undefined;
  readonly #ready = Promise.withResolvers<void>();
  readonly #drained: (() => void)[] = [];
  readonly #forgetRoom: (() => void) | undefined;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#capacity = options.queue_capacity;
    this.counters = new DeploymentCounters(options.clock ?? systemClock);
    this.#queue = new RequestQueue(options.crashes);
    this.#allocations = new Allocations(options, {
      ready: () => {
        this.#ready.resolve();
        this.#feed();
      },
      answered: (allocation, queued, answer, busy) => this.#answer(allocation, queued, answer, busy),
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

  /** Resolves once one allocation can infer. */
  get firstReady(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves once nothing waits and nothing runs. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#tellDrained();
    });
  }

  #tellDrained(): void {
    if (this.#drained.length === 0 || this.#queue.length > 0 || this.#allocations.stats.running > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /**
   * Resolves once as many allocations can infer; no request is lost by it, and changes follow each other.
   * @throws what loading the model throws; then there are as many as before
   */
  scale(number_of_allocations: number): Promise<void> {
    const scaled = this.#scaling.then(async () => {
      if (!this.#closing) await this.#allocations.scale(number_of_allocations);
    });
    this.#scaling = scaled.catch(() => {});
    return scaled;
  }

  /** Calls `run` for each request that is taken in; one listener, the last. */
  onRequest(run: () => void): void {
    this.#heard = run;
  }

  get queue_capacity(): number {
    return this.#capacity;
  }

  /** Requests that wait already are not refused where there is less room now. */
  set queue_capacity(requests: number) {
    this.#capacity = requests;
  }

  get full(): boolean {
    return this.room === 0;
  }

  /** Requests that it would take now. */
  get room(): number {
    return Math.max(0, this.#capacity - this.#queue.length);
  }

  get stats(): DeploymentStats {
    return {
      ...this.#allocations.stats,
      counters: this.counters,
      queue_capacity: this.#capacity,
      queued: this.#queue.length,
    };
  }

  /**
   * Queues a text. `done` is called exactly once unless the answer, which cancels, was called first.
   * @throws SluiceError SLUICE_INFERENCE_CLOSED, SLUICE_INFERENCE_QUEUE_FULL
   */
  infer(request: Request, done: DoneWith<Output>): () => void {
    if (this.#closing) throw new SluiceError('SLUICE_INFERENCE_CLOSED', 'the deployment is stopping');
    this.counters.arrived();
    if (this.full) {
      this.counters.rejected += 1;
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
    this.#heard?.();
    this.#feed();
    return () => {
      cancelled = true;
      this.#queue.withdraw(queued);
      for (const allocation of this.#allocations) allocation.cancel(queued.id);
      this.#tellDrained();
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
    for (const resolve of this.#drained.splice(0)) resolve();
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
    busy: number,
  ): void {
    if (queued !== undefined) this.#queue.left(queued, true);
    this.#feedOne(allocation);
    if (queued !== undefined && !queued.cancelled()) this.#tell(queued, answer, busy);
    this.#tellDrained();
  }

  #tell(queued: Queued<Request, Output>, answer: Answer<Output>, busy: number): void {
    if (answer.kind === 'cancelled') return;
    if (answer.kind === 'done') {
      this.counters.answered(answer.output, (performance.now() - queued.asked) / 1000, busy);
      queued.done(undefined, answer.output);
    } else {
      this.counters.errors += 1;
      queued.done(new ProcessorError(answer.type, answer.message));
    }
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
