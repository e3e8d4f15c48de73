import { type BackoffOptions, backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink } from '../core/contracts.ts';

/** Requests that fail one after another before a destination counts as down. */
const FAILURES = 5;

export interface BreakerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly backoff?: BackoffOptions;
}

/**
 * Circuit breaker of one destination, shared by all that write to it: when it does not answer, one request at a time
 * asks whether it does again, with growing pauses, and the others wait for the answer.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #state: 'closed' | 'open' | 'half_open' = 'closed';
  #failures = 0;
  #openings = 0;
  /** The half-open probe is under way. */
  #probing = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): 'closed' | 'open' | 'half_open' {
    return this.#state;
  }

  /** Undefined where a request may be sent at once; otherwise resolves when it may, or rejects with the signal's reason. */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (this.#state === 'closed') return undefined;
    if (this.#state === 'half_open' && !this.#probing) {
      this.#probing = true;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const pass = () => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = () => {
        this.#waiting.delete(pass);
        reject(signal.reason);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.add(pass);
    });
  }

  /** The destination answered, whatever it said. */
  answered(): void {
    this.#failures = 0;
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#openings = 0;
    this.#probing = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const pass of waiting) pass();
  }

  /** The destination did not answer, or only said that it cannot. */
  failed(): void {
    this.#failures += 1;
    // While it is open, late failures of earlier requests say nothing new.
    if (this.#state === 'half_open' ? this.#probing : this.#state === 'closed' && this.#failures >= FAILURES)
      this.#open();
  }

  /** The request was given up: nobody knows what would have come. */
  abandoned(): void {
    if (this.#state !== 'half_open' || !this.#probing) return;
    this.#probing = false;
    this.#probe();
  }

  #open(): void {
    const { clock, random } = this.#options;
    this.#state = 'open';
    this.#probing = false;
    this.#openings += 1;
    clock.after(backoff(this.#openings, random, this.#options.backoff), () => {
      if (this.#state !== 'open') return;
      this.#state = 'half_open';
      this.#probe();
    });
  }

  #probe(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#waiting.delete(first);
    this.#probing = true;
    first();
  }
}

/** One breaker for each destination of a process. */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #known = new Map<string, Breaker>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  of({ destination }: Pick<Sink, 'destination'>): Breaker {
    const known = destination === undefined ? undefined : this.#known.get(destination);
    if (known !== undefined) return known;
    const breaker = new Breaker(this.#options);
    if (destination !== undefined) this.#known.set(destination, breaker);
    return breaker;
  }
}
