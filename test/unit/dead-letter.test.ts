import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonCodec } from '../../src/codecs/json.ts';
import type { SourceRecord } from '../../src/core/contracts.ts';
import type { PlainObject } from '../../src/core/json/values.ts';
import { bytesKept, deadLetterDocument } from '../../src/runtime/dead-letter.ts';

const record = (value: string, description?: PlainObject): SourceRecord => ({
  position: 1n,
  next: 2n,
  bytes: value.length,
  value: Buffer.from(value),
  key: null,
  headers: {},
  timestamp: undefined,
  defaultId: () => 'id',
  origin: () => ({ name: '_file', fields: { path: 'a', position: 1 } }),
  ...(description && { codec: { ...jsonCodec(), description } }),
});
const rawOf = (from: SourceRecord, keep: number) => {
  const reason = { fault: { type: 't', reason: 'r' }, stream: 's', keep };
  return (deadLetterDocument(from, reason, 0).source as PlainObject).raw as PlainObject;
};
const avro = (bytes: number) => ({ avro: { schema: 'x'.repeat(bytes) } });

describe('a dead letter', () => {
  test('keeps how its record is encoded where only the record says so', () => {
    const csv = { csv: { columns: ['a', 'b'], delimiter: ',', quote: '"' } };
    assert.deepEqual(rawOf(record('1,2', csv), 1000), {
      base64: Buffer.from('1,2').toString('base64'),
      bytes: 3,
      cut: false,
      codec: csv,
    });
    assert.equal('codec' in rawOf(record('{}'), 1000), false);
  });

  test('leaves a schema out that is larger than half of what it may keep, and says so', () => {
    const { codec, codec_left_out } = rawOf(record('1', avro(600)), 1000);
    assert.deepEqual([codec, codec_left_out], [undefined, true]);
    assert.equal(rawOf(record('1', avro(400)), 1000).codec_left_out, undefined);
    assert.equal(rawOf(record('1', avro(257 * 1024)), bytesKept(undefined)).codec_left_out, true);
  });

  test('with all that it may hold fits into its place', () => {
    const place = 1_000_000;
    const keep = bytesKept(place);
    const letter = deadLetterDocument(
      record('x'.repeat(keep), avro(keep / 2 - 100)),
      { fault: { type: 't', reason: 'r' }, stream: 's', keep },
      0,
    );
    const { raw } = letter.source as { raw: PlainObject };
    assert.equal(raw.cut, false);
    assert.ok(raw.codec !== undefined);
    assert.ok(Buffer.byteLength(letter.toLine()) + keep < place);
  });
});
