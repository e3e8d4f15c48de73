import type { ByteBudget } from '../core/byte-budget.ts';
import type { Clock } from '../core/clock.ts';
import type { Codec, Sink, Source } from '../core/contracts.ts';
import type { Tracing } from '../core/tracing.ts';
import type { Breakers } from './breaker.ts';
import type { PipelineRunner } from './intake.ts';

export interface StreamOptions {
  readonly name: string;
  readonly source: Source;
  readonly codec: Codec;
  readonly pipeline: PipelineRunner;
  readonly sink: Sink;
  readonly deadLetter: Sink | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: StreamLimits;
  readonly tombstones: 'delete' | 'ignore' | 'dead_letter';
  /** True where two documents may have the same `_id`: they then leave the pipeline in source order. */
  readonly ordered: boolean;
  /** True where the source has an end: stopped before it, a file is not finished. */
  readonly finite: boolean;
  /** What all streams of the process may hold together; absent where this is the only one. */
  readonly processBudget?: ByteBudget | undefined;
  readonly breakers: Breakers;
  readonly log: StreamLog;
  readonly tracing?: Tracing | undefined;
}

export interface StreamLimits {
  readonly in_flight_bytes: number;
  readonly commit_interval_ms: number;
  /** Share of the last 1,000 documents that may be dead letters. */
  readonly dead_letter_ratio: number;
  /** How long a graceful stop waits for documents in flight. */
  readonly shutdown_timeout_ms: number;
}

/** Never gets document contents. */
export interface StreamLog {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}
