import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { create, type DescMessage, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { ProcessorError } from '../../core/errors.ts';
import { writeJson } from '../../core/json/write.ts';
import { MessageReader } from './message.ts';
import { findMessage, type ProtoSchema, schemaFromDescriptors, schemaFromTexts } from './schema.ts';

const TEXT = `
syntax = "proto3";
package test;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

enum Colour { NONE = 0; RED = 1; GREEN = 2; }
message All {
  message Inner { int32 n = 1; string text_here = 2; }
  int32 i32 = 1; sint32 s32 = 2; uint32 u32 = 3; fixed32 f32 = 4; sfixed32 sf32 = 5;
  int64 i64 = 6; sint64 s64 = 7; uint64 u64 = 8; fixed64 f64 = 9; sfixed64 sf64 = 10;
  float f = 11; double d = 12; bool b = 13; string s = 14; bytes by = 15; Colour e = 16;
  Inner m = 17; repeated int32 packed = 18; repeated string strings = 19; repeated Inner inners = 20;
  map<string, int64> counts = 21; map<int32, Inner> by_number = 22; map<bool, Colour> by_flag = 23;
  oneof one { string left = 24; Inner right = 25; }
  optional int32 maybe = 26;
  google.protobuf.Timestamp ts = 27; google.protobuf.Duration du = 28; google.protobuf.FieldMask fm = 29;
  google.protobuf.Struct st = 30; google.protobuf.Value va = 31; google.protobuf.ListValue li = 32;
  google.protobuf.Any an = 33; google.protobuf.Empty em = 34; google.protobuf.NullValue nu = 35;
  google.protobuf.DoubleValue wd = 36; google.protobuf.FloatValue wf = 37; google.protobuf.Int64Value wi64 = 38;
  google.protobuf.UInt64Value wu64 = 39; google.protobuf.Int32Value wi32 = 40; google.protobuf.UInt32Value wu32 = 41;
  google.protobuf.BoolValue wb = 42; google.protobuf.StringValue ws = 43; google.protobuf.BytesValue wby = 44;
  string snake_case_name = 45; string other = 46 [json_name = "@other"]; All again = 47; repeated int32 loose = 48 [packed = false];
  string odd = 49 [json_name = "__proto__"];
}
`;
const schema = schemaFromTexts([{ name: 'all.proto', text: TEXT }]);
const ALL = findMessage(schema, 'test.All');
const readerOf = ({ types }: ProtoSchema, more: object = {}) =>
  new MessageReader({ field_names: 'json', defaults: false, types, ...more });
const encode = (value: JsonValue, message: DescMessage = ALL) =>
  toBinary(message, fromJson(message, value, { registry: schema.types }));
const decode = (value: JsonValue, more: object = {}) => writeJson(readerOf(schema, more).read(ALL, encode(value)));

/** By the first column of the table in docs/reference/codecs.md: what goes in, as JSON, and the document's value. */
const ROWS: Readonly<Record<string, readonly (readonly [field: string, value: JsonValue, json: string])[]>> = {
  '`int32`, `sint32`, `uint32`, `fixed32`, `sfixed32`': [
    ['i32', -2147483648, '-2147483648'],
    ['s32', -2147483648, '-2147483648'],
    ['s32', 2147483647, '2147483647'],
    ['u32', 4294967295, '4294967295'],
    ['f32', 4294967295, '4294967295'],
    ['sf32', -1, '-1'],
  ],
  '`int64`, `sint64`, `uint64`, `fixed64`, `sfixed64`': [
    ['i64', '-1', '-1'],
    ['i64', '-9223372036854775808', '-9223372036854775808'],
    ['s64', '-9223372036854775808', '-9223372036854775808'],
    ['s64', '9223372036854775807', '9223372036854775807'],
    ['u64', '18446744073709551615', '18446744073709551615'],
    ['u64', '9007199254740993', '9007199254740993'],
    ['f64', '18446744073709551615', '18446744073709551615'],
    ['sf64', '-9007199254740993', '-9007199254740993'],
  ],
  '`float`': [
    ['f', 0.1, '0.1'],
    ['f', 1, '1.0'],
    ['f', 'NaN', '"NaN"'],
  ],
  '`double`': [
    ['d', 0.1, '0.1'],
    ['d', 2, '2.0'],
    ['d', '-Infinity', '"-Infinity"'],
  ],
  '`bool`': [['b', true, 'true']],
  '`string`': [['s', 'Łódź 😀', '"Łódź 😀"']],
  '`bytes`': [['by', '+/8A', '"+/8A"']],
  '`enum`': [
    ['e', 'GREEN', '"GREEN"'],
    ['e', 7, '7'],
  ],
  message: [['m', { n: 1, textHere: 'x' }, '{"n":1,"textHere":"x"}']],
  '`repeated`': [
    ['packed', [1, -1], '[1,-1]'],
    ['loose', [1, -1], '[1,-1]'],
    ['strings', ['a', ''], '["a",""]'],
    ['inners', [{ n: 1 }, {}], '[{"n":1},{}]'],
  ],
  '`map`': [
    ['counts', { b: '1', '10': '9007199254740993' }, '{"10":9007199254740993,"b":1}'],
    ['byNumber', { 5: { n: 1 } }, '{"5":{"n":1}}'],
    ['byFlag', { true: 'RED' }, '{"true":"RED"}'],
  ],
  '`oneof`': [
    ['left', '', '""'],
    ['right', {}, '{}'],
  ],
  '`optional`': [['maybe', 0, '0']],
  '`Timestamp`': [
    ['ts', '2020-01-31T10:15:30Z', '"2020-01-31T10:15:30Z"'],
    ['ts', '1969-12-31T23:59:59.5Z', '"1969-12-31T23:59:59.500Z"'],
    ['ts', '0001-01-01T00:00:00.000001Z', '"0001-01-01T00:00:00.000001Z"'],
    ['ts', '9999-12-31T23:59:59.123456789Z', '"9999-12-31T23:59:59.123456789Z"'],
  ],
  '`Duration`': [
    ['du', '3s', '"3s"'],
    ['du', '-0.500s', '"-0.500s"'],
    ['du', '1.000000001s', '"1.000000001s"'],
  ],
  '`FieldMask`': [['fm', 'a.bC,d', '"a.bC,d"']],
  '`Struct`, `Value`, `ListValue`': [
    ['st', { a: [1.5, null, { b: 'x' }] }, '{"a":[1.5,null,{"b":"x"}]}'],
    ['va', true, 'true'],
    ['va', null, 'null'],
    ['li', ['x', false], '["x",false]'],
  ],
  '`Any`': [
    [
      'an',
      { '@type': 'type.googleapis.com/test.All.Inner', n: 3 },
      '{"@type":"type.googleapis.com/test.All.Inner","n":3}',
    ],
    [
      'an',
      { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
      '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"3s"}',
    ],
  ],
  '`Empty`': [['em', {}, '{}']],
  '`DoubleValue` and the other wrappers': [
    ['wd', 0, '0.0'],
    ['wf', 0.1, '0.1'],
    ['wi64', '9007199254740993', '9007199254740993'],
    ['wu64', '0', '0'],
    ['wi32', -5, '-5'],
    ['wu32', 0, '0'],
    ['wb', false, 'false'],
    ['ws', '', '""'],
    ['wby', 'AQ==', '"AQ=="'],
  ],
};

describe('the table of types', () => {
  const page = readFileSync('docs/reference/codecs.md', 'utf8');
  const section = page.slice(page.indexOf('\n## protobuf')).split('\n## ')[1] ?? '';
  const table = section.slice(section.indexOf('| Protobuf | document |'));
  const documented = [...table.matchAll(/^\| (?!Protobuf|--)([^|]+?) \|/gm)].map(([, name]) => name);
  test('is tested row by row', () => assert.deepEqual(documented, Object.keys(ROWS)));
  for (const [name, cases] of Object.entries(ROWS))
    for (const [field, value, json] of cases)
      test(`${name}: ${field} ${json}`, () => assert.equal(decode({ [field]: value }), `{"${field}":${json}}`));
});

describe('fields', () => {
  test('have JSON names, or those of the schema', () => {
    const value = { snakeCaseName: 'a', '@other': 'b', m: { textHere: 'c' } };
    assert.equal(decode(value), '{"m":{"textHere":"c"},"snakeCaseName":"a","@other":"b"}');
    const proto = decode(value, { field_names: 'proto' });
    assert.equal(proto, '{"m":{"text_here":"c"},"snake_case_name":"a","other":"b"}');
  });

  test('with their default are left out, or there', () => {
    assert.equal(decode({}), '{}');
    const all = JSON.parse(decode({ m: {} }, { defaults: true })) as Record<string, unknown>;
    assert.deepEqual(all.m, { n: 0, textHere: '' });
    assert.deepEqual([all.i32, all.i64, all.d, all.b, all.s, all.by, all.e], [0, 0, 0, false, '', '', 'NONE']);
    assert.deepEqual([all.packed, all.counts, all.inners], [[], {}, []]);
    for (const absent of ['left', 'right', 'maybe', 'ts', 'again', 'wd']) assert.ok(!(absent in all), absent);
  });

  test('that come twice: the last counts, messages are merged, of a oneof only the last is there', () => {
    const twice = (a: JsonValue, b: JsonValue) =>
      writeJson(readerOf(schema).read(ALL, Buffer.concat([encode(a), encode(b)])));
    assert.equal(twice({ i32: 1 }, { i32: 2 }), '{"i32":2}');
    assert.equal(twice({ m: { n: 1 } }, { m: { textHere: 'x' } }), '{"m":{"n":1,"textHere":"x"}}');
    assert.equal(twice({ left: 'a' }, { right: { n: 1 } }), '{"right":{"n":1}}');
    assert.equal(twice({ packed: [1] }, { loose: [2] }), '{"packed":[1],"loose":[2]}');
  });

  test('called __proto__ are data, and those that the schema does not know are skipped', () => {
    // Field 49, and field 1000 as a group with a varint in it.
    const bytes = Buffer.from('8a030178c33e0801c43e', 'hex');
    assert.equal(writeJson(readerOf(schema).read(ALL, bytes)), '{"__proto__":"x"}');
  });

  test('of proto2: groups, required, unknown numbers of an enum', () => {
    const old = schemaFromTexts([
      {
        name: 'old.proto',
        text: `syntax = "proto2"; package old; enum E { A = 1; }
          message Old { required string a = 1; optional group G = 2 { optional int32 z = 1; } optional E e = 3; repeated int32 r = 4; }`,
      },
    ]);
    const read = (hex: string) => writeJson(readerOf(old).read(findMessage(old, 'old.Old'), Buffer.from(hex, 'hex')));
    assert.equal(read('0a0161 13080514 1809 2001 2002'.replaceAll(' ', '')), '{"a":"a","g":{"z":5},"r":[1,2]}');
    assert.throws(() => read('1801'), /the required field \[old.Old.a\] is missing/);
  });
});

describe('bytes that are no such message', () => {
  const whole = encode({ i64: '5', s: 'text', m: { n: 300 }, counts: { a: '1' }, ts: '2020-01-31T10:15:30Z', d: 1.5 });
  const faultOf = (bytes: Uint8Array) => {
    try {
      readerOf(schema).read(ALL, bytes);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof ProcessorError, String((error as Error).stack));
      assert.equal(error.type, 'parse_exception');
      return error.message;
    }
  };

  test('cut anywhere give a fault, or the fields before the cut', () => {
    let faults = 0;
    for (let end = 0; end < whole.length; end += 1) faults += faultOf(whole.subarray(0, end)) === undefined ? 0 : 1;
    assert.ok(faults > whole.length / 2);
  });

  test('a message within must end where its length says', () => {
    // m: two bytes, in which a varint begins that goes on behind them.
    assert.match(faultOf(Buffer.from('8a01020880 0801'.replace(' ', ''), 'hex'))!, /ends within a number/);
    assert.match(faultOf(Buffer.from('7205ff', 'hex'))!, /ends within a field/);
    assert.match(faultOf(Buffer.from('7201ff', 'hex'))!, /not UTF-8/);
  });

  test('nested too deeply do not overflow the stack', () => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 5000; depth += 1) {
      const length = [];
      for (let left = bytes.length; ; left >>>= 7) {
        length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        if (left <= 0x7f) break;
      }
      bytes = Buffer.concat([Buffer.from([0xfa, 0x02, ...length]), bytes]);
    }
    assert.match(faultOf(bytes)!, /nested deeper than 100/);
    assert.match(faultOf(Buffer.alloc(100_000, 0xc3))!, /./);
  });

  test('random ones never crash or hang', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, at) => {
        faultOf(bytes);
        const mixed = Buffer.concat([whole, bytes]);
        mixed.set(bytes, at % whole.length);
        faultOf(mixed);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('schemas', () => {
  test('a descriptor set reads as the text it was made from', () => {
    const set = create(FileDescriptorSetSchema, { file: [...schema.types.files].map(({ proto }) => proto) });
    const same = schemaFromDescriptors(toBinary(FileDescriptorSetSchema, set));
    const bytes = encode({ i64: '5', an: { '@type': 'type.googleapis.com/test.All.Inner', n: 3 } });
    const read = (of: ProtoSchema) => writeJson(readerOf(of).read(findMessage(of, 'test.All'), bytes));
    assert.equal(read(same), read(schema));
    assert.throws(() => schemaFromDescriptors(Buffer.from('not one')), /no FileDescriptorSet/);
  });

  test('say what is wrong with them', () => {
    const texts = (text: string) => () => schemaFromTexts([{ name: 'x.proto', text }]);
    assert.throws(texts('syntax = "proto3"; message A { B b = 1; }'), /the type \[B\] of \[A\] is not there/);
    assert.throws(texts('edition = "2023"; message A {}'), /of edition 2023/);
    assert.throws(texts('message {'), /no \.proto file/);
    assert.throws(() => findMessage(schema, 'All'), /there is no message \[All\], but \[test.All\]/);
  });

  test('of an import that only options need may be missing', () => {
    const text = 'syntax = "proto3"; import "confluent/meta.proto"; message A { int32 n = 1; }';
    assert.equal(findMessage(schemaFromTexts([{ name: 'x.proto', text }]), undefined).typeName, 'A');
  });
});
