import type { Clock } from '../core/clock.ts';
import type { PartitionState } from './partition.ts';

export interface CommitterOptions {
  readonly clock: Clock;
  /** Milliseconds between commits. */
  readonly interval: number;
  readonly commit: (positions: ReadonlyMap<string, bigint>) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** Commits moved positions now and then, one commit at a time, never for a revoked partition. */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #moved = new Set<PartitionState>();
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  moved(partition: PartitionState): void {
    this.#moved.add(partition);
    this.#schedule();
  }

  forget(partition: PartitionState): void {
    this.#moved.delete(partition);
  }

  /** Commits what is left, once. Rejects when that fails. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#running;
    await this.#commit();
  }

  #schedule(): void {
    if (this.#closed || this.#cancelTimer !== undefined || this.#running !== undefined) return;
    this.#cancelTimer = this.#options.clock.after(this.#options.interval, () => {
      this.#cancelTimer = undefined;
      this.#running = this.#commit()
        .catch((error: unknown) => this.#options.failed(error))
        .then(() => {
          this.#running = undefined;
          if (this.#moved.size > 0) this.#schedule();
        });
    });
  }

  async #commit(): Promise<void> {
    const partitions = [...this.#moved].filter((partition) => !partition.revoked);
    this.#moved.clear();
    const positions = new Map<string, bigint>();
    for (const { name, watermark } of partitions)
      if (watermark.position !== undefined) positions.set(name, watermark.position);
    if (positions.size === 0) return;
    try {
      await this.#options.commit(positions);
      for (const partition of partitions) partition.committed = positions.get(partition.name);
    } catch (error) {
      for (const partition of partitions) if (!partition.revoked) this.#moved.add(partition);
      throw error;
    }
  }
}
