import type { Outcome } from '../core/contracts.ts';

/** What happened in a stream since it started. Plain numbers: whoever shows them decides how. */
export class StreamCounters {
  documents_read = 0;
  bytes_read = 0;
  readonly settled: Record<Outcome, number> = { delivered: 0, duplicate: 0, filtered: 0, dead_lettered: 0 };
  readonly retries: Record<string, number> = Object.create(null) as Record<string, number>;
  /** Milliseconds from arrival to settlement, summed over all settled documents. */
  latency_ms_sum = 0;

  read(bytes: number): void {
    this.documents_read += 1;
    this.bytes_read += bytes;
  }

  settle(outcome: Outcome, latencyMs: number): void {
    this.settled[outcome] += 1;
    this.latency_ms_sum += latencyMs;
  }

  retry(count: number, type: string): void {
    this.retries[type] = (this.retries[type] ?? 0) + count;
  }

  get settledTotal(): number {
    const { delivered, duplicate, filtered, dead_lettered } = this.settled;
    return delivered + duplicate + filtered + dead_lettered;
  }
}
