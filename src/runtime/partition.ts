import { ByteBudget } from '../core/byte-budget.ts';
import { Fifo } from '../core/fifo.ts';
import type { Delivery } from './delivery.ts';
import { Watermark } from './watermark.ts';

/** One assignment of a partition to this process. A later assignment after a revocation is another state. */
export class PartitionState {
  readonly name: string;
  readonly watermark = new Watermark<Delivery>();
  /** Once true, nothing of it is committed or written any more. */
  revoked = false;
  /** First position that has not been delivered to this process yet. */
  expected: bigint | undefined;
  /** Deliveries in source order that have not left the pipeline stage. */
  readonly gate = new Fifo<Delivery>();
  committed: bigint | undefined;
  /** What its documents hold. */
  readonly budget: ByteBudget;
  /** Bytes that came since the assignment. */
  read = 0;
  /** Not fetched for lack of room, whatever the others are. */
  paused = false;

  constructor(name: string, budget: ByteBudget) {
    this.name = name;
    this.budget = new ByteBudget(budget.limit, budget);
  }
}

/**
 * Lets documents leave the pipeline stage in source order, so that two versions of one `_id` are never swapped
 * because one of them waited longer for inference.
 */
export const enterGate = (delivery: Delivery): void => {
  delivery.partition.gate.push(delivery);
};

/** Marks a delivery as passed and releases everything that may leave now, in order. */
export const passGate = (delivery: Delivery, release: (delivery: Delivery) => void): void => {
  delivery.passed = true;
  const { gate } = delivery.partition;
  while (gate.first?.passed) release(gate.take()!);
};
