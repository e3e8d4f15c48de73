import { javaDouble } from '../../core/json/values.ts';
import { mapEntries, mapGet, mapHas } from './maps.ts';
import { asNumber, numericType, sameNumber, toLong } from './numbers.ts';
import { Char, ContextMap, Entry, isList, itemsOf, kindOf, type MapValue, ScriptSet, type Value } from './values.ts';

/** Painless' `==`: numbers after promotion, everything else by `equals`. */
export const equalValues = (left: Value, right: Value): boolean => {
  if (left === right) return !(typeof left === 'number' && Number.isNaN(left));
  if (left === null || right === null || typeof left === 'string' || typeof right === 'string') return false;
  return sameNumber(left, right) ?? javaEquals(left, right);
};

/** Java's `equals`: numbers of different types are never equal. */
export const javaEquals = (left: Value, right: Value): boolean => {
  if (left === right) return true;
  if (typeof left !== 'object' && typeof right !== 'object') return equalNumbers(left, right);
  if (left === null || right === null) return false;
  const kind = kindOf(left);
  if (kind !== kindOf(right)) return false;
  switch (kind) {
    case 'number':
    case 'char':
      return equalNumbers(left, right);
    case 'list':
      return isList(left) && isList(right) && equalItems(itemsOf(left), itemsOf(right));
    case 'map':
      return equalMaps(left as MapValue, right as MapValue);
    case 'set':
      return left instanceof ScriptSet && right instanceof ScriptSet && equalSets(left, right);
    case 'entry':
      return (
        left instanceof Entry &&
        right instanceof Entry &&
        javaEquals(left.key, right.key) &&
        javaEquals(left.value, right.value)
      );
    default:
      return false;
  }
};

const equalNumbers = (left: Value, right: Value): boolean => {
  const type = numericType(left);
  if (type === undefined || type !== numericType(right)) return false;
  return type === 'long' ? toLong(left) === toLong(right) : Object.is(asNumber(left), asNumber(right));
};

const equalItems = (left: readonly Value[], right: readonly Value[]): boolean =>
  left.length === right.length && left.every((item, index) => javaEquals(item, right[index]!));

const equalMaps = (left: MapValue, right: MapValue): boolean => {
  const entries = mapEntries(left);
  return (
    entries.length === mapEntries(right).length &&
    entries.every(([key, value]) => mapHas(right, key) && javaEquals(value, mapGet(right, key)))
  );
};

const equalSets = (left: ScriptSet, right: ScriptSet): boolean =>
  left.items.length === right.items.length &&
  left.items.every((item) => right.items.some((other) => javaEquals(item, other)));

/** Painless' `===`. Small numbers and constant strings are the same object in Java, so values count as one. */
export const identical = (left: Value, right: Value): boolean => {
  if (left === right) return true;
  if (left instanceof ContextMap && right instanceof ContextMap) return left.document === right.document;
  return kindOf(left) === kindOf(right) && kindOf(left) === 'number' && equalNumbers(left, right);
};

/** One text for all values that `equals` holds for one: the key of a script's map. */
export const equalityKey = (value: Value): string => {
  if (typeof value === 'string') return `s${value}`;
  const type = numericType(value);
  if (type !== undefined) return `${type} ${type === 'long' ? toLong(value) : asNumber(value)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return `[${itemsOf(value).map((item) => JSON.stringify(equalityKey(item)))}]`;
  if (kindOf(value) === 'map') {
    const entries = mapEntries(value as MapValue).map(([key, item]) => [equalityKey(key), equalityKey(item)]);
    return `{${JSON.stringify(entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))}}`;
  }
  return `?${hashCode(value)}`;
};

const hashText = (text: string): number => {
  let hash = 0;
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
};

const hashBits = (bits: bigint): number => Number(BigInt.asIntN(32, bits ^ (BigInt.asUintN(64, bits) >> 32n)));

const hashDouble = (value: number): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return hashBits(view.getBigInt64(0));
};

/** Java's `hashCode` of values; of objects without one of their own, 0. */
export const hashCode = (value: Value): number => {
  if (value === null) return 0;
  if (typeof value === 'string') return hashText(value);
  if (typeof value === 'boolean') return value ? 1231 : 1237;
  const type = numericType(value);
  if (type === 'double') return hashDouble(asNumber(value));
  if (type === 'float') return hashText(javaDouble(asNumber(value)));
  if (type === 'long') return hashBits(toLong(value));
  if (type !== undefined) return value instanceof Char ? value.code : asNumber(value);
  if (isList(value))
    return itemsOf(value).reduce<number>((hash, item) => (Math.imul(31, hash) + hashCode(item)) | 0, 1);
  if (value instanceof Entry) return hashCode(value.key) ^ hashCode(value.value);
  if (value instanceof ScriptSet) return value.items.reduce<number>((hash, item) => (hash + hashCode(item)) | 0, 0);
  if (kindOf(value) !== 'map') return 0;
  return mapEntries(value as MapValue).reduce((hash, [key, item]) => (hash + (hashCode(key) ^ hashCode(item))) | 0, 0);
};
