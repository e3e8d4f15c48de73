import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import avsc from 'avsc';
import { Decimal } from '../../core/json/values.ts';
import { AvroDecoder } from './decoder.ts';
import { parseAvroSchema } from './schema.ts';

const record = (...fields: readonly object[]) => ({ type: 'record', name: 'a.b.Article', fields });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });

/** Writes with avsc and one schema, reads with another. */
const read = (writer: object, value: object, reader: object) => {
  const bytes = avsc.Type.forSchema(writer as never, { wrapUnions: 'always' }).toBuffer(value);
  return decoder(writer, reader).decode(bytes).source;
};
const decoder = (writer: object, reader: object) =>
  new AvroDecoder(
    parseAvroSchema(JSON.stringify(writer), { defaults: false }),
    parseAvroSchema(JSON.stringify(reader), { defaults: true }),
  );

describe("a reader's schema", () => {
  test('gives the order, leaves fields out, and fills in defaults', () => {
    const writer = record(
      field('gone', { type: 'map', values: { type: 'array', items: ['null', 'string'] } }),
      field('b', 'int'),
      field('a', 'string'),
    );
    const reader = record(
      field('a', 'string'),
      field('b', 'int'),
      field('big', 'long', { default: -9223372036854775808n as unknown as number }),
      field('half', ['double', 'null'], { default: 1 }),
      field('tags', { type: 'array', items: 'string' }, { default: ['x'] }),
      field('day', { type: 'int', logicalType: 'date' }, { default: 18292 }),
    );
    const text = JSON.stringify(reader, (_, value) => (typeof value === 'bigint' ? 'BIG' : value)).replace(
      '"BIG"',
      '-9223372036854775808',
    );
    const bytes = avsc.Type.forSchema(writer as never, { wrapUnions: 'always' }).toBuffer({
      gone: { k: [null, { string: 'v' }] },
      b: 7,
      a: 'A',
    });
    const reading = new AvroDecoder(
      parseAvroSchema(JSON.stringify(writer), { defaults: false }),
      parseAvroSchema(text, { defaults: true }),
    );
    const { source } = reading.decode(bytes);
    assert.deepEqual(source, {
      a: 'A',
      b: 7,
      big: -9223372036854775808n,
      half: new Decimal('1.0'),
      tags: ['x'],
      day: '2020-01-31',
    });
    assert.deepEqual(Object.keys(source).slice(0, 2), ['a', 'b']);
    // A default is made anew for each document, which may change it.
    (source as { tags: string[] }).tags.push('y');
    assert.deepEqual((reading.decode(bytes).source as { tags: string[] }).tags, ['x']);
  });

  test('knows renamed records, fields and enums by their aliases', () => {
    const writer = { ...record(field('old', 'int')), name: 'other.Old' };
    const reader = { ...record(field('new', 'long', { aliases: ['old'] })), aliases: ['other.Old'] };
    assert.deepEqual(read(writer, { old: 1 }, reader), { new: 1 });
    assert.deepEqual(read({ ...writer, name: 'x.Article' }, { old: 1 }, reader), { new: 1 });
    assert.throws(
      () => decoder({ ...writer, name: 'Else' }, reader),
      /record Else cannot be read as record a.b.Article/,
    );
  });

  test('promotes', () => {
    const promoted = (from: unknown, value: unknown, to: unknown) =>
      (read(record(field('v', from)), { v: value }, record(field('v', to))) as { v: unknown }).v;
    assert.equal(promoted('int', 3, 'long'), 3);
    assert.deepEqual(promoted('int', 3, 'double'), new Decimal('3.0'));
    assert.deepEqual(promoted('long', 3, 'float'), new Decimal('3.0'));
    assert.equal(promoted('float', Math.fround(0.1), 'double'), 0.1);
    assert.equal(promoted('bytes', Buffer.from('ü'), 'string'), 'ü');
    assert.equal(promoted('string', 'ü', 'bytes'), 'w7w=');
    assert.deepEqual(promoted({ type: 'array', items: 'int' }, [1], { type: 'array', items: 'double' }), [
      new Decimal('1.0'),
    ]);
    assert.throws(() => promoted('double', 1, 'float'), /double cannot be read as float/);
    assert.throws(() => promoted('bytes', Buffer.from([0xff]), 'string'), {
      type: 'parse_exception',
      message: /UTF-8/,
    });
  });

  test("takes the unit of a time from the writer, and the meaning from itself where the writer's has none", () => {
    const logical = (type: string, logicalType: string) => ({ type, logicalType });
    const shown = (from: unknown, to: unknown) =>
      (read(record(field('v', from)), { v: 1580465730123 }, record(field('v', to))) as { v: unknown }).v;
    assert.equal(
      shown(logical('long', 'timestamp-millis'), logical('long', 'timestamp-micros')),
      '2020-01-31T10:15:30.123Z',
    );
    assert.equal(shown('long', logical('long', 'timestamp-millis')), '2020-01-31T10:15:30.123Z');
    assert.equal(shown(logical('long', 'timestamp-millis'), 'long'), 1580465730123);
  });

  test('reads unions branch by branch, and fails only the documents of a branch it does not know', () => {
    const writer = record(field('v', ['null', 'int', 'string']));
    const reader = record(field('v', ['null', 'long']));
    assert.deepEqual(read(writer, { v: null }, reader), { v: null });
    assert.deepEqual(read(writer, { v: { int: 4 } }, reader), { v: 4 });
    assert.throws(() => read(writer, { v: { string: 'x' } }, reader), {
      type: 'parse_exception',
      message: /string cannot be read as any of \[null, long\]/,
    });
    assert.deepEqual(read(record(field('v', 'int')), { v: 4 }, record(field('v', ['string', 'double', 'int']))), {
      v: 4,
    });
    assert.deepEqual(read(writer, { v: { int: 4 } }, record(field('v', 'int'))), { v: 4 });
  });

  test('takes the default for symbols it does not know', () => {
    const symbols = (list: string[], more = {}) =>
      record(field('v', { type: 'enum', name: 'E', symbols: list, ...more }));
    assert.deepEqual(read(symbols(['A', 'B']), { v: 'B' }, symbols(['X', 'B'])), { v: 'B' });
    assert.deepEqual(read(symbols(['A', 'B']), { v: 'A' }, symbols(['X', 'B'], { default: 'X' })), { v: 'X' });
    assert.throws(() => read(symbols(['A', 'B']), { v: 'A' }, symbols(['X', 'B'])), {
      type: 'parse_exception',
      message: /does not know \[A\]/,
    });
  });

  test('reads records that hold themselves', () => {
    const list = (type: string) => record(field('v', type), field('next', ['null', 'a.b.Article']));
    const value = { v: 1, next: { 'a.b.Article': { v: 2, next: null } } };
    assert.deepEqual(read(list('int'), value, list('long')), { v: 1, next: { v: 2, next: null } });
  });

  test('must have defaults for what was not written', () => {
    assert.throws(() => decoder(record(), record(field('v', 'int'))), /has no field \[v\]/);
  });
});
