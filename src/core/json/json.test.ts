import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonSyntaxError, parseExactJson } from './parse.ts';
import { readJson } from './read.ts';
import { scanJson } from './scan.ts';
import {
  Decimal,
  getKey,
  isMap,
  type JsonObject,
  type JsonValue,
  javaString,
  javaType,
  keysOf,
  withKey,
} from './values.ts';
import { writeExactJson, writeJson } from './write.ts';

const roundTrip = (text: string): string => writeJson(readJson(Buffer.from(text)).value);
const scan = (text: string) => scanJson(Buffer.from(text));

/** JSON texts with everything that JavaScript alone would change. Keys of one object differ. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-1',
      '1.0',
      '-0.0',
      '1.50',
      '1e3',
      '1E-7',
      '0.0000001',
      '12345678901234567890',
      '-9223372036854775808',
      '0.1234567890123456789012345678901234567890',
      '100000000000000000000.5',
    ),
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .uniqueArray(
      fc.tuple(
        fc.oneof(
          fc.constantFrom('__proto__', 'constructor', '10', '9', '-1', '007', 'toString', ''),
          fc.string({ unit: 'binary' }),
        ),
        tie('value'),
      ),
      { maxLength: 6, selector: ([key]) => key },
    )
    .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
})).object;

describe('the document model', () => {
  test('what is parsed is written back as it was', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        assert.equal(roundTrip(text), text.replaceAll('-0.0', '-0.0'));
      }),
      { numRuns: 2000 },
    );
  });

  test('both parsers agree wherever the scan lets JSON.parse do it', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        if (scan(text).faithful) assert.deepEqual(JSON.parse(text), parseExactJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  for (const text of [
    '{"a":1.0}',
    '{"a":9007199254740993}',
    '{"2":1,"1":2}',
    '{"__proto__":{"x":1},"constructor":2}',
    '{"a":0.1234567890123456789}',
    '{"a":1e400}',
    '{"\\u005f_proto__":1}',
  ]) {
    test(`${text} goes to the exact parser`, () => assert.equal(scan(text).faithful, false));
  }
  for (const text of [
    '{"a":1,"b":[-12.5,0.25,"12",{"c":null}]}',
    '{ "a" : "1.0", "_x": "__proto__" }',
    '{"a":"say \\"1\\" {["}',
  ]) {
    test(`${text} goes to JSON.parse`, () => assert.equal(scan(text).faithful, true));
  }

  test('knows depth and line breaks', () => {
    assert.deepEqual(scan('{"a":[[{"b":"]"}]]}'), { faithful: true, oneLine: true, depth: 4 });
    assert.equal(scan('{\n}').oneLine, false);
    assert.equal(scan('{"a":"\\n"}').oneLine, true);
  });

  test('values are what they are in Java', () => {
    const value = readJson(
      Buffer.from(
        '{"int":1,"long":2147483648,"big":9007199254740993,"huge":92233720368547758080,"one":1.0,"half":0.5,"map":{"1":2},"list":[]}',
      ),
    ).value as JsonObject;
    const types = keysOf(value).map((key) => javaType(getKey(value, key)!));
    assert.deepEqual(types, [
      'java.lang.Integer',
      'java.lang.Long',
      'java.lang.Long',
      'java.math.BigInteger',
      'java.lang.Double',
      'java.lang.Double',
      'java.util.HashMap',
      'java.util.ArrayList',
    ]);
    assert.equal(javaString({ a: [1, new Decimal('2.0'), null], b: 1e-5 }), '{a=[1, 2.0, null], b=1.0E-5}');
  });

  test('an object becomes a map only when a key needs it, and keeps its order then', () => {
    const object = withKey({ b: 1 } as JsonObject, 'c', 2);
    assert.equal(isMap(object), false);
    const map = withKey(object, '1', 3);
    assert.equal(isMap(map), true);
    assert.equal(writeJson(map), '{"b":1,"c":2,"1":3}');
    assert.equal(({} as Record<string, JsonValue>).polluted, undefined);
  });

  test('every Unicode plane comes through', () => {
    for (let plane = 0; plane <= 16; plane += 1) {
      const text = JSON.stringify({ text: String.fromCodePoint(plane * 0x10000 + 0x0fab) });
      assert.equal(roundTrip(text), text);
    }
  });
});

describe('what is not JSON is refused without showing it', () => {
  const refused: [string, RegExp][] = [
    ['{"secret":', /^unexpected end at offset 10$/],
    ['{"a":tru}', /^unexpected character at offset 5$/],
    ['{"a":01}', /expected \[,\] or \[\}\] at offset 6/],
    ['{"a":1.0,"a":2}', /^duplicate key at offset/],
    ['{"a":"\u0001"}', /^control character in a string at offset 6$/],
    ['{"a":1.0}x', /^unexpected character after the document at offset 9$/],
    [`{"a":${'['.repeat(1001)}${']'.repeat(1001)}}`, /^nesting deeper than 1000/],
    [`{"a":${'9'.repeat(1001)}}`, /^number longer than 1000 characters/],
  ];
  for (const [text, message] of refused) {
    test(text.slice(0, 30), () =>
      assert.throws(
        () => readJson(Buffer.from(text)),
        (error: Error) => error instanceof JsonSyntaxError && message.test(error.message),
      ),
    );
  }

  test('invalid UTF-8 is told with its place', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"ü'), Buffer.from([0xff]), Buffer.from('"}')]);
    assert.throws(() => readJson(bytes), /^JsonSyntaxError: invalid UTF-8 at offset 8$/);
  });

  test('whatever V8 refuses, the exact parser refuses, and the other way round', () => {
    fc.assert(
      fc.property(
        jsonText,
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', '\\', '0', 'e', '.', '-', ' '),
        (text, at, insert) => {
          const broken = text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1);
          let v8 = true;
          try {
            JSON.parse(broken);
          } catch {
            v8 = false;
          }
          let exact = true;
          try {
            parseExactJson(broken);
          } catch (error) {
            // A stricter rule of its own, met before whatever V8 would have found further on.
            if ((error as Error).message.startsWith('duplicate key')) return;
            exact = false;
          }
          assert.equal(exact, v8, broken);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('the exact writer and JSON.stringify agree on plain values', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => assert.equal(writeExactJson(value as JsonValue), JSON.stringify(value))),
  );
});
