import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink, SourceRecord, WriteItem } from '../../src/core/contracts.ts';
import { IngestDocument } from '../../src/core/document.ts';
import { readJson } from '../../src/core/json/read.ts';
import type { JsonObject } from '../../src/core/json/values.ts';

export interface SinkUnderTest {
  // biome-ignore lint/suspicious/noExplicitAny: each sink has items of its own, and only hands them back to itself
  readonly sink: Sink<any>;
  /** The documents that lie at the destination, as JSON texts in the order they were written. */
  written(): Promise<readonly string[]>;
}

/** Documents that a sink must neither change nor mix up. */
const DOCUMENTS = [
  '{"n":0,"2":"integer-like keys stay where they are","1":"so does this one"}',
  '{"n":1,"whole":1.0,"long":9007199254740993,"decimal":0.10000000000000000001}',
  '{"n":2,"text":"quotes \\" and \\\\ and 🦉 and   lines","nested":{"a":[{"b":null},[]]}}',
  '{"n":3}',
] as const;

const recordAt = (position: number): SourceRecord => ({
  position: BigInt(position),
  next: BigInt(position + 1),
  bytes: 1,
  value: null,
  key: Buffer.from('one key keeps the order'),
  headers: {},
  timestamp: 0,
  defaultId: () => `conformance-0-${position}`,
  origin: () => ({ name: '_kafka', fields: { secret: 'never written' } }),
});

const documentOf = (text: string): IngestDocument => {
  const { value } = readJson(Buffer.from(text));
  return new IngestDocument({
    source: value as JsonObject,
    record: { origin: () => ({ name: '_kafka', fields: { topic: 'never written' } }) },
  });
};

/** What the engine relies on, for every sink. */
export const sinkContract = (name: string, create: () => Promise<SinkUnderTest>): void => {
  const write = (sink: Sink, items: readonly WriteItem[]) => sink.write(items, AbortSignal.timeout(30_000));

  test(`${name}: answers one result for each document, in order, and keeps documents as they are`, async () => {
    const { sink, written } = await create();
    await sink.open();
    const items = DOCUMENTS.map((text, index) => sink.prepare(documentOf(text), recordAt(index)) as WriteItem);
    for (const { bytes } of items) assert.ok(bytes > 0, 'an item without bytes would never fill a request');
    const first = await write(sink, items.slice(0, 3));
    const second = await write(sink, items.slice(3));
    assert.deepEqual(
      [...first, ...second].map(({ outcome }) => outcome),
      DOCUMENTS.map(() => 'delivered'),
    );
    await sink.close(true);
    assert.deepEqual(await written(), DOCUMENTS);
  });

  test(`${name}: takes the same document again, as after a crash, and can be closed without having written`, async () => {
    const { sink } = await create();
    await sink.open();
    const again = () => sink.prepare(documentOf(DOCUMENTS[0]), recordAt(0)) as WriteItem;
    for (const results of [await write(sink, [again()]), await write(sink, [again()])])
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['delivered'],
      );
    await sink.close(true);
    const idle = await create();
    await idle.sink.open();
    await idle.sink.close(true);
  });

  test(`${name}: has limits that a batcher can keep to`, async () => {
    const { sink } = await create();
    const { max_documents, max_bytes, max_age_ms, max_in_flight } = sink.limits;
    for (const limit of [max_documents, max_bytes, max_age_ms, max_in_flight])
      assert.ok(Number.isInteger(limit) && limit > 0);
  });
};
