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

/** As many threads as are asked for: one that ends is replaced. */
export class Allocations<Request, Output> {
  readonly #options: AllocationsOptions;
  readonly #events: AllocationsEvents<Request, Output>;
  readonly #all = new Set<Allocation<Request, Output>>();
  #restarts = 0;
  #timeouts = 0;
  #closing = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: AllocationsOptions, events: AllocationsEvents<Request, Output>) {
    this.#options = options;
    this.#events = events;
  }

  /** Resolves once every one of them can infer. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.number_of_allocations }, () => this.#allocate()));
  }

  [Symbol.iterator](): IterableIterator<Allocation<Request, Output>> {
    return this.#all.values();
  }

  get stats(): { readonly allocations: number; readonly running: number; restarts: number; readonly timeouts: number } {
    let running = 0;
    for (const allocation of this.#all) running += allocation.running.size;
    return { allocations: this.#all.size, running, restarts: this.#restarts, timeouts: this.#timeouts };
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    await Promise.all([...this.#all].map((allocation) => allocation.close()));
    this.#all.clear();
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
        if (allocation.ready && !this.#closing) this.#replace([...allocation.running.values()]);
      },
    });
    this.#all.add(allocation);
    return allocation.loaded;
  }

  #replace(requests: readonly Queued<Request, Output>[]): void {
    this.#restarts += 1;
    this.#options.log.warn('an inference thread ended and is replaced', {
      model: this.#options.threads.id,
      requests: requests.length,
    });
    this.#events.lost(requests);
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
}
