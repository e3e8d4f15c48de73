import { messageOf } from '../core/errors.ts';
import { Allocation, type AllocationEvents, type EngineThreads } from './allocation.ts';
import type { Queued } from './text-request.ts';

/** Between two tries to replace a thread. */
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

export interface AllocationsOptions {
  readonly threads: EngineThreads;
  /** Worker threads, each with its own session. */
  readonly number_of_allocations: number;
  /** Milliseconds a request may run in a worker before the worker is replaced and the request sent again. */
  readonly timeout_ms: number;
  readonly log: { warn(message: string, fields?: object): void };
}

export interface AllocationsEvents<Request, Output> {
  /** One more can infer. */
  ready(): void;
  answered(
    allocation: Allocation<Request, Output>,
    ...answer: Parameters<AllocationEvents<Request, Output>['answered']>
  ): void;
  /** A thread ended unasked: what it ran. Another one takes its place. */
  lost(requests: readonly Queued<Request, Output>[]): void;
}

export interface AllocationsStats {
  /** Those that can infer. */
  readonly allocations: number;
  /** Those that there shall be. */
  readonly target_allocations: number;
  readonly running: number;
  readonly restarts: number;
  /** Threads that were ended because a request took too long. */
  readonly timeouts: number;
}

/** As many threads as are asked for, which may change: one that ends is replaced. */
export class Allocations<Request, Output> {
  readonly #options: AllocationsOptions;
  readonly #events: AllocationsEvents<Request, Output>;
  readonly #all = new Set<Allocation<Request, Output>>();
  #target = 0;
  #restarts = 0;
  #timeouts = 0;
  #closing = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: AllocationsOptions, events: AllocationsEvents<Request, Output>) {
    this.#options = options;
    this.#events = events;
  }

  /** Resolves once every one of them can infer. */
  start(): Promise<void> {
    return this.scale(this.#options.number_of_allocations);
  }

  /**
   * Resolves once `count` of them can infer. Those that are too many finish what they hold, and end. Not to be called
   * again before it has settled.
   * @throws what loading the model throws; then there are as many as before
   */
  async scale(count: number): Promise<void> {
    const before = this.#target;
    this.#target = count;
    try {
      await this.#fill();
    } catch (error) {
      this.#target = before;
      this.#retireSpare();
      throw error;
    }
    this.#retireSpare();
  }

  [Symbol.iterator](): IterableIterator<Allocation<Request, Output>> {
    return this.#all.values();
  }

  get stats(): AllocationsStats {
    let running = 0;
    let ready = 0;
    for (const allocation of this.#all) {
      running += allocation.running.size;
      if (allocation.ready) ready += 1;
    }
    return {
      allocations: ready,
      target_allocations: this.#target,
      running,
      restarts: this.#restarts,
      timeouts: this.#timeouts,
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    await Promise.all([...this.#all].map((allocation) => allocation.close()));
    this.#all.clear();
  }

  /** Those that stay, loading ones included. */
  get #staying(): Allocation<Request, Output>[] {
    return [...this.#all].filter(({ retiring }) => !retiring);
  }

  async #fill(): Promise<void> {
    const missing = Math.max(0, this.#target - this.#staying.length);
    await Promise.all(Array.from({ length: missing }, () => this.#allocate()));
  }

  /** Those with the least to do go first. */
  #retireSpare(): void {
    const staying = this.#staying.sort((a, b) => a.running.size - b.running.size);
    for (const allocation of staying.slice(0, Math.max(0, staying.length - this.#target))) allocation.retire();
  }

  #allocate(): Promise<void> {
    const { threads, timeout_ms } = this.#options;
    const allocation: Allocation<Request, Output> = new Allocation(threads, timeout_ms, {
      ready: () => this.#events.ready(),
      answered: (...answer) => this.#events.answered(allocation, ...answer),
      timedOut: () => {
        this.#timeouts += 1;
      },
      ended: () => {
        this.#all.delete(allocation);
        if (allocation.loadedOnce && !this.#closing) this.#ended(allocation);
      },
    });
    this.#all.add(allocation);
    return allocation.loaded;
  }

  #ended({ retiring, running }: Allocation<Request, Output>): void {
    if (retiring && running.size === 0) return;
    this.#restarts += 1;
    this.#options.log.warn('an inference thread ended and is replaced', {
      model: this.#options.threads.id,
      requests: running.size,
    });
    this.#events.lost([...running.values()]);
    this.#refill(FIRST_WAIT_MS);
  }

  /** Without threads the documents would wait for ever: what cannot be replaced now is tried again. */
  #refill(wait: number): void {
    this.#fill().catch((error: unknown) => {
      if (this.#closing) return;
      this.#options.log.warn('an inference thread could not be replaced and is tried again', {
        model: this.#options.threads.id,
        error: messageOf(error),
      });
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#refill(Math.min(2 * wait, LAST_WAIT_MS)), wait);
    });
  }
}
