import { Decimal } from '../../core/json/values.ts';
import { classCast, JavaError, nullPointer } from './java-error.ts';
import { typeName } from './type-name.ts';
import { Char, Num, type Value } from './values.ts';

/** Java's numeric types, ranked by promotion. */
export const RANK = { char: 0, byte: 1, short: 2, int: 3, long: 4, float: 5, double: 6 } as const;
export type NumericType = keyof typeof RANK;

/** The numeric type of a value, `char` included; undefined for anything else. */
export const numericType = (value: Value): NumericType | undefined => {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return 'double';
    return (value | 0) === value ? 'int' : 'long';
  }
  if (typeof value === 'bigint') return 'long';
  if (value instanceof Decimal) return 'double';
  if (value instanceof Num) return value.kind;
  return value instanceof Char ? 'char' : undefined;
};

/** The value as a double; only for values that have a numeric type. */
export const asNumber = (value: Value): number => {
  if (typeof value === 'number') return value;
  if (value instanceof Num) return value.value;
  if (value instanceof Char) return value.code;
  if (value instanceof Decimal) return value.valueOf();
  return Number(value);
};

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** Java's narrowing of a double to a long: towards zero, and to the ends of the range. */
export const toLong = (value: Value): bigint => {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  const number = asNumber(value);
  if (Number.isNaN(number)) return 0n;
  if (number >= 2 ** 63) return LONG_MAX;
  return number <= -(2 ** 63) ? LONG_MIN : BigInt(Math.trunc(number));
};

/** Java's narrowing to an int: of integers by bits, of doubles to the ends of the range. */
export const toInt = (value: Value): number => {
  const type = numericType(value);
  if (type === 'long') return Number(BigInt.asIntN(32, toLong(value)));
  const number = asNumber(value);
  if (Number.isNaN(number)) return 0;
  return Math.max(-2147483648, Math.min(2147483647, Math.trunc(number))) | 0;
};

export const double = (value: number): Value => (Number.isInteger(value) ? new Num('double', value) : value);
export const float = (value: number): Value => new Num('float', Math.fround(value));
export const long = (value: bigint): Value => BigInt.asIntN(64, value);

export type Arithmetic = '+' | '-' | '*' | '/' | '%';
export type Bitwise = '&' | '|' | '^';
export type Shift = '<<' | '>>' | '>>>';

const byZero = (): JavaError => new JavaError('arithmetic_exception', '/ by zero');

const INT: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  '+': (a, b) => (a + b) | 0,
  '-': (a, b) => (a - b) | 0,
  '*': Math.imul,
  '/': (a, b) => {
    if (b === 0) throw byZero();
    return (a / b) | 0;
  },
  '%': (a, b) => {
    if (b === 0) throw byZero();
    return (a % b) | 0;
  },
};
const LONG: Readonly<Record<Arithmetic, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => {
    if (b === 0n) throw byZero();
    return a / b;
  },
  '%': (a, b) => {
    if (b === 0n) throw byZero();
    return a % b;
  },
};
const DOUBLE: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

const cannotApply = (operator: string, left: Value, right: Value): JavaError => {
  if (left === null) return nullPointer('left');
  if (right === null) return nullPointer('right');
  return classCast(`Cannot apply [${operator}] operation to types [${typeName(left)}] and [${typeName(right)}].`);
};

/** The type in which Java computes with the two, or undefined where it cannot. */
const promoted = (left: Value, right: Value): 'int' | 'long' | 'float' | 'double' | undefined => {
  const a = numericType(left);
  const b = numericType(right);
  if (a === undefined || b === undefined) return undefined;
  const rank = Math.max(RANK[a], RANK[b]);
  if (rank <= RANK.int) return 'int';
  if (rank === RANK.long) return 'long';
  return rank === RANK.float ? 'float' : 'double';
};

export const arithmetic = (operator: Arithmetic, left: Value, right: Value): Value => {
  switch (promoted(left, right)) {
    case 'int':
      return INT[operator](asNumber(left), asNumber(right));
    case 'long':
      return long(LONG[operator](toLong(left), toLong(right)));
    case 'float':
      return float(DOUBLE[operator](asNumber(left), asNumber(right)));
    case 'double':
      return double(DOUBLE[operator](asNumber(left), asNumber(right)));
    default:
      throw cannotApply(operator, left, right);
  }
};

/** Below, at or above zero; NaN where the two have no order. */
export const compareNumbers = (operator: string, left: Value, right: Value): number => {
  switch (promoted(left, right)) {
    case undefined:
      throw cannotApply(operator, left, right);
    case 'long': {
      const a = toLong(left);
      const b = toLong(right);
      return a < b ? -1 : a > b ? 1 : 0;
    }
    default: {
      const a = asNumber(left);
      const b = asNumber(right);
      return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN;
    }
  }
};

/** Java's `==` on numbers: after promotion. Undefined where one is no number. */
export const sameNumber = (left: Value, right: Value): boolean | undefined => {
  switch (promoted(left, right)) {
    case undefined:
      return undefined;
    case 'long':
      return toLong(left) === toLong(right);
    case 'float':
      return Math.fround(asNumber(left)) === Math.fround(asNumber(right));
    default:
      return asNumber(left) === asNumber(right);
  }
};

const integral = (value: Value): 'int' | 'long' => {
  const type = numericType(value);
  if (value === null) throw nullPointer('o');
  if (type === undefined || RANK[type] > RANK.long) {
    throw classCast(`Cannot convert [${typeName(value)}] to an integral value.`);
  }
  return type === 'long' ? 'long' : 'int';
};

export const bitwise = (operator: Bitwise, left: Value, right: Value): Value => {
  if (typeof left === 'boolean' && typeof right === 'boolean') {
    return operator === '&' ? left && right : operator === '|' ? left || right : left !== right;
  }
  if (integral(left) === 'long' || integral(right) === 'long') {
    integral(right);
    const a = toLong(left);
    const b = toLong(right);
    return long(operator === '&' ? a & b : operator === '|' ? a | b : a ^ b);
  }
  const a = asNumber(left);
  const b = asNumber(right);
  return operator === '&' ? a & b : operator === '|' ? a | b : a ^ b;
};

/** The type of a shift is that of its left side. */
export const shift = (operator: Shift, left: Value, right: Value): Value => {
  const kind = integral(left);
  integral(right);
  const distance = toInt(right);
  if (kind === 'int') {
    const a = asNumber(left);
    return operator === '<<' ? a << distance : operator === '>>' ? a >> distance : (a >>> distance) | 0;
  }
  const a = toLong(left);
  const by = BigInt(distance & 63);
  return long(operator === '<<' ? a << by : operator === '>>' ? a >> by : BigInt.asUintN(64, a) >> by);
};

export const negate = (value: Value): Value => {
  switch (promoted(value, value)) {
    case 'int':
      return -asNumber(value) | 0;
    case 'long':
      return long(-toLong(value));
    case 'float':
      return float(-asNumber(value));
    case 'double':
      return double(-asNumber(value));
    default:
      throw cannotApplyOne('-', value);
  }
};

export const plus = (value: Value): Value => {
  const type = promoted(value, value);
  if (type === undefined) throw cannotApplyOne('+', value);
  return type === 'int' ? asNumber(value) : value;
};

export const invert = (value: Value): Value => {
  const type = numericType(value);
  if (type === undefined || RANK[type] > RANK.long) throw cannotApplyOne('~', value);
  return type === 'long' ? long(~toLong(value)) : ~asNumber(value);
};

const cannotApplyOne = (operator: string, value: Value): JavaError =>
  value === null
    ? nullPointer('unary')
    : classCast(`Cannot apply [${operator}] operation to type [${typeName(value)}].`);
