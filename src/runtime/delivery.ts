import type { SourceRecord, WriteItem } from '../core/contracts.ts';
import type { IngestDocument } from '../core/document.ts';
import type { DocumentTrace } from '../core/tracing.ts';
import type { PartitionState } from './partition.ts';
import type { Run } from './run.ts';
import type { Tracked } from './watermark.ts';

/** One record on its way from the source to its end. */
export class Delivery implements Tracked {
  readonly record: SourceRecord;
  readonly partition: PartitionState;
  settled = false;
  document: IngestDocument | undefined;
  item: WriteItem | undefined;
  /** The run through the pipeline that speaks for it; one that was interrupted no longer does. */
  run: Run | undefined;
  trace: DocumentTrace | undefined = undefined;
  /** An earlier process may have delivered it. */
  mayBeThere = false;
  /** True once the pipeline is done with it, whatever came out. */
  passed = false;
  /** When it arrived, on the monotonic clock. */
  readonly arrived: number;

  constructor(record: SourceRecord, partition: PartitionState, arrived: number) {
    this.record = record;
    this.partition = partition;
    this.arrived = arrived;
  }

  get next(): bigint {
    return this.record.next;
  }

  /** Bytes held in the budget and in requests. */
  get bytes(): number {
    return this.record.bytes;
  }
}

/** Where a document came from, for logs and errors. */
export const placeOf = ({ partition, record }: Delivery): string => `${partition.name}@${record.position}`;
