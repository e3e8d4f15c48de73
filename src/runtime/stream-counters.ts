import type { Outcome } from '../core/contracts.ts';
import { COUNTS, Histogram, SECONDS } from '../core/histogram.ts';

/** What happened in a stream since it started. Plain numbers: whoever shows them decides how. */
export class StreamCounters {
  documents_read = 0;
  bytes_read = 0;
  readonly settled: Record<Outcome, number> = { delivered: 0, duplicate: 0, filtered: 0, dead_lettered: 0 };
  readonly retries: Record<string, number> = Object.create(null) as Record<string, number>;
  /** Seconds from arrival to settlement. */
  readonly latency = new Histogram(SECONDS);
  /** Requests to the destination: how long they took, and how many documents were in them. */
  readonly requests = new Histogram(SECONDS);
  readonly batches = new Histogram(COUNTS);
  #firstArrival: number | undefined;
  #lastSettlement = 0;

  /** @param now milliseconds on the monotonic clock */
  read(bytes: number, now: number): void {
    this.documents_read += 1;
    this.bytes_read += bytes;
    this.#firstArrival ??= now;
  }

  settle(outcome: Outcome, arrived: number, now: number): void {
    this.settled[outcome] += 1;
    this.latency.observe((now - arrived) / 1000);
    this.#lastSettlement = now;
  }

  /** Seconds from the first arrival to the last settlement. */
  get active_seconds(): number {
    return this.#firstArrival === undefined ? 0 : Math.max(0, this.#lastSettlement - this.#firstArrival) / 1000;
  }

  request(documents: number, ms: number): void {
    this.requests.observe(ms / 1000);
    this.batches.observe(documents);
  }

  retry(count: number, type: string): void {
    this.retries[type] = (this.retries[type] ?? 0) + count;
  }

  get settledTotal(): number {
    const { delivered, duplicate, filtered, dead_lettered } = this.settled;
    return delivered + duplicate + filtered + dead_lettered;
  }
}
