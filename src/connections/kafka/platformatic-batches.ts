import type { RecordsBatch } from '@platformatic/kafka';
import type { KafkaRecord } from './client.ts';

const LOG_APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;
const ABORT_MARKER = 0;

/** A transaction that was aborted, with the first offset it wrote in this partition. */
export interface Aborted {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/**
 * The records at and above an offset that were committed, and the offset to go on at: behind all batches, also behind
 * those that hold nothing to see. @platformatic/kafka has a filter of its own, which knows one aborted transaction for
 * each producer and fetch, and only where its end is in the same fetch: this one knows them all.
 */
export const committedRecords = (
  batches: readonly RecordsBatch[],
  aborted: readonly Aborted[],
  from: bigint,
): { readonly records: KafkaRecord[]; readonly next: bigint } => {
  const pending = aborted.toSorted((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
  );
  const open = new Set<bigint>();
  const records: KafkaRecord[] = [];
  let next = from;
  let begun = 0;
  for (const batch of batches) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (; begun < pending.length && pending[begun]!.firstOffset <= last; begun += 1)
      open.add(pending[begun]!.producerId);
    if (last + 1n > next) next = last + 1n;
    if ((batch.attributes & CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT_MARKER) open.delete(batch.producerId);
    } else if ((batch.attributes & TRANSACTIONAL) === 0 || !open.has(batch.producerId)) unfold(batch, from, records);
  }
  return { records, next };
};

const unfold = (batch: RecordsBatch, from: bigint, out: KafkaRecord[]): void => {
  const appended = (batch.attributes & LOG_APPEND_TIME) !== 0;
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta);
    // A batch is fetched whole, also where only its end is wanted.
    if (offset < from) continue;
    const timestamp = Number(appended ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta);
    out.push({ offset, timestamp, key, value, headers: headers.length === 0 ? NO_HEADERS : headersOf(headers) });
  }
};

const NO_HEADERS = {};

/** Of a header that is there several times, the last one counts; one without a value is left out, as with kafkajs. */
const headersOf = (headers: RecordsBatch['records'][number]['headers']): KafkaRecord['headers'] => {
  const out: Record<string, Uint8Array> = Object.create(null) as Record<string, Uint8Array>;
  for (const [name, value] of headers) if (name !== null && value !== null) out[name.toString('utf8')] = value;
  return out;
};
