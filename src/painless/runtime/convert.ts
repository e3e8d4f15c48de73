import { classCast, type JavaError, nullPointer } from './java-error.ts';
import { asNumber, double, float, type NumericType, numericType, RANK, toInt, toLong } from './numbers.ts';
import { typeName } from './type-name.ts';
import { instanceTest } from './types.ts';
import { Char, Num, type Value } from './values.ts';

export const cannotCast = (value: Value, wanted: string): JavaError => {
  if (value === null) return nullPointer('value');
  const type = typeName(value);
  return classCast(
    `class ${type} cannot be cast to class ${wanted} (${type} and ${wanted} are in module java.base of loader 'bootstrap')`,
  );
};

/** The value as the numeric type, narrowed as Java narrows. */
const narrow = (value: Value, type: NumericType): Value => {
  switch (type) {
    case 'char':
      return new Char(toInt(value));
    case 'byte':
      return new Num('byte', (toInt(value) << 24) >> 24);
    case 'short':
      return new Num('short', (toInt(value) << 16) >> 16);
    case 'int':
      return toInt(value);
    case 'long':
      return toLong(value);
    case 'float':
      return float(asNumber(value));
    default:
      return double(asNumber(value));
  }
};

const CLASSES = {
  char: 'java.lang.Character',
  byte: 'java.lang.Byte',
  short: 'java.lang.Short',
  int: 'java.lang.Integer',
  long: 'java.lang.Long',
  float: 'java.lang.Float',
  double: 'java.lang.Double',
} as const;

const isNumeric = (type: string): type is NumericType => Object.hasOwn(RANK, type);

const BOXED: ReadonlyMap<string, NumericType> = new Map([
  ['Character', 'char'],
  ['Byte', 'byte'],
  ['Short', 'short'],
  ['Integer', 'int'],
  ['Long', 'long'],
  ['Float', 'float'],
  ['Double', 'double'],
]);

/** Widening only: what Java does without a cast. A char widens to an int but nothing widens to a char. */
const widens = (from: NumericType, to: NumericType): boolean =>
  from === to || (to !== 'char' && RANK[from] < RANK[to] && !(from === 'char' && RANK[to] < RANK.int));

/** `(type) value` where `explicit`; else what happens to a value on its way into a variable of that type. */
export const converter = (type: string, explicit: boolean): ((value: Value) => Value) => {
  if (type === 'def' || type === 'Object') return (value) => value;
  if (type === 'boolean' || type === 'Boolean') {
    return (value) => {
      if (typeof value === 'boolean' || (value === null && type === 'Boolean')) return value;
      throw cannotCast(value, 'java.lang.Boolean');
    };
  }
  const boxed = BOXED.get(type);
  const numeric = isNumeric(type) ? type : boxed;
  if (numeric !== undefined) return numericConverter(numeric, boxed !== undefined, explicit);
  const test = instanceTest(type);
  return (value) => {
    if (value === null || test(value)) return value;
    if (type === 'String' && explicit && value instanceof Char) return String.fromCharCode(value.code);
    throw cannotCast(value, type === 'String' ? 'java.lang.String' : type);
  };
};

const numericConverter =
  (type: NumericType, nullable: boolean, explicit: boolean) =>
  (value: Value): Value => {
    if (value === null && nullable) return null;
    const from = numericType(value);
    if (from === type) return value;
    if (from !== undefined && (explicit || widens(from, type))) return narrow(value, type);
    if (type === 'char' && explicit && typeof value === 'string') {
      if (value.length === 1) return new Char(value.charCodeAt(0));
      throw classCast(`Cannot cast [String] with length not equal to one to [char].`);
    }
    throw cannotCast(value, CLASSES[type]);
  };

/** Arguments of methods: implicit conversions, under short names. */
const toDoubleValue = converter('double', false);
const toIntValue = converter('int', false);
const toLongValue = converter('long', false);
export const intArgument = (value: Value): number => asNumber(toIntValue(value));
export const longArgument = (value: Value): bigint => toLong(toLongValue(value));
export const doubleArgument = (value: Value): number => asNumber(toDoubleValue(value));
export const stringArgument = (value: Value): string => {
  if (typeof value === 'string') return value;
  throw cannotCast(value, 'java.lang.String');
};
export const booleanArgument = (value: Value): boolean => {
  if (typeof value === 'boolean') return value;
  throw cannotCast(value, 'java.lang.Boolean');
};
