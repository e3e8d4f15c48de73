import type { Clock } from '../core/clock.ts';
import { COUNTS, Histogram, SECONDS } from '../core/histogram.ts';
import { Minutes } from './minute.ts';
import type { CountedOutput } from './text-request.ts';

/** What a deployment did since it was started, in the terms of Elasticsearch's `_ml/trained_models/_stats`. */
export class DeploymentCounters {
  readonly started: number;
  inference_count = 0;
  /** Answers that were the text's or the options' fault. */
  errors = 0;
  tokens = 0;
  /** Requests that were refused because the queue was full. */
  rejected = 0;
  /** Requests that their caller gave up because their time was up. */
  expired = 0;
  padding = 0;
  /** Seconds that allocations were at work for the texts of `inference_count`. */
  busy = 0;
  /** Requests that came, answered or not. */
  asked = 0;
  last_access: number | undefined;
  /** Seconds from the call to the answer. */
  readonly latency = new Histogram(SECONDS);
  /** Texts, or windows of them, that ran together; 0 where the engine does not say. */
  readonly batches = new Histogram(COUNTS);
  readonly minutes: Minutes;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.started = clock.now();
    this.minutes = new Minutes(clock);
  }

  arrived(): void {
    this.asked += 1;
    this.last_access = this.#clock.now();
  }

  /** @param seconds from the call to the answer @param busy seconds of an allocation's work */
  answered({ tokens, batch, padding = 0 }: CountedOutput, seconds: number, busy: number): void {
    this.inference_count += 1;
    this.tokens += tokens;
    this.padding += padding;
    this.busy += busy;
    if (batch !== undefined) this.batches.observe(batch);
    this.latency.observe(seconds);
    this.minutes.add(busy);
  }
}
