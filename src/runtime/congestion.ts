import type { Clock } from '../core/clock.ts';
import type { WriteLimits } from '../core/contracts.ts';

/** Requests are cut down to this part of a batch at most, and never below one document. */
const SMALLEST = 1 / 64;
/** What an answer without complaint gives back of a whole batch. */
const GROWTH = 1 / 16;

/**
 * How much a destination takes at once: additive increase, multiplicative decrease (Chiu and Jain, 1989), as TCP does.
 * - a rejection (429, 502–504, a timeout) halves the requests in flight; where only one is left, its size;
 * - an answer that took longer than `target_latency` cuts the size by a quarter: large requests are what makes it slow;
 * - a request that was too large halves the size;
 * - every answer without complaint adds its share of one more request in flight, and a sixteenth of a whole batch.
 * Answers to requests that were sent before the last cut say nothing new.
 */
export class Congestion {
  readonly max_age_ms: number;
  readonly #limits: WriteLimits;
  readonly #clock: Clock;
  #concurrency: number;
  #size = 1;
  #lastCut = Number.NEGATIVE_INFINITY;

  constructor(limits: WriteLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#concurrency = limits.max_in_flight;
    this.max_age_ms = limits.max_age_ms;
  }

  /** Requests that may be in flight now. */
  get inFlight(): number {
    return Math.max(1, Math.floor(this.#concurrency));
  }

  get max_documents(): number {
    return Math.max(1, Math.floor(this.#limits.max_documents * this.#size));
  }

  get max_bytes(): number {
    return Math.max(1, Math.floor(this.#limits.max_bytes * this.#size));
  }

  /** The whole request was taken. @param sent when it was sent, on the monotonic clock */
  taken(sent: number): void {
    const { max_in_flight, target_latency_ms } = this.#limits;
    const now = this.#clock.monotonic();
    if (target_latency_ms !== undefined && now - sent > target_latency_ms) return this.#cut(sent, 1, 0.75);
    this.#concurrency = Math.min(max_in_flight, this.#concurrency + 1 / this.#concurrency);
    this.#size = Math.min(1, this.#size + GROWTH);
  }

  /** The destination has too much to do. */
  rejected(sent: number): void {
    if (this.#concurrency > 1) this.#cut(sent, 0.5, 1);
    else this.#cut(sent, 1, 0.5);
  }

  /** The request was too large. */
  tooLarge(sent: number): void {
    this.#cut(sent, 1, 0.5);
  }

  #cut(sent: number, concurrency: number, size: number): void {
    if (sent < this.#lastCut) return;
    this.#lastCut = this.#clock.monotonic();
    this.#concurrency = Math.max(1, this.#concurrency * concurrency);
    this.#size = Math.max(SMALLEST, this.#size * size);
  }
}
