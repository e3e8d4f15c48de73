import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { ProcessorError } from '../../core/errors.ts';
import { AvroDecoder } from './decoder.ts';
import { AvroInput } from './input.ts';
import { parseAvroSchema } from './schema.ts';
import { compileSkip } from './skip.ts';

const field = (type: unknown) => JSON.stringify({ type: 'record', name: 'Outer', fields: [{ name: 'v', type }] });
const decode = (text: string, bytes: readonly number[] | Buffer) =>
  new AvroDecoder(parseAvroSchema(text, { defaults: false })).decode(Buffer.from(bytes));
const faulty = (text: string, bytes: readonly number[] | Buffer, message: RegExp) =>
  assert.throws(() => decode(text, bytes), { name: 'ProcessorError', type: 'parse_exception', message });

/** 2^40 as Avro's long. */
const HUGE = [0x80, 0x80, 0x80, 0x80, 0x80, 0x40];

describe('a datum that is not what its schema says', () => {
  test('ends too early', () => {
    faulty(field('int'), [], /it ends within a number at byte 0/);
    faulty(field('long'), [0x80], /it ends within a number/);
    faulty(field('string'), [0x08, 0x61], /4 bytes expected, 1 left/);
    faulty(field('double'), [0, 0], /8 bytes expected, 2 left/);
    faulty(field({ type: 'fixed', name: 'F', size: 3 }), [1], /3 bytes expected, 1 left/);
    faulty(field({ type: 'array', items: 'int' }), [0x02, 0x02], /it ends within a number/);
  });

  test('has bytes left', () => faulty(field('int'), [0x02, 0x00], /1 bytes are left after its end/));

  test('has numbers out of range', () => {
    faulty(field('int'), HUGE, /more than 32 bits/);
    faulty(field('long'), [...Array(9).fill(0xff), 0x7f], /more than 64 bits/);
    faulty(field('long'), Array(12).fill(0xff), /more than 64 bits/);
    faulty(field('boolean'), [2], /neither 0 nor 1/);
    faulty(field('string'), [0x01], /a length of -1/);
    faulty(field(['null', 'int']), [0x04], /branch 2 of a union of 2/);
    faulty(field({ type: 'enum', name: 'E', symbols: ['A'] }), [0x02], /symbol 1 of an enum of 1/);
    faulty(field({ type: 'int', logicalType: 'time-millis' }), [0x01], /-1 is not a time of day/);
  });

  test('has strings that are not UTF-8, but may hold the replacement character', () => {
    faulty(field('string'), [0x02, 0xff], /a string not in UTF-8/);
    assert.deepEqual(decode(field('string'), [0x06, 0xef, 0xbf, 0xbd]).source, { v: '\ufffd' });
  });

  test('counts more items than there are bytes', () => {
    faulty(field({ type: 'array', items: 'int' }), HUGE, /a block of 1099511627776 items, but only 0 bytes left/);
    faulty(field({ type: 'map', values: 'null' }), HUGE, /a block of/);
    faulty(field({ type: 'array', items: 'null' }), HUGE, /more than 100000 items without content/);
    faulty(field({ type: 'array', items: { type: 'record', name: 'E', fields: [] } }), HUGE, /without content/);
    faulty(
      field({ type: 'array', items: { type: 'array', items: 'null' } }),
      Array(64)
        .fill([2, ...HUGE])
        .flat(),
      /without content/,
    );
    assert.deepEqual(decode(field({ type: 'array', items: 'null' }), [0x04, 0x00]).source, { v: [null, null] });
  });

  test('nests deeper than 1000', () => {
    const list = JSON.stringify({
      type: 'record',
      name: 'Node',
      fields: [{ name: 'next', type: ['null', 'Node'] }],
    });
    faulty(list, Array(100_000).fill(0x02), /nesting deeper than 1000/);
    const deep = decode(list, [...Array(999).fill(0x02), 0x00]);
    assert.equal(JSON.stringify(deep.source).match(/next/g)!.length, 1000);
  });
});

test('blocks may tell their size in bytes', () => {
  const array = field({ type: 'array', items: 'int' });
  assert.deepEqual(decode(array, [0x03, 0x04, 0x02, 0x04, 0x02, 0x06, 0x00]).source, { v: [1, 2, 3] });
});

const wild = avsc.Type.forSchema(
  {
    type: 'record',
    name: 'Wild',
    fields: [
      { name: 'a', type: ['null', 'string', 'Wild'] },
      { name: 'b', type: { type: 'array', items: ['bytes', 'double', { type: 'map', values: 'long' }] } },
      { name: 'c', type: { type: 'map', values: { type: 'fixed', name: 'F', size: 2 } } },
    ],
  },
  { wrapUnions: 'always' },
);

test('garbage never does anything but fail as the document’s fault, whether read or skipped', () => {
  const schema = parseAvroSchema(JSON.stringify(wild.schema()), { defaults: false });
  const decoder = new AvroDecoder(schema);
  const skip = compileSkip(schema);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const work of [() => void decoder.decode(bytes), () => skip(new AvroInput(bytes))]) {
        try {
          work();
        } catch (error) {
          assert.ok(error instanceof ProcessorError && error.type === 'parse_exception', String(error));
        }
      }
    }),
    { numRuns: 5000 },
  );
});

test('skipping ends where reading ends', () => {
  const schema = parseAvroSchema(JSON.stringify(wild.schema()), { defaults: false });
  const skip = compileSkip(schema);
  for (let run = 0; run < 300; run += 1) {
    const input = new AvroInput(wild.toBuffer(wild.random()));
    skip(input);
    assert.equal(input.left, 0);
  }
});
