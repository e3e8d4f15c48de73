import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { DeploymentStats } from '../deployment.ts';

/** `adaptive_allocations`, in Elasticsearch's words. */
export interface AdaptiveOptions {
  readonly min_number_of_allocations: number;
  readonly max_number_of_allocations: number;
}

/** What is scaled. */
export interface Scalable {
  readonly stats: DeploymentStats;
  scale(number_of_allocations: number): Promise<void>;
  /** Calls `run` when a request comes. */
  onRequest(run: () => void): void;
}

export interface AdaptiveParts {
  /** The deployment's name in logs. */
  readonly id: string;
  readonly options: AdaptiveOptions;
  readonly deployment: Scalable;
  readonly clock: Clock;
  readonly log: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
}

/** Between two looks at the load, as in Elasticsearch. */
export const TICK_MS = 10_000;
/** After more allocations were wanted, fewer are for this long not. */
const SHRINK_AFTER_MS = 300_000;
/** Without a request for this long, a deployment that may have no allocations has none, as in Elasticsearch. */
export const ZERO_AFTER_MS = 24 * 3_600_000;
/** Share of their time that allocations may be at work before one more is wanted, and below which one less is enough. */
const BUSY = 0.9;
const IDLE = 0.85;
/** A backlog shall be worked off in this many seconds. */
const DRAIN_S = 10;
/** Weight of the newest look in the averages. */
const NEWEST = 0.5;

export interface Load {
  /** Requests a second. */
  readonly rate: number;
  /** Seconds of an allocation that one takes. */
  readonly seconds: number;
  readonly queued: number;
  readonly allocations: number;
}

/** As many allocations as the load wants, whatever the bounds are; fewer only where they stay well below their limit. */
export const wanted = ({ rate, seconds, queued, allocations }: Load): number => {
  const work = rate * seconds + (queued * seconds) / DRAIN_S;
  const grown = Math.max(1, Math.ceil(work / BUSY));
  if (grown >= allocations) return grown;
  return Math.max(1, Math.min(allocations, Math.ceil(work / IDLE)));
};

/** Gives a deployment as many allocations as its load wants, between two bounds. */
export class AdaptiveAllocations {
  readonly #parts: AdaptiveParts;
  #cancel: (() => void) | undefined;
  #asked: number;
  #answered: number;
  #busy: number;
  #at: number;
  #rate: number | undefined;
  #seconds: number | undefined;
  #lastRequest: number;
  #grewAt = Number.NEGATIVE_INFINITY;
  #changing = false;
  #stopped = false;

  constructor(parts: AdaptiveParts) {
    this.#parts = parts;
    const { clock, deployment } = parts;
    const { counters } = deployment.stats;
    this.#asked = counters.asked;
    this.#answered = counters.inference_count;
    this.#busy = counters.busy;
    this.#at = clock.monotonic();
    this.#lastRequest = this.#at;
    deployment.onRequest(() => this.#wake());
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #later(): void {
    this.#cancel = this.#parts.clock.after(TICK_MS, () => {
      this.#look();
      if (!this.#stopped) this.#later();
    });
  }

  /** The first request after a long silence does not wait for the next look. */
  #wake(): void {
    if (this.#stopped || this.#parts.deployment.stats.target_allocations > 0) return;
    this.#lastRequest = this.#parts.clock.monotonic();
    this.#scale(Math.max(1, this.#parts.options.min_number_of_allocations));
  }

  #look(): void {
    const { deployment, clock, options } = this.#parts;
    const { counters, queued, target_allocations } = deployment.stats;
    const now = clock.monotonic();
    const asked = counters.asked - this.#asked;
    const answered = counters.inference_count - this.#answered;
    const passed = (now - this.#at) / 1000;
    this.#rate = average(this.#rate, asked / passed);
    if (answered > 0) this.#seconds = average(this.#seconds, (counters.busy - this.#busy) / answered);
    if (asked > 0) this.#lastRequest = now;
    this.#asked = counters.asked;
    this.#answered = counters.inference_count;
    this.#busy = counters.busy;
    this.#at = now;
    const { min_number_of_allocations: min, max_number_of_allocations: max } = options;
    if (min === 0 && queued === 0 && now - this.#lastRequest >= ZERO_AFTER_MS) return this.#scale(0);
    if (target_allocations === 0) return;
    const load = { rate: this.#rate, seconds: this.#seconds ?? 0, queued, allocations: target_allocations };
    const next = Math.min(max, Math.max(min, 1, wanted(load)));
    if (next < target_allocations && target_allocations <= max && now - this.#grewAt < SHRINK_AFTER_MS) return;
    this.#scale(next);
  }

  #scale(next: number): void {
    const { deployment, clock, log, id } = this.#parts;
    const before = deployment.stats.target_allocations;
    if (this.#changing || next === before) return;
    if (next > before) this.#grewAt = clock.monotonic();
    this.#changing = true;
    log.info('the deployment follows its load', { deployment: id, number_of_allocations: next, before });
    deployment
      .scale(next)
      .catch((error: unknown) =>
        log.warn('the deployment could not follow its load and stays as it is', {
          deployment: id,
          error: messageOf(error),
        }),
      )
      .finally(() => {
        this.#changing = false;
      });
  }
}

const average = (before: number | undefined, newest: number): number =>
  before === undefined ? newest : before + NEWEST * (newest - before);
