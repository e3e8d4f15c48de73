import { booleanArgument, doubleArgument, intArgument, longArgument, stringArgument } from '../runtime/convert.ts';
import { hashCode, javaEquals } from '../runtime/equality.ts';
import { JavaError } from '../runtime/java-error.ts';
import { double, float } from '../runtime/numbers.ts';
import { stringOf } from '../runtime/text.ts';
import { Char, isList, itemsOf, Num, type Value } from '../runtime/values.ts';
import { MATH_FUNCTIONS } from './math.ts';
import type { StaticFunction } from './method.ts';
import { compareDoubles } from './number.ts';

interface ClassTable {
  readonly constants: ReadonlyMap<string, Value>;
  /** By `name/number of arguments`. */
  readonly functions: ReadonlyMap<string, StaticFunction>;
}

const classOf = (
  functions: Readonly<Record<string, StaticFunction>>,
  constants: Readonly<Record<string, Value>> = {},
): ClassTable => ({ functions: new Map(Object.entries(functions)), constants: new Map(Object.entries(constants)) });

const badNumber = (text: string): JavaError =>
  new JavaError('number_format_exception', text === '' ? 'For input string: ""' : `For input string: "${text}"`);

const digitsOf = (radix: number): string => '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, radix);

/** Java's integers as text: a sign and digits of the radix, nothing else. */
const parseInteger = (value: Value, radix: number, bits: number): bigint => {
  const text = stringArgument(value);
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = text.replace(/^[+-]/, '').toLowerCase();
  const digits = digitsOf(radix);
  if (body === '') throw badNumber(text);
  let result = 0n;
  for (const char of body) {
    const digit = digits.indexOf(char);
    if (digit < 0 || body.length > 80) throw badNumber(text);
    result = result * BigInt(radix) + BigInt(digit);
  }
  if (BigInt.asIntN(bits, sign * result) !== sign * result) throw badNumber(text);
  return sign * result;
};

const FLOATING = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/;
const parseFloating = (value: Value): number => {
  const text = stringArgument(value).trim();
  if (!FLOATING.test(text)) {
    throw text === '' ? new JavaError('number_format_exception', 'empty String') : badNumber(stringArgument(value));
  }
  return Number(/[Iy]/.test(text) ? text : text.replace(/[fFdD]$/, ''));
};

const parseInt32 = (text: Value): Value => Number(parseInteger(text, 10, 32));
const parseInt64 = (text: Value): Value => parseInteger(text, 10, 64);

const letters = (pattern: RegExp): StaticFunction => {
  return (a) => pattern.test(a instanceof Char ? String.fromCharCode(a.code) : String.fromCodePoint(intArgument(a)));
};

/** The greater one with sign 1, the smaller one with -1. */
const ofLongs = (a: Value, b: Value, sign: bigint): Value => {
  const [left, right] = [longArgument(a), longArgument(b)];
  return (left - right) * sign > 0n ? left : right;
};

/** Every class whose functions and constants scripts may use. */
export const CLASSES: ReadonlyMap<string, ClassTable> = new Map([
  [
    'Integer',
    classOf(
      {
        'compare/2': (a, b) => Math.sign(intArgument(a) - intArgument(b)),
        'max/2': (a, b) => Math.max(intArgument(a), intArgument(b)),
        'min/2': (a, b) => Math.min(intArgument(a), intArgument(b)),
        'parseInt/1': parseInt32,
        'parseInt/2': (text, radix) => Number(parseInteger(text, intArgument(radix), 32)),
        'signum/1': (a) => Math.sign(intArgument(a)),
        'toHexString/1': (a) => (intArgument(a) >>> 0).toString(16),
        'toBinaryString/1': (a) => (intArgument(a) >>> 0).toString(2),
        'toString/1': (a) => String(intArgument(a)),
        'toString/2': (a, radix) => intArgument(a).toString(intArgument(radix)),
        // The dynamic one takes an int only; a text stays with parseInt, as in Painless.
        'valueOf/1': intArgument,
        'valueOf/2': (text, radix) => Number(parseInteger(text, intArgument(radix), 32)),
      },
      { MAX_VALUE: 2147483647, MIN_VALUE: -2147483648, SIZE: 32, BYTES: 4 },
    ),
  ],
  [
    'Long',
    classOf(
      {
        'compare/2': (a, b) => {
          const difference = longArgument(a) - longArgument(b);
          return difference < 0n ? -1 : difference > 0n ? 1 : 0;
        },
        'max/2': (a, b) => ofLongs(a, b, 1n),
        'min/2': (a, b) => ofLongs(a, b, -1n),
        'parseLong/1': parseInt64,
        'parseLong/2': (text, radix) => parseInteger(text, intArgument(radix), 64),
        'sum/2': (a, b) => BigInt.asIntN(64, longArgument(a) + longArgument(b)),
        'toHexString/1': (a) => BigInt.asUintN(64, longArgument(a)).toString(16),
        'toString/1': (a) => String(longArgument(a)),
        'valueOf/1': longArgument,
      },
      { MAX_VALUE: 2n ** 63n - 1n, MIN_VALUE: -(2n ** 63n), SIZE: 64, BYTES: 8 },
    ),
  ],
  [
    'Double',
    classOf(
      {
        'compare/2': (a, b) => compareDoubles(doubleArgument(a), doubleArgument(b)),
        'isFinite/1': (a) => Number.isFinite(doubleArgument(a)),
        'isInfinite/1': (a) => Math.abs(doubleArgument(a)) === Number.POSITIVE_INFINITY,
        'isNaN/1': (a) => Number.isNaN(doubleArgument(a)),
        'max/2': (a, b) => double(Math.max(doubleArgument(a), doubleArgument(b))),
        'min/2': (a, b) => double(Math.min(doubleArgument(a), doubleArgument(b))),
        'parseDouble/1': (text) => double(parseFloating(text)),
        'toString/1': (a) => stringOf(double(doubleArgument(a))),
        'valueOf/1': (a) => double(doubleArgument(a)),
      },
      {
        MAX_VALUE: new Num('double', Number.MAX_VALUE),
        MIN_VALUE: Number.MIN_VALUE,
        NaN: Number.NaN,
        NEGATIVE_INFINITY: Number.NEGATIVE_INFINITY,
        POSITIVE_INFINITY: Number.POSITIVE_INFINITY,
      },
    ),
  ],
  ['Float', classOf({ 'parseFloat/1': (text) => float(parseFloating(text)) })],
  [
    'Boolean',
    classOf(
      {
        'parseBoolean/1': (text) => typeof text === 'string' && text.toLowerCase() === 'true',
        'toString/1': (a) => String(booleanArgument(a)),
        'valueOf/1': booleanArgument,
      },
      { TRUE: true, FALSE: false },
    ),
  ],
  [
    'String',
    classOf({
      'join/2': (separator, items) =>
        isList(items) ? itemsOf(items).map(stringOf).join(stringArgument(separator)) : '',
      'valueOf/1': stringOf,
    }),
  ],
  [
    'Character',
    classOf({
      'isDigit/1': letters(/^\p{Nd}$/u),
      'isLetter/1': letters(/^\p{L}$/u),
      'isLetterOrDigit/1': letters(/^[\p{L}\p{Nd}]$/u),
      'isLowerCase/1': letters(/^\p{Lowercase}$/u),
      'isUpperCase/1': letters(/^\p{Uppercase}$/u),
      'isWhitespace/1': letters(/^(?:[\t-\r\x1c-\x1f]|(?![\xa0\u2007\u202f])\p{Z})$/u),
      'toString/1': (a) => stringOf(a),
    }),
  ],
  [
    'Objects',
    classOf({
      'equals/2': javaEquals,
      'hashCode/1': hashCode,
      'isNull/1': (a) => a === null,
      'nonNull/1': (a) => a !== null,
      'requireNonNull/1': (a) => {
        if (a === null) throw new JavaError('null_pointer_exception', 'null');
        return a;
      },
      'requireNonNull/2': (a, message) => {
        if (a === null) throw new JavaError('null_pointer_exception', stringOf(message));
        return a;
      },
      'toString/1': stringOf,
      'toString/2': (a, otherwise) => (a === null ? otherwise : stringOf(a)),
    }),
  ],
  ['Math', classOf(MATH_FUNCTIONS, { E: Math.E, PI: Math.PI })],
  ['StrictMath', classOf(MATH_FUNCTIONS, { E: Math.E, PI: Math.PI })],
]);
