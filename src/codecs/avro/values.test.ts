import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Decimal, getKey, JsonMap, type JsonObject, type JsonValue } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import { AvroDecoder } from './decoder.ts';
import { parseAvroSchema } from './schema.ts';

const record = (type: unknown) => ({ type: 'record', name: 'Outer', fields: [{ name: 'v', type }] });

/** The value that a document gets for some bytes. */
const decode = (type: unknown, hex: string): JsonValue => {
  const decoder = new AvroDecoder(parseAvroSchema(JSON.stringify(record(type)), { defaults: false }));
  return getKey(decoder.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex')).source, 'v')!;
};

/** Avro's binary long. */
const long = (value: bigint): string => {
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  let hex = '';
  do {
    hex += ((left & 0x7fn) | (left > 0x7fn ? 0x80n : 0n)).toString(16).padStart(2, '0');
    left >>= 7n;
  } while (left > 0n);
  return hex;
};
const float = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes.toString('hex');
};
const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString('hex');
};
const string = (text: string) => long(BigInt(Buffer.byteLength(text))) + Buffer.from(text).toString('hex');
const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more });
const fixed = (size: number, more = {}) => ({ type: 'fixed', name: 'F', size, ...more });

type Case = readonly [type: unknown, hex: string, value: JsonValue, json: string];
const MAX = 2n ** 63n - 1n;

/** By the first column of the table in docs/reference/codecs.md. */
const ROWS: Readonly<Record<string, readonly Case[]>> = {
  null: [['null', '', null, 'null']],
  boolean: [
    ['boolean', '01', true, 'true'],
    ['boolean', '00', false, 'false'],
  ],
  int: [
    ['int', long(-(2n ** 31n)), -(2 ** 31), '-2147483648'],
    ['int', long(2n ** 31n - 1n), 2 ** 31 - 1, '2147483647'],
  ],
  long: [
    ['long', long(-1n), -1, '-1'],
    ['long', long(2n ** 53n - 1n), 2 ** 53 - 1, '9007199254740991'],
    ['long', long(2n ** 53n + 1n), 2n ** 53n + 1n, '9007199254740993'],
    ['long', long(MAX), MAX, '9223372036854775807'],
    ['long', long(-MAX - 1n), -MAX - 1n, '-9223372036854775808'],
  ],
  float: [
    ['float', float(0.1), 0.1, '0.1'],
    ['float', float(1), new Decimal('1.0'), '1.0'],
    ['float', float(16777216), new Decimal('1.6777216E7'), '1.6777216E7'],
    ['float', float(3.4028234663852886e38), new Decimal('3.4028235E38'), '3.4028235E38'],
    ['float', float(1e-45), 1e-45, '1e-45'],
    ['float', float(Number.NaN), null, 'null'],
  ],
  double: [
    ['double', double(0.1), 0.1, '0.1'],
    ['double', double(1), new Decimal('1.0'), '1.0'],
    ['double', double(-0), new Decimal('-0.0'), '-0.0'],
    ['double', double(1e21), new Decimal('1.0E21'), '1.0E21'],
    ['double', double(Number.NaN), null, 'null'],
    ['double', double(Number.NEGATIVE_INFINITY), null, 'null'],
  ],
  string: [['string', string('a"ü😀\u0000'), 'a"ü😀\u0000', '"a\\"ü😀\\u0000"']],
  bytes: [['bytes', '06 00ff10', 'AP8Q', '"AP8Q"']],
  fixed: [[fixed(3), '00ff10', 'AP8Q', '"AP8Q"']],
  enum: [[{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, '02', 'B', '"B"']],
  array: [[{ type: 'array', items: 'int' }, '04 02 04 00', [1, 2], '[1,2]']],
  map: [
    [{ type: 'map', values: 'int' }, `02 ${string('a')} 02 00`, { a: 1 }, '{"a":1}'],
    [
      { type: 'map', values: 'int' },
      `04 ${string('b')} 02 ${string('10')} 04 02 ${string('__proto__')} 06 00`,
      new JsonMap([
        ['b', 1],
        ['10', 2],
        ['__proto__', 3],
      ]),
      '{"b":1,"10":2,"__proto__":3}',
    ],
  ],
  record: [
    [
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'b', type: 'int' },
          { name: '__proto__', type: 'int' },
          { name: 'constructor', type: 'int' },
        ],
      },
      '02 04 06',
      new JsonMap([
        ['b', 1],
        ['__proto__', 2],
        ['constructor', 3],
      ]),
      '{"b":1,"__proto__":2,"constructor":3}',
    ],
  ],
  union: [
    [['null', 'string'], '00', null, 'null'],
    [['null', 'int', 'long', 'double'], `06 ${double(1)}`, new Decimal('1.0'), '1.0'],
    [
      ['A', 'B'].map((name) => ({ type: 'record', name, fields: [{ name: name.toLowerCase(), type: 'int' }] })),
      '02 02',
      { b: 1 },
      '{"b":1}',
    ],
  ],
  decimal: [
    [logical('bytes', 'decimal', { precision: 9, scale: 2 }), '04 01f4', new Decimal('5.00'), '5.00'],
    [logical('bytes', 'decimal', { precision: 9, scale: 3 }), '02 ff', new Decimal('-0.001'), '-0.001'],
    [logical('bytes', 'decimal', { precision: 9, scale: 2 }), '00', new Decimal('0.00'), '0.00'],
    [logical('bytes', 'decimal', { precision: 9 }), '02 07', 7, '7'],
    [
      fixed(9, { logicalType: 'decimal', precision: 20, scale: 0 }),
      '01 0000000000000000',
      18446744073709551616n,
      '18446744073709551616',
    ],
    [fixed(1, { logicalType: 'decimal', precision: 2, scale: 1 }), '80', new Decimal('-12.8'), '-12.8'],
    // A scale beyond the precision makes no decimal: Avro then looks at the bytes alone.
    [logical('bytes', 'decimal', { precision: 1, scale: 2 }), '02 07', 'Bw==', '"Bw=="'],
  ],
  uuid: [
    [
      logical('string', 'uuid'),
      string('2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d'),
      '2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d',
      '"2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"',
    ],
    [
      fixed(16, { logicalType: 'uuid' }),
      '2c5ea4c0406711e98bad9b1deb4d3b7d',
      '2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d',
      '"2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"',
    ],
  ],
  date: [
    [logical('int', 'date'), long(18292n), '2020-01-31', '"2020-01-31"'],
    [logical('int', 'date'), long(-719529n), '-0001-12-31', '"-0001-12-31"'],
    [logical('int', 'date'), long(2932897n), '+10000-01-01', '"+10000-01-01"'],
  ],
  'time-millis': [[logical('int', 'time-millis'), long(36_930_004n), '10:15:30.004', '"10:15:30.004"']],
  'time-micros': [[logical('long', 'time-micros'), long(36_930_000_004n), '10:15:30.000004', '"10:15:30.000004"']],
  'timestamp-millis': [
    [
      logical('long', 'timestamp-millis'),
      long(1580465730123n),
      '2020-01-31T10:15:30.123Z',
      '"2020-01-31T10:15:30.123Z"',
    ],
    [logical('long', 'timestamp-millis'), long(-1n), '1969-12-31T23:59:59.999Z', '"1969-12-31T23:59:59.999Z"'],
  ],
  'timestamp-micros': [
    [
      logical('long', 'timestamp-micros'),
      long(1580465730123456n),
      '2020-01-31T10:15:30.123456Z',
      '"2020-01-31T10:15:30.123456Z"',
    ],
  ],
  'timestamp-nanos': [
    [
      logical('long', 'timestamp-nanos'),
      long(1580465730123456789n),
      '2020-01-31T10:15:30.123456789Z',
      '"2020-01-31T10:15:30.123456789Z"',
    ],
    [
      logical('long', 'timestamp-nanos'),
      long(-MAX - 1n),
      '1677-09-21T00:12:43.145224192Z',
      '"1677-09-21T00:12:43.145224192Z"',
    ],
  ],
  'local-timestamp-millis, -micros, -nanos': [
    [
      logical('long', 'local-timestamp-millis'),
      long(1580465730123n),
      '2020-01-31T10:15:30.123',
      '"2020-01-31T10:15:30.123"',
    ],
    [
      logical('long', 'local-timestamp-micros'),
      long(1580465730123456n),
      '2020-01-31T10:15:30.123456',
      '"2020-01-31T10:15:30.123456"',
    ],
    [
      logical('long', 'local-timestamp-nanos'),
      long(1580465730123456789n),
      '2020-01-31T10:15:30.123456789',
      '"2020-01-31T10:15:30.123456789"',
    ],
  ],
  duration: [
    [fixed(12, { logicalType: 'duration' }), '0e000000 03000000 a50f0000', 'P14M3DT4.005S', '"P14M3DT4.005S"'],
    [fixed(12, { logicalType: 'duration' }), '00000000 00000000 00000000', 'P0D', '"P0D"'],
    [fixed(12, { logicalType: 'duration' }), '00000000 00000000 e8030000', 'PT1S', '"PT1S"'],
  ],
};

describe('what a document gets for a value', () => {
  for (const [row, cases] of Object.entries(ROWS)) {
    test(row, () => {
      for (const [type, hex, value, json] of cases) {
        const got = decode(type, hex);
        assert.deepEqual(got, value);
        assert.equal(got instanceof Map, value instanceof Map);
        assert.equal(writeJson(got), json);
      }
    });
  }

  test('the reference lists exactly these', () => {
    const page = readFileSync(new URL('../../../docs/reference/codecs.md', import.meta.url), 'utf8');
    const table = page.slice(page.indexOf('| Avro |')).split('\n\n')[0]!;
    const rows = [...table.matchAll(/^\| `?([^|]+?)`? \|/gm)].map(([, name]) => name!.replaceAll('`', ''));
    assert.deepEqual(rows.filter((row) => row !== 'Avro' && row !== '---').sort(), Object.keys(ROWS).sort());
  });
});

test('a float keeps its value with the digits that it gets', () => {
  const view = new DataView(new ArrayBuffer(4));
  for (let step = 0; step < 20_000; step += 1) {
    view.setUint32(0, (step * 2_654_435_761 * 7) >>> 0);
    const value = view.getFloat32(0);
    if (!Number.isFinite(value)) continue;
    const got = Number(decode('float', float(value)));
    assert.ok(Object.is(Math.fround(got), value), `${value} became ${got}`);
  }
});

test('every document is an object', () => {
  const decoder = new AvroDecoder(parseAvroSchema('["null", "string"]', { defaults: false }));
  assert.throws(() => decoder.decode(Buffer.from([0])), { type: 'parse_exception', message: /neither record nor map/ });
  const map = new AvroDecoder(parseAvroSchema('{"type":"map","values":"int"}', { defaults: false }));
  assert.deepEqual(map.decode(Buffer.from([0])).source, {} as JsonObject);
});
