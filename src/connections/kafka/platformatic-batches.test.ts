import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordsBatch } from '@platformatic/kafka';
import { committedRecords } from './platformatic-batches.ts';

const TRANSACTIONAL = 16;
const CONTROL = 32;

const batch = (firstOffset: number, count: number, more: Partial<RecordsBatch> = {}): RecordsBatch => ({
  firstOffset: BigInt(firstOffset),
  length: 0,
  partitionLeaderEpoch: 0,
  magic: 2,
  crc: 0,
  attributes: 0,
  lastOffsetDelta: count - 1,
  firstTimestamp: 1000n,
  maxTimestamp: 5000n,
  producerId: -1n,
  producerEpoch: 0,
  firstSequence: 0,
  records: Array.from({ length: count }, (_, offsetDelta) => ({
    length: 0,
    attributes: 0,
    timestampDelta: BigInt(offsetDelta),
    offsetDelta,
    key: null,
    value: Buffer.from('v'),
    headers: [],
  })),
  ...more,
});

const written = (firstOffset: number, count: number, producer: number) =>
  batch(firstOffset, count, { attributes: TRANSACTIONAL, producerId: BigInt(producer) });

const marker = (offset: number, producer: number, type: 'abort' | 'commit') => {
  const end = batch(offset, 1, { attributes: TRANSACTIONAL | CONTROL, producerId: BigInt(producer) });
  end.records[0]!.key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return end;
};

const offsets = (batches: RecordsBatch[], aborted: [producer: number, first: number][] = [], from = 0) => {
  const list = aborted.map(([producer, first]) => ({ producerId: BigInt(producer), firstOffset: BigInt(first) }));
  const { records, next } = committedRecords(batches, list, BigInt(from));
  return [records.map(({ offset }) => Number(offset)), Number(next)];
};

test('a batch is handed over from the offset that was asked for, and reading goes on behind it', () => {
  assert.deepEqual(offsets([batch(0, 3), batch(3, 2)], [], 1), [[1, 2, 3, 4], 5]);
  assert.deepEqual(offsets([], [], 7), [[], 7]);
});

test('gaps that compaction left are stepped over, also at the end', () => {
  const sparse = batch(10, 5);
  sparse.records.splice(1, 4);
  const empty = batch(20, 5, { records: [] });
  assert.deepEqual(offsets([sparse, empty], [], 10), [[10], 25]);
});

test('of several aborted transactions of one producer, none is seen, and what it committed is', () => {
  const batches = [
    written(0, 2, 1),
    marker(2, 1, 'abort'),
    written(3, 2, 1),
    marker(5, 1, 'commit'),
    written(6, 2, 1),
    marker(8, 1, 'abort'),
    batch(9, 1),
  ];
  assert.deepEqual(
    offsets(batches, [
      [1, 6],
      [1, 0],
    ]),
    [[3, 4, 9], 10],
  );
});

test('an aborted transaction whose end is not in this fetch is not seen', () => {
  assert.deepEqual(offsets([written(0, 2, 1), written(2, 2, 2), batch(4, 1)], [[1, 0]]), [[2, 3, 4], 5]);
});

test('an aborted transaction that began before this fetch is not seen', () => {
  assert.deepEqual(offsets([written(50, 2, 1), marker(52, 1, 'abort'), written(53, 1, 1)], [[1, 0]], 50), [[53], 54]);
});

test('the time is the broker’s where the topic says so', () => {
  const appended = batch(0, 2, { attributes: 8 });
  assert.deepEqual(
    committedRecords([appended, batch(2, 2)], [], 0n).records.map(({ timestamp }) => timestamp),
    [5000, 5000, 1000, 1001],
  );
});
