import { messageOf } from '../../core/errors.ts';
import { parseExactJson } from '../../core/json/parse.ts';
import { Decimal, entriesOf, isObject, type JsonValue } from '../../core/json/values.ts';

/** A schema that is not one, or that cannot be read as another. */
export class AvroSchemaError extends Error {
  override name = 'AvroSchemaError';
}

/** A schema as avsc takes it; long defaults beyond 2^53 are bigints. */
export type SchemaJson = null | boolean | number | bigint | string | SchemaJson[] | { [key: string]: SchemaJson };

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
const COMPLEX = new Set(['record', 'error', 'enum', 'array', 'map', 'fixed']);

/**
 * Reads the JSON text of a schema, and puts it as avsc takes it where Java's parser takes more.
 * @param defaults false for schemas that only say how something was written: their defaults mean nothing, and those of
 *   the wild are often wrong
 * @throws AvroSchemaError
 */
export const readSchemaText = (text: string, defaults: boolean): SchemaJson => {
  let json: JsonValue;
  try {
    json = parseExactJson(text);
  } catch (error) {
    // Avro's own tools take a bare name of a primitive type for its schema.
    if (PRIMITIVES.has(text.trim())) return text.trim();
    throw new AvroSchemaError(`not JSON: ${messageOf(error)}`);
  }
  return schemaOf(json, defaults);
};

const schemaOf = (json: JsonValue, defaults: boolean): SchemaJson => {
  if (Array.isArray(json)) return json.map((branch) => schemaOf(branch, defaults));
  if (!isObject(json)) return plain(json);
  const schema = plain(json) as { [key: string]: SchemaJson };
  const { type } = schema;
  // `{ "type": { "type": … } }`, `{ "type": ["null", …] }` and `{ "type": "the.Name" }` stand for what is inside.
  if (typeof type === 'object' && type !== null) return schemaOf(type as JsonValue, defaults);
  if (typeof type === 'string' && !COMPLEX.has(type)) {
    if (!PRIMITIVES.has(type)) return type;
    return schema.logicalType === undefined ? type : schema;
  }
  if (schema.items !== undefined) schema.items = schemaOf(schema.items as JsonValue, defaults);
  if (schema.values !== undefined) schema.values = schemaOf(schema.values as JsonValue, defaults);
  if (type === 'enum') {
    if (Array.isArray(schema.symbols)) schema.symbols = schema.symbols.map(maskSymbol);
    if (schema.default !== undefined) schema.default = maskSymbol(schema.default);
  }
  if (Array.isArray(schema.fields)) schema.fields = schema.fields.map((field) => fieldOf(field, defaults));
  return schema;
};

const MASK = '__symbol';

/** avsc takes symbols like [constructor] for ones it has seen: it looks them up in a plain object. */
const maskSymbol = (symbol: SchemaJson): SchemaJson =>
  typeof symbol === 'string' && symbol in Object.prototype ? symbol + MASK : symbol;

export const unmaskSymbol = (symbol: string): string =>
  symbol.endsWith(MASK) && symbol.slice(0, -MASK.length) in Object.prototype ? symbol.slice(0, -MASK.length) : symbol;

const fieldOf = (field: SchemaJson, defaults: boolean): SchemaJson => {
  if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
  const { default: fallback, ...rest } = field;
  if (rest.type !== undefined) rest.type = schemaOf(rest.type as JsonValue, defaults);
  return defaults && fallback !== undefined ? { ...rest, default: fallback } : rest;
};

/** Without Decimal and JsonMap, which avsc does not know. */
const plain = (value: JsonValue): SchemaJson => {
  if (value instanceof Decimal) return value.valueOf();
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, plain(item)]));
};
