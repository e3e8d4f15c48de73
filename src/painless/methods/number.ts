import { booleanArgument, cannotCast, converter } from '../runtime/convert.ts';
import { asNumber, numericType, toInt, toLong } from '../runtime/numbers.ts';
import { Char, type Value } from '../runtime/values.ts';
import { methodsOf } from './method.ts';

const as = (type: string) => converter(type, true);

/** `Double.compare`: NaN is the greatest, and -0.0 lies below 0.0. */
export const compareDoubles = (left: number, right: number): number => {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (Number.isNaN(left)) return 1;
  return Number.isNaN(right) || Object.is(left, -0) ? -1 : 1;
};

const CLASSES: ReadonlyMap<string, string> = new Map([
  ['int', 'java.lang.Integer'],
  ['long', 'java.lang.Long'],
  ['float', 'java.lang.Float'],
  ['double', 'java.lang.Double'],
]);

/** Only numbers of one type compare with each other. */
const compareTo = (self: Value, other: Value): number => {
  const type = numericType(self);
  if (type !== numericType(other)) throw cannotCast(other, CLASSES.get(type ?? '') ?? 'java.lang.Number');
  if (type !== 'long') return compareDoubles(asNumber(self), asNumber(other));
  const [left, right] = [toLong(self), toLong(other)];
  return left < right ? -1 : left > right ? 1 : 0;
};

export const NUMBER_METHODS = methodsOf<Value>({
  'byteValue/0': as('byte'),
  'compareTo/1': compareTo,
  'doubleValue/0': as('double'),
  'floatValue/0': as('float'),
  'intValue/0': toInt,
  'isInfinite/0': (self) => Math.abs(asNumber(self)) === Number.POSITIVE_INFINITY,
  'isNaN/0': (self) => Number.isNaN(asNumber(self)),
  'longValue/0': toLong,
  'shortValue/0': as('short'),
});

export const BOOLEAN_METHODS = methodsOf<boolean>({
  'booleanValue/0': (self) => self,
  'compareTo/1': (self, other) => Number(self) - Number(booleanArgument(other)),
});

export const CHAR_METHODS = methodsOf<Char>({
  'charValue/0': (self) => self,
  'compareTo/1': (self, other) => {
    if (other instanceof Char) return self.code - other.code;
    throw cannotCast(other, 'java.lang.Character');
  },
});
