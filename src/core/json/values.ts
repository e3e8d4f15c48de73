/**
 * What a document may hold. Elasticsearch keeps documents in Java maps; this is their picture in JavaScript:
 *
 * | Java | here |
 * |---|---|
 * | Integer, Long up to 2^53 | integral `number` |
 * | Long beyond 2^53, BigInteger | `bigint` |
 * | Double with a fraction | fractional `number` |
 * | Double without one (1.0), numbers a double cannot hold exactly | `Decimal`, which keeps the digits |
 * | Map whose keys a JavaScript object would reorder or misread (`"10"`, `__proto__`) | `JsonMap` |
 * | any other Map | plain object |
 */
export type JsonValue = null | boolean | number | bigint | string | Decimal | JsonValue[] | JsonObject;
export type PlainObject = { [key: string]: JsonValue };
export type JsonObject = PlainObject | JsonMap;

/** Thrown by `toJSON` so that `JSON.stringify` never writes an exact value inexactly: the exact writer takes over. */
export class NeedsExactWriter extends Error {
  override name = 'NeedsExactWriter';
}
const needsExactWriter = new NeedsExactWriter('this value is only written by the exact JSON writer');

/** A decimal number with its digits as they were written. Java's Double for everything that computes with it. */
export class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  /** The nearest double. */
  valueOf(): number {
    return Number(this.text);
  }
  toString(): string {
    return this.text;
  }
  toJSON(): never {
    throw needsExactWriter;
  }
}

/** An object whose keys must keep their order or meaning where a JavaScript object would not. */
export class JsonMap extends Map<string, JsonValue> {
  toJSON(): never {
    throw needsExactWriter;
  }
}

/** A double as Elasticsearch would hold it: integral values stay doubles. */
export const toDouble = (value: number): number | Decimal =>
  Number.isInteger(value) ? new Decimal(javaDouble(value)) : value;

/** Java's `Double.toString`. */
export const javaDouble = (value: number): string => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const magnitude = Math.abs(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (magnitude >= 1e-3 && magnitude < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
};

/** True for array indices: JavaScript objects move such keys to the front. */
const integerLike = /^(?:0|[1-9]\d{0,15})$/;
export const needsMap = (key: string): boolean => key === '__proto__' || integerLike.test(key);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Decimal);

export const isMap = (value: unknown): value is JsonMap => value instanceof Map;

export const hasKey = (object: JsonObject, key: string): boolean =>
  object instanceof Map ? object.has(key) : Object.hasOwn(object, key);

export const getKey = (object: JsonObject, key: string): JsonValue | undefined =>
  object instanceof Map ? object.get(key) : Object.hasOwn(object, key) ? object[key] : undefined;

export const deleteKey = (object: JsonObject, key: string): boolean =>
  object instanceof Map ? object.delete(key) : delete object[key];

export const keysOf = (object: JsonObject): string[] =>
  object instanceof Map ? [...object.keys()] : Object.keys(object);

export const entriesOf = (object: JsonObject): [string, JsonValue][] =>
  object instanceof Map ? [...object.entries()] : Object.entries(object);

export const sizeOf = (object: JsonObject): number =>
  object instanceof Map ? object.size : Object.keys(object).length;

/**
 * Sets a key and returns the object that now holds it: another one when the plain object could not take the key in
 * its place, so the caller must put the answer where the object was.
 */
export const withKey = (object: JsonObject, key: string, value: JsonValue): JsonObject => {
  if (object instanceof Map) {
    object.set(key, value);
    return object;
  }
  if (!needsMap(key)) {
    object[key] = value;
    return object;
  }
  const map = new JsonMap(Object.entries(object));
  map.set(key, value);
  return map;
};

/** Builds an object from entries, as a `JsonMap` only where a plain object would not keep them. */
export const objectOf = (entries: Iterable<readonly [string, JsonValue]>): JsonObject => {
  let object: JsonObject = {};
  for (const [key, value] of entries) object = withKey(object, key, value);
  return object;
};

export const deepCopy = (value: JsonValue): JsonValue => {
  if (typeof value !== 'object' || value === null || value instanceof Decimal) return value;
  if (Array.isArray(value)) return value.map(deepCopy);
  if (value instanceof Map) {
    const copy = new JsonMap();
    for (const [key, item] of value) copy.set(key, deepCopy(item));
    return copy;
  }
  const copy: PlainObject = {};
  for (const key of Object.keys(value)) copy[key] = deepCopy(value[key]!);
  return copy;
};

/** The Java class name that Elasticsearch's messages show for a value. */
export const javaType = (value: JsonValue): string => {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return 'java.lang.String';
    case 'boolean':
      return 'java.lang.Boolean';
    case 'bigint':
      return value === BigInt.asIntN(64, value) ? 'java.lang.Long' : 'java.math.BigInteger';
    case 'number':
      if (!Number.isInteger(value)) return 'java.lang.Double';
      return value === (value | 0) ? 'java.lang.Integer' : 'java.lang.Long';
    default:
      if (value instanceof Decimal) return 'java.lang.Double';
      return Array.isArray(value) ? 'java.util.ArrayList' : 'java.util.HashMap';
  }
};

/** Java's `String.valueOf`: what mustache templates and `append` show. */
export const javaString = (value: JsonValue): string => {
  if (typeof value === 'number' && !Number.isInteger(value)) return javaDouble(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Decimal) return javaDouble(value.valueOf());
  if (Array.isArray(value)) return `[${value.map(javaString).join(', ')}]`;
  return `{${entriesOf(value)
    .map(([key, item]) => `${key}=${javaString(item)}`)
    .join(', ')}}`;
};
