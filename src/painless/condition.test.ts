import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IngestDocument } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import { Decimal, JsonMap, type JsonObject } from '../core/json/values.ts';
import { compileCondition, PainlessError } from './condition.ts';

const SOURCE: JsonObject = {
  s: 'Hello',
  blank: '',
  n: 5,
  big: 3_000_000_000,
  huge: 2n ** 62n,
  d: 1.5,
  one: new Decimal('1.0'),
  t: true,
  nil: null,
  list: ['a', 'b', 3],
  map: { a: { b: 1 }, constructor: 'c' },
  ordered: new JsonMap([['10', 'x']]),
  constructor: 'plain',
};

const document = (source: JsonObject = SOURCE): IngestDocument =>
  new IngestDocument({
    source,
    metadata: { _index: 'logs', _id: '1', _version: 3 },
    record: { origin: () => ({ name: '_kafka', fields: { topic: 'news' } }) },
    timestamp: 0,
  });

const holds = (script: string): boolean => compileCondition(script, { limit: 5 }).test(document());

const TRUE = `
ctx.s == 'Hello'
return ctx.s == "Hello";
ctx['s'] == 'Hello' && ctx.n == 5
ctx.missing == null
ctx.missing?.deeper == null
ctx?.map?.a?.b == 1
ctx.map.a.b == 1 && ctx.map['a']['b'] == 1
ctx.map.missing == null
ctx.list.0 == 'a' && ctx.list[2] == 3 && ctx.list[-1] == 3
ctx.list.length == 3 && ctx.list.size() == 3 && !ctx.list.empty
ctx.ordered.10 == 'x' && ctx.ordered['10'] == 'x'
ctx.constructor == 'plain' && ctx.map.constructor == 'c' && ctx.__proto__ == null && ctx.toString == null
ctx.containsKey('s') && !ctx.containsKey('x') && ctx.containsKey('nil') && ctx.containsKey('_index')
ctx._index == 'logs' && ctx._id == '1' && ctx._version == 3 && ctx['_index'].startsWith('lo')
ctx._ingest.timestamp == '1970-01-01T00:00:00.000Z'
ctx._kafka.topic == 'news' && ctx._file == null
params.limit == 5 && ctx.n >= params.limit
ctx.n instanceof Integer && !(ctx.n instanceof Long) && ctx.n instanceof Number
ctx.big instanceof Long && ctx.huge instanceof Long && ctx.d instanceof Double && ctx.one instanceof Double
ctx.s instanceof String && ctx.t instanceof Boolean && ctx.list instanceof List && ctx.map instanceof Map
ctx.list instanceof ArrayList && ctx.list instanceof Collection && ctx.map instanceof HashMap
!(ctx.nil instanceof Object) && ctx.s instanceof Object && !(ctx.s instanceof Number)
ctx.missing ?: true
(ctx.missing ?: 'x') == 'x'
ctx.nil?.size() == null
1 / 2 == 0 && -7 / 2 == -3 && -7 % 2 == -1 && 7 % -2 == 1
1 / 2.0 == 0.5 && 5 % 1.5 == 0.5 && 1.0 / 0 > 1e300
2147483647 + 1 == -2147483648 && 65536 * 65536 == 0
2147483647L + 1 == 2147483648L && 9223372036854775807L + 1 < 0
ctx.big + 1 == 3000000001L && ctx.big * ctx.big == 9000000000000000000L
1 == 1.0 && 1L == 1 && ctx.n == 5.0 && ctx.one == 1 && 'a' != 1
ctx.n.equals(5) && !ctx.n.equals(5L) && !ctx.one.equals(1) && ctx.one.equals(1.0)
0x1F == 31 && 017 == 15 && 1e3 == 1000 && 1.5f + 1.5f == 3 && 2d == 2
(5 & 3) == 1 && (5 | 3) == 7 && (5 ^ 3) == 6 && ~5 == -6 && (true ^ false)
1 << 33 == 2 && 1L << 33 == 8589934592L && -1 >>> 28 == 15 && -8 >> 1 == -4
(int) 3.9 == 3 && (int) -3.9 == -3 && (byte) 300 == 44 && (long) 1e30 == 9223372036854775807L && (int) 3000000000L == -1294967296
(String) ctx.s == 'Hello' && (char) 'a' == 97 && (int) (char) 'a' == 97
'a' + 1 + null + 1.0 + true == 'a1null1.0true' && 1 + 2 + 'a' == '3a'
'' + ctx.list == '[a, b, 3]' && '' + ctx.map.a == '{b=1}' && '' + ctx.one == '1.0' && '' + 1e10 == '1.0E10' && '' + 1.1f == '1.1'
ctx.list == ['a', 'b', 3] && ctx.map.a == ['b': 1] && ctx.list !== null && [1, 2] == [1, 2]
ctx.s === ctx.s && ctx.n === 5 && ctx.list !== ['a', 'b', 3]
ctx.s =~ /ell/ && !(ctx.s ==~ /ell/) && ctx.s ==~ /(?i)h.llo/ && ctx.s =~ /HELLO/i
/l+/.matcher(ctx.s).find() && /(?<x>l+)o/.matcher(ctx.s).replaceAll('[\${x}]') == 'He[ll]'
/l/.split(ctx.s).length == 3 && ctx.s.splitOnToken('l').length == 3 && ctx.s.splitOnToken('l')[2] == 'o'
ctx.s.length() == 5 && ctx.blank.isEmpty() && ctx.blank.empty && !ctx.empty && ctx.s.contains('ell') && ctx.s.startsWith('He') && ctx.s.startsWith('l', 2)
ctx.s.endsWith('lo') && ctx.s.equals('Hello') && ctx.s.equalsIgnoreCase('hELLO') && ctx.s.compareTo('Help') == -4
ctx.s.indexOf('l') == 2 && ctx.s.indexOf('l', 3) == 3 && ctx.s.lastIndexOf('l') == 3 && ctx.s.indexOf('z') == -1
ctx.s.substring(1) == 'ello' && ctx.s.substring(1, 3) == 'el' && ctx.s.toLowerCase() == 'hello' && ctx.s.toUpperCase() == 'HELLO'
' a '.trim() == 'a' && 'a.b'.replace('.', '$&') == 'a$&b' && ctx.s.charAt(0) == (char) 'H' && ctx.s.charAt(0) != 'H' && 'ab'.hashCode() == 3105
ctx.list.contains('a') && !ctx.list.contains(3L) && ctx.list.indexOf('b') == 1 && ctx.list.get(0) == 'a' && ctx.list.join('-') == 'a-b-3'
ctx.map.containsKey('a') && ctx.map.getOrDefault('z', 7) == 7 && ctx.map.size() == 2 && !ctx.map.isEmpty() && ctx.map.keySet().contains('a')
ctx.map.containsValue('c') && ctx.map.values().size() == 2 && ctx.map.entrySet().size() == 2 && ctx.map.get('a').b == 1
ctx.n.intValue() == 5 && ctx.d.longValue() == 1L && ctx.n.doubleValue() == 5.0 && ctx.n.toString() == '5' && ctx.n.compareTo(6) < 0
Integer.parseInt('-12') == -12 && Long.parseLong('3000000000') == ctx.big && Double.parseDouble('1.5') == ctx.d && Boolean.parseBoolean('TRUE')
Math.abs(-2) == 2 && Math.min(1, 2) == 1.0 && Math.max(1, 2) instanceof Double && Math.round(2.5) == 3 && Math.round(-2.5) == -2 && Math.floor(1.7) == 1 && Math.pow(2, 3) == 8 && Math.sqrt(9) == 3
Objects.equals(null, null) && !Objects.equals(1, 1L) && String.valueOf(1.0) == '1.0' && Integer.MAX_VALUE == 2147483647 && java.lang.Math.PI > 3
def x = 1; for (int i = 0; i < 4; i++) { x *= 2 } return x == 16
int n = 0; for (def e : ctx.list) { if (e instanceof String) { n++; continue } n += 10 } n == 12
for (entry in ctx.map.entrySet()) { if (entry.key == 'a' && entry.getValue().b == 1) return true }
def tags = ['x']; tags.add('y'); tags[0] = 'z'; return tags == ['z', 'y'] && tags.remove(0) == 'z'
def m = ['a': 1]; m.b = 2; m['c'] = 3; m.put('d', 4); m.a += 5; return m.a == 6 && m.size() == 4 && m.containsKey('d')
if (ctx.n > 3) { ctx.s == 'Hello' } else { false }
int i = 0; i += 1.7; i == 1
long l = 5; l instanceof Long
double d = 1; d instanceof Double && '' + d == '1.0'
int i = 3; int j = i++; int k = ++i; j == 3 && k == 5 && i-- == 5 && i == 4
int i = 0; while (true) { if (++i > 5) break } i == 6
int i = 0; do { i++ } while (i < 3); i == 3
ctx.n == 5 ? ctx.t : false
ctx.t && (ctx.nil == null || ctx.nil.length() == 1)
ctx.list[0] != null // the first
`;

test('conditions that hold', () => {
  for (const script of TRUE.trim().split('\n')) assert.equal(holds(script), true, script);
});

test('a script that ends without a result does not hold', () => {
  assert.equal(holds('if (ctx.n == 6) { return true }'), false);
  assert.equal(holds('ctx.n != 5'), false);
});

const REFUSED: readonly (readonly [script: string, column: number, message: RegExp])[] = [
  ['', 1, /empty/],
  ['1 + 2', 3, /cannot cast from \[int\] to \[boolean\]/],
  ["'true'", 1, /String/],
  ['if (1) { true }', 5, /boolean/],
  ['ctx.a && 1', 10, /boolean/],
  ["ctx.n < 'a'", 7, /cannot apply \[<\]/],
  ['ctx.n = 1', 5, /read-only/],
  ['ctx.a.b.c += 1', 9, /read-only/],
  ["ctx.tags.add('x')", 10, /read-only.*\[add\]/],
  ["ctx.remove('x')", 5, /read-only/],
  ['x == 1', 1, /cannot resolve symbol \[x\]/],
  ['def x = 1; def x = 2; true', 16, /already defined/],
  ['ctx.a.foo()', 7, /method \[foo\/0\] is unknown/],
  ["ctx.a.matches('x')", 7, /method \[matches\/1\]/],
  ['Math.cosine(1) == 1', 6, /static method \[Math, cosine\/1\]/],
  ['Foo x = null; true', 1, /type \[Foo\]/],
  ['new ArrayList().isEmpty()', 1, /\[new ArrayList\] is not supported yet/],
  ['ctx.list.stream().count() == 1', 10, /stream/],
  ['ctx.list.contains(x -> x)', 19, /lambda is not supported yet/],
  ['ctx.list.contains(String::length)', 19, /method reference/],
  ['boolean f() { true } f()', 1, /function \(\[f\]\)/],
  ["field('a').exists()", 1, /field API/],
  ['try { true } catch (Exception e) { false }', 1, /\[try\]/],
  ['throw 1', 1, /\[throw\]/],
  ['break', 1, /outside of a loop/],
  ['2147483648 == 1', 1, /invalid int constant/],
  ["int i = 'a'; true", 5, /cannot cast from \[String\] to \[int\]/],
  ['int i = 5L; true', 5, /cannot cast from \[long\] to \[int\]/],
  ["ctx.s =~ 'a'", 7, /needs a regex/],
  ['ctx.s =~ /a(b/', 12, /regex: Unclosed group/],
  ['ctx.s =~ /\\X/', 11, /grapheme/],
];

test('what is wrong or not supported is refused when compiled, with its place', () => {
  for (const [script, column, message] of REFUSED) {
    assert.throws(
      () => compileCondition(script),
      (error: unknown) => {
        assert.ok(error instanceof PainlessError, `${script}: ${error}`);
        assert.match(error.message, message, script);
        assert.equal(error.column, column, script);
        return true;
      },
      script,
    );
  }
});

const FAULTS: readonly (readonly [script: string, type: string, message: RegExp])[] = [
  ['ctx.missing.a == 1', 'null_pointer_exception', /"callArgs\[0\]" is null.*column 13/],
  ['ctx.missing.length() > 1', 'null_pointer_exception', /line 1, column 13/],
  ['ctx.missing > 1', 'null_pointer_exception', /"left" is null/],
  ['ctx.s', 'class_cast_exception', /java.lang.String cannot be cast to class java.lang.Boolean/],
  ['ctx.nil', 'null_pointer_exception', /null/],
  ['return ctx.n', 'class_cast_exception', /java.lang.Integer/],
  ['ctx.s > 1', 'class_cast_exception', /Cannot apply \[>\].*\[java.lang.String\] and \[java.lang.Integer\]/],
  ['ctx.n / 0 == 1', 'arithmetic_exception', /\/ by zero/],
  ['ctx.s.size() == 1', 'illegal_argument_exception', /dynamic method \[java.lang.String, size\/0\] not found/],
  ['ctx.s.length == 1', 'illegal_argument_exception', /dynamic field \[length\].*java.lang.String/],
  ['ctx.list[5] == 1', 'index_out_of_bounds_exception', /Index 5 out of bounds for length 3/],
  ['ctx.list.foo == 1', 'illegal_argument_exception', /list shortcut value \[foo\]/],
  ["ctx.s.substring(9) == ''", 'string_index_out_of_bounds_exception', /begin 9, end 5, length 5/],
  ["Integer.parseInt('x') == 1", 'number_format_exception', /For input string: "x"/],
  ["def l = ctx.list; l.add('x'); true", 'unsupported_operation_exception', /Mutating ingest documents/],
  ['def m = ctx; m.x = 1; true', 'unsupported_operation_exception', /Mutating/],
  ["ctx.get('map').put('x', 1) == null", 'unsupported_operation_exception', /Mutating/],
  ['params.x = 1; true', 'unsupported_operation_exception', /Mutating/],
  ['int i = ctx.big; true', 'class_cast_exception', /java.lang.Long cannot be cast/],
  ['for (x in ctx.map) { } true', 'illegal_argument_exception', /Cannot iterate/],
  ['while (true) { }', 'painless_error', /maximum number of statements/],
  ['ctx.nil =~ /a/', 'null_pointer_exception', /null/],
  [`ctx.t &&\n  ctx.nil.a`, 'null_pointer_exception', /line 2, column 11/],
];

test('what goes wrong in a run is a script_exception with its cause and place', () => {
  for (const [script, type, message] of FAULTS) {
    assert.throws(
      () => holds(script),
      (error: unknown) => {
        assert.ok(error instanceof ProcessorError, `${script}: ${error}`);
        assert.equal(error.type, 'script_exception', script);
        assert.match(error.message, message, script);
        assert.ok(error.cause instanceof ProcessorError);
        assert.equal(error.cause.type, type, script);
        return true;
      },
      script,
    );
  }
});

test('usesRegex tells of patterns', () => {
  assert.equal(compileCondition('ctx.a =~ /a/').usesRegex, true);
  assert.equal(compileCondition('ctx.a == 1 / 2').usesRegex, false);
});

test('a document is never changed, and a condition answers the same every time', () => {
  const condition = compileCondition('def a = [1]; a.add(ctx.n); ctx.list.size() == 3 && a == [1, 5]');
  const target = document();
  const before = target.toLine();
  assert.equal(condition.test(target), true);
  assert.equal(condition.test(target), true);
  assert.deepEqual(target.toLine(), before);
});

const int = fc.integer({ min: -2147483648, max: 2147483647 });

test('int arithmetic is Java arithmetic', () => {
  const literal = (value: number): string => `(${value})`;
  const wrap = (value: bigint): bigint => BigInt.asIntN(32, value);
  fc.assert(
    fc.property(int, int, (a, b) => {
      const [x, y] = [BigInt(a), BigInt(b)];
      const expected: [string, bigint][] = [
        ['+', wrap(x + y)],
        ['-', wrap(x - y)],
        ['*', wrap(x * y)],
      ];
      if (b !== 0) expected.push(['/', wrap(x / y)], ['%', wrap(x % y)]);
      for (const [operator, result] of expected) {
        assert.equal(holds(`${literal(a)} ${operator} ${literal(b)} == (${result})`), true, `${a} ${operator} ${b}`);
        const fields = document({ a, b });
        assert.equal(compileCondition(`ctx.a ${operator} ctx.b == (${result})`).test(fields), true);
      }
    }),
    { numRuns: 60 },
  );
});

test('comparisons agree with the order of numbers of any type', () => {
  const number = fc.oneof(int, fc.double({ noNaN: true }), fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }));
  const compare = compileCondition('(ctx.a < ctx.b) == params.less', { less: true });
  fc.assert(
    fc.property(number, number, (a, b) => {
      const value = (x: number | bigint) => (typeof x === 'number' && Number.isInteger(x) ? new Decimal(String(x)) : x);
      assert.equal(compare.test(document({ a: value(a), b: value(b) })), Number(a) < Number(b));
    }),
    { numRuns: 100 },
  );
});

test('whatever the text, the compiler answers with a condition or a PainlessError', () => {
  const piece = fc.constantFrom(
    'ctx',
    '.a',
    '?.b',
    '[0]',
    '(',
    ')',
    ' ',
    '1',
    "'x'",
    '==',
    '&&',
    '!',
    '-',
    'def x = ',
    ';',
    'if',
    '{',
    '}',
    'return ',
    '?',
    ':',
    '+',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), (pieces) => {
      try {
        compileCondition(pieces.join(''));
      } catch (error) {
        assert.ok(error instanceof PainlessError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
