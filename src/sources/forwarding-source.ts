import type { Source, SourcePort } from '../core/contracts.ts';

/** A source around another one; what it does not change is the other one's. */
export abstract class ForwardingSource implements Source {
  readonly type: string;
  protected readonly inner: Source;
  // Absent where the inner one has none: that alone says something.
  readonly pausePartition?: (partition: string) => void;
  readonly resumePartition?: (partition: string) => void;
  readonly holds?: () => boolean;
  readonly lags?: () => Readonly<Record<string, number>>;

  constructor(inner: Source) {
    this.inner = inner;
    this.type = inner.type;
    if (inner.pausePartition !== undefined) this.pausePartition = inner.pausePartition.bind(inner);
    if (inner.resumePartition !== undefined) this.resumePartition = inner.resumePartition.bind(inner);
    if (inner.holds !== undefined) this.holds = inner.holds.bind(inner);
    if (inner.lags !== undefined) this.lags = inner.lags.bind(inner);
  }

  abstract start(port: SourcePort): Promise<void>;

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  commit(positions: ReadonlyMap<string, bigint>): Promise<void> {
    return this.inner.commit(positions);
  }

  stop(): Promise<void> {
    return this.inner.stop();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
