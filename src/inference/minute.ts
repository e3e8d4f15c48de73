import type { Clock } from '../core/clock.ts';

const MINUTE_MS = 60_000;

/** What was counted in the last whole minute, and the most that a minute has seen; the minutes are those of one clock. */
export class Minutes {
  readonly #clock: Clock;
  #minute: number;
  #count = 0;
  #sum = 0;
  #last = { count: 0, sum: 0 };
  #peak = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#minute = this.#now();
  }

  /** @param value is summed up beside the count, e.g. the seconds it took */
  add(value = 0): void {
    this.#turn();
    this.#count += 1;
    this.#sum += value;
  }

  get last(): { readonly count: number; readonly sum: number } {
    this.#turn();
    return this.#last;
  }

  /** The largest count of a whole minute. */
  get peak(): number {
    this.#turn();
    return this.#peak;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / MINUTE_MS);
  }

  #turn(): void {
    const now = this.#now();
    if (now === this.#minute) return;
    this.#peak = Math.max(this.#peak, this.#count);
    this.#last = now === this.#minute + 1 ? { count: this.#count, sum: this.#sum } : { count: 0, sum: 0 };
    this.#minute = now;
    this.#count = 0;
    this.#sum = 0;
  }
}
