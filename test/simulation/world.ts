import { createHash } from 'node:crypto';
import type { Clock } from '../../src/core/clock.ts';

/** Everything random comes from here: one seed, one history. (mulberry32) */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Turns of the promise queue after which every chain of the engine has come to rest; a turn of the event loop costs ten times as much. */
const TURNS = 40;

const BEGIN = 1_700_000_000_000;

/** Time that passes only when every promise has had its turn. */
export class SimulatedClock implements Clock {
  #now = BEGIN;
  /** Of the wall clock, in front of the time that has passed. */
  #ahead = 0;
  #order = 0;
  /** Binary heap by time, then by order of creation. */
  readonly #heap: Event[] = [];
  readonly #cancelled = new Set<number>();

  now(): number {
    return Math.floor(this.#now + this.#ahead);
  }
  monotonic(): number {
    return this.#now;
  }
  /** Sets the wall clock, as an administrator or NTP does; no time passes. */
  jump(ms: number): void {
    this.#ahead += ms;
  }
  /** Milliseconds since the world began. */
  get passed(): number {
    return this.#now - BEGIN;
  }
  after(ms: number, run: () => void): () => void {
    const event = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#push(event);
    return () => void this.#cancelled.add(event.order);
  }
  soon(run: () => void): void {
    this.after(0, run);
  }

  /** Runs until `until` holds or nothing is left to happen. @throws when more than `limit` events pass */
  async run(until: () => boolean, limit: number): Promise<void> {
    for (let events = 0; events < limit; events += 1) {
      for (let turn = 0; turn < TURNS; turn += 1) await undefined;
      if (until()) return;
      const next = this.#pop();
      if (next === undefined) throw new Error('nothing is left to happen, and the end is not reached');
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    throw new Error(`no end after ${limit} events`);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    for (;;) {
      const event = this.#take();
      if (event === undefined || !this.#cancelled.delete(event.order)) return event;
    }
  }

  #take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What would come of an engine that measured by the wall clock. */
export class TrustingClock extends SimulatedClock {
  override monotonic(): number {
    return this.now();
  }
}

/** What happened, as a running hash: two runs of one seed must agree. */
export class Trace {
  readonly #hash = createHash('sha256');
  events = 0;
  note(line: string): void {
    this.events += 1;
    this.#hash.update(line).update('\n');
  }
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
