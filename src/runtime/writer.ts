import PQueue from 'p-queue';
import { type BackoffOptions, backoff } from '../core/backoff.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { type ItemResult, RequestError, type Sink, type WriteFault, type WriteItem } from '../core/contracts.ts';
import type { RequestTrace } from '../core/tracing.ts';
import { Batcher } from './batcher.ts';
import type { Breaker } from './breaker.ts';
import { Congestion } from './congestion.ts';
import { Lanes } from './lanes.ts';

/** One write: an item and whom to tell. */
export interface Write {
  readonly item: WriteItem;
  readonly bytes: number;
  /** True when the write is no longer wanted: its partition belongs to another member. */
  readonly cancelled: boolean;
}

export interface WriterEvents<W extends Write> {
  delivered(write: W, duplicate: boolean): void;
  /** The document's own fault. */
  refused(write: W, fault: WriteFault): void;
  cancelled(write: W): void;
  /** The destination takes nothing, or does not answer; undefined once it takes writes again. */
  blocked(fault: WriteFault | undefined): void;
  retried(count: number, fault: WriteFault): void;
  /** Batches were taken up: there is room for more documents. */
  roomy?(): void;
  /** A request was answered, or failed. */
  requested?(documents: number, ms: number): void;
  /** A fault of sluice itself: the stream cannot go on. */
  broken(error: unknown): void;
}

export interface WriterOptions<W extends Write> {
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly events: WriterEvents<W>;
  /** False while nothing may be written. */
  readonly holds?: (() => boolean) | undefined;
  /** Shared with all that write to the same servers. */
  readonly breaker: Breaker;
  readonly backoff?: BackoffOptions;
  /** A request begins. */
  readonly trace?: ((batch: readonly W[]) => RequestTrace | undefined) | undefined;
}

/**
 * Writes through a sink: batches, several in flight, one per key, every item followed until it is delivered, refused
 * or cancelled. A batch keeps its place among the requests in flight while it backs off, so trouble slows the whole
 * stream down instead of piling up behind it.
 */
export class Writer<W extends Write> {
  readonly #options: WriterOptions<W>;
  readonly #queue: PQueue;
  readonly #lanes = new Lanes<W>();
  readonly #batcher: Batcher<W>;
  readonly #congestion: Congestion;
  #blocked = false;

  constructor(options: WriterOptions<W>) {
    this.#options = options;
    const { limits } = options.sink;
    this.#congestion = new Congestion(limits, options.clock);
    this.#queue = new PQueue({ concurrency: limits.max_in_flight });
    this.#batcher = new Batcher(this.#congestion, options.clock, (batch) => this.#enqueue(batch));
  }

  add(write: W): void {
    const { key } = write.item;
    if (key === undefined || this.#lanes.enter(key, write)) this.#batcher.add(write);
  }

  /** Sends what is gathered now, without waiting for more. */
  flush(): void {
    this.#batcher.flush();
  }

  /** False while so many batches wait for their turn that more documents would only grow old here. */
  get roomy(): boolean {
    return this.#queue.size < BATCHES_AHEAD;
  }

  /** How much the destination is given at once, as it follows from what it took. */
  get congestion(): Congestion {
    return this.#congestion;
  }

  get breaker(): Breaker {
    return this.#options.breaker;
  }

  #enqueue(batch: W[]): void {
    this.#queue
      .add(() => {
        this.#options.events.roomy?.();
        return this.#write(batch);
      })
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted) this.#options.events.broken(error);
      });
  }

  async #write(first: W[]): Promise<void> {
    const { clock, random, signal, breaker } = this.#options;
    let batch = first;
    let attempt = 0;
    while (batch.length > 0) {
      batch = batch.filter(
        (write) => !write.cancelled || this.#end(write, (ended) => this.#options.events.cancelled(ended)),
      );
      if (batch.length === 0) break;
      signal.throwIfAborted();
      if (!this.#holds) {
        await sleep(clock, HOLD_MS, signal);
        continue;
      }
      const waiting = breaker.enter(signal);
      if (waiting !== undefined) {
        await waiting;
        // Much may have changed meanwhile: what is cancelled by now must not be sent.
        if (!this.#holds || batch.some(({ cancelled }) => cancelled)) {
          breaker.abandoned();
          continue;
        }
      }
      // Cut before the destination asked for less: the rest follows in requests of its own.
      const part = batch.slice(0, this.#congestion.max_documents);
      const { left, waits } = await this.#attempt(part);
      batch = part.length === batch.length ? left : [...left, ...batch.slice(part.length)];
      this.#queue.concurrency = this.#congestion.inFlight;
      if (!waits) attempt = 0;
      else if (breaker.state === 'closed')
        await sleep(clock, backoff(++attempt, random, this.#options.backoff), signal);
    }
  }

  get #holds(): boolean {
    return this.#options.holds?.() ?? true;
  }

  /** Sends a batch once; answers with the writes that have to be sent again. */
  async #attempt(batch: W[]): Promise<{ left: W[]; waits: boolean }> {
    const { sink, signal, events, clock, breaker } = this.#options;
    const sent = clock.monotonic();
    const trace = this.#options.trace?.(batch);
    let results: readonly ItemResult[];
    try {
      if (sink.look !== undefined) {
        await sink.look(
          batch.map((write) => write.item),
          signal,
        );
        // A process that was stopped meanwhile asks anew what it may write.
        if (!this.#holds || batch.some(({ cancelled }) => cancelled)) {
          trace?.end(undefined);
          breaker.answered();
          return { left: batch, waits: false };
        }
      }
      results = await sink.write(
        batch.map((write) => write.item),
        signal,
        trace?.traceparent,
      );
      trace?.end(undefined);
    } catch (error) {
      trace?.end(error);
      if (error instanceof RequestError) {
        events.requested?.(batch.length, clock.monotonic() - sent);
        return this.#requestFailed(batch, error, sent);
      }
      breaker.abandoned();
      throw error;
    }
    if (results.length !== batch.length)
      throw new Error(`the sink answered ${results.length} results for ${batch.length} documents`);
    events.requested?.(batch.length, clock.monotonic() - sent);
    breaker.answered();
    const left: W[] = [];
    let reason: WriteFault | undefined;
    let destination: WriteFault | undefined;
    let overloaded = false;
    results.forEach((result, index) => {
      const write = batch[index]!;
      if (result.outcome === 'delivered') this.#end(write, () => events.delivered(write, result.duplicate === true));
      else if (result.outcome === 'document') this.#end(write, () => events.refused(write, result.fault));
      else {
        left.push(write);
        reason = result.fault;
        if (result.outcome === 'destination') destination = result.fault;
        else if (isOverload(result.fault)) overloaded = true;
      }
    });
    if (overloaded) this.#congestion.rejected(sent);
    else if (destination === undefined) this.#congestion.taken(sent);
    if (destination !== undefined) this.#block(destination);
    else this.#pass();
    if (reason !== undefined) events.retried(left.length, reason);
    return { left, waits: left.length > 0 };
  }

  async #requestFailed(batch: W[], error: RequestError, sent: number): Promise<{ left: W[]; waits: boolean }> {
    const { events, breaker } = this.#options;
    const { kind, fault } = error;
    if (kind !== 'split') {
      if (isOverload(fault)) this.#congestion.rejected(sent);
      // A destination that asks for a pause, or says what is wrong, answers.
      if (kind === 'retry' && fault.status !== 429) breaker.failed();
      else breaker.answered();
      if (fault.status !== 429) this.#block(fault);
      events.retried(batch.length, fault);
      return { left: batch, waits: true };
    }
    breaker.answered();
    if (fault.status === 413) this.#congestion.tooLarge(sent);
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      this.#end(only, () => events.refused(only, fault));
      return { left: [], waits: false };
    }
    const middle = batch.length >> 1;
    await this.#write(batch.slice(0, middle));
    return { left: batch.slice(middle), waits: false };
  }

  /** Ends a write and lets the next one of its key go. */
  #end(write: W, tell: (write: W) => void): false {
    const { key } = write.item;
    const next = key === undefined ? undefined : this.#lanes.leave(key);
    tell(write);
    if (next !== undefined) this.#batcher.add(next);
    return false;
  }

  #block(fault: WriteFault): void {
    this.#blocked = true;
    this.#options.events.blocked(fault);
  }

  #pass(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#options.events.blocked(undefined);
  }
}

/** Enough that several requests may end at once and find the next ones ready. */
const BATCHES_AHEAD = 4;
/** Between two looks whether writing is allowed again. */
const HOLD_MS = 100;

/** Too much to do, as opposed to broken. */
const isOverload = ({ type, status }: WriteFault): boolean =>
  status === 429 || status === 502 || status === 503 || status === 504 || type === 'timeout';
