import type { Clock } from '../core/clock.ts';
import type { Source, SourcePort, SourceRecord } from '../core/contracts.ts';
import { ForwardingSource } from './forwarding-source.ts';

/** How often documents are handed over, at most. */
const STEP_MS = 100;

interface Waiting {
  readonly partition: string;
  readonly records: readonly SourceRecord[];
  at: number;
}

/**
 * Hands over so many documents a second at most, however they come: a fetch brings thousands at once. While some wait,
 * no more are fetched, so what waits is a fetch at most.
 */
export class PacedSource extends ForwardingSource {
  readonly #rate: number;
  readonly #clock: Clock;
  #port: SourcePort | undefined;
  #waiting: Waiting[] = [];
  #tokens = 0;
  #filled = 0;
  #cancel: (() => void) | undefined;
  /** The engine has no room. */
  #paused = false;
  #innerPaused = false;
  #stopped = false;
  #end: (() => void) | undefined;
  #drained: (() => void)[] = [];

  /** @param rate documents a second */
  constructor(inner: Source, rate: number, clock: Clock) {
    super(inner);
    this.#rate = rate;
    this.#clock = clock;
  }

  async start(port: SourcePort): Promise<void> {
    this.#port = port;
    this.#filled = this.#clock.monotonic();
    const full = () => port.full || this.#waiting.length > 0;
    // What came before the end is handed over first.
    const atTheEnd = (tell: () => void) => {
      this.#end = tell;
      this.#pump();
    };
    await this.inner.start({
      assigned: (partition) => port.assigned(partition),
      revoked: (partition) => {
        this.#waiting = this.#waiting.filter((waiting) => waiting.partition !== partition);
        port.revoked(partition);
        this.#pump();
      },
      deliver: (partition, records) => {
        if (this.#stopped || records.length === 0) return;
        this.#waiting.push({ partition, records, at: 0 });
        this.#pump();
      },
      get full() {
        return full();
      },
      room: async () => {
        while (full() && !this.#stopped)
          if (this.#waiting.length > 0) await new Promise<void>((resolve) => void this.#drained.push(resolve));
          else await port.room();
      },
      ended: () => atTheEnd(() => port.ended()),
      failed: (error) => atTheEnd(() => port.failed(error)),
      trouble: (fault) => port.trouble(fault),
    });
  }

  override pause(): void {
    this.#paused = true;
    this.#pauseInner();
  }

  override resume(): void {
    this.#paused = false;
    this.#pump();
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting = [];
    this.#cancel?.();
    this.#release();
    await this.inner.stop();
  }

  #pump(): void {
    if (this.#stopped) return;
    this.#refill();
    while (!this.#paused && this.#tokens >= 1 && this.#waiting.length > 0) {
      const first = this.#waiting[0]!;
      const count = Math.min(Math.floor(this.#tokens), first.records.length - first.at);
      const some = first.records.slice(first.at, first.at + count);
      first.at += count;
      this.#tokens -= count;
      if (first.at === first.records.length) this.#waiting.shift();
      // May pause at once, where there is no room for more.
      this.#port!.deliver(first.partition, some);
    }
    if (this.#waiting.length > 0) {
      this.#pauseInner();
      this.#later();
      return;
    }
    this.#release();
    if (this.#innerPaused && !this.#paused) {
      this.#innerPaused = false;
      this.inner.resume();
    }
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }

  /** What was not used is not saved up for longer than a step: it would come as a burst. */
  #refill(): void {
    const now = this.#clock.monotonic();
    const most = Math.max(1, (this.#rate * STEP_MS) / 1000);
    this.#tokens = Math.min(most, this.#tokens + ((now - this.#filled) / 1000) * this.#rate);
    this.#filled = now;
  }

  #later(): void {
    if (this.#cancel !== undefined || this.#paused) return;
    const ms = Math.max(STEP_MS, (1000 * (1 - this.#tokens)) / this.#rate);
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = undefined;
      this.#pump();
    });
  }

  #pauseInner(): void {
    if (this.#innerPaused) return;
    this.#innerPaused = true;
    this.inner.pause();
  }

  #release(): void {
    for (const go of this.#drained.splice(0)) go();
  }
}
