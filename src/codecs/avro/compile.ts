import {
  JsonMap,
  type JsonObject,
  type JsonValue,
  needsMap,
  type PlainObject,
  withKey,
} from '../../core/json/values.ts';
import type { AvroInput } from './input.ts';
import type { Convert, Raw } from './logical.ts';
import { doubleValue, floatValue } from './numbers.ts';
import type { ArraySchema, AvroSchema, EnumSchema, LeafSchema, MapSchema } from './schema.ts';

/** Reads one value of one schema. */
export type Read = (input: AvroInput) => JsonValue;

/** Readers by schema: a record may hold itself. */
export type Readers = Map<AvroSchema, Read>;

/** A function for a schema that reads its values straight into what documents hold. */
export const compileRead = (schema: AvroSchema, readers: Readers): Read => {
  const known = readers.get(schema);
  if (known !== undefined) return known;
  const made = compileNew(schema, readers);
  readers.set(schema, made);
  return made;
};

const compileNew = (schema: AvroSchema, readers: Readers): Read => {
  switch (schema.kind) {
    case 'record': {
      const reads: Read[] = [];
      const read = readRecord(
        schema.fields.map(({ name }) => name),
        reads,
      );
      readers.set(schema, read);
      for (const field of schema.fields) reads.push(compileRead(field.schema, readers));
      return read;
    }
    case 'array':
      return readArray(schema, compileRead(schema.items, readers));
    case 'map':
      return readMap(schema, compileRead(schema.values, readers));
    case 'union':
      return readUnion(schema.branches.map((branch) => compileRead(branch, readers)));
    case 'enum':
      return readEnum(schema.symbols);
    default:
      return converted(readRaw(schema), schema.logical ?? conversionOf(schema.kind));
  }
};

const readRecord = (names: readonly string[], reads: readonly Read[]): Read => {
  if (names.some(needsMap)) {
    return (input) => {
      input.enter();
      const map = new JsonMap();
      for (let at = 0; at < reads.length; at += 1) map.set(names[at]!, reads[at]!(input));
      input.leave();
      return map;
    };
  }
  return (input) => {
    input.enter();
    const object: PlainObject = {};
    for (let at = 0; at < reads.length; at += 1) object[names[at]!] = reads[at]!(input);
    input.leave();
    return object;
  };
};

export const readArray = ({ items }: ArraySchema, read: Read): Read => {
  const least = leastBytes(items);
  return (input) => {
    input.enter();
    const array: JsonValue[] = [];
    for (let count = input.block(least); count > 0; count = input.block(least))
      for (let at = 0; at < count; at += 1) array.push(read(input));
    input.leave();
    return array;
  };
};

export const readMap = ({ values }: MapSchema, read: Read): Read => {
  const least = 1 + leastBytes(values);
  return (input) => {
    input.enter();
    let object: JsonObject = {};
    for (let count = input.block(least); count > 0; count = input.block(least)) {
      for (let at = 0; at < count; at += 1) {
        const key = input.string();
        object = withKey(object, key, read(input));
      }
    }
    input.leave();
    return object;
  };
};

export const readUnion =
  (reads: readonly Read[]): Read =>
  (input) => {
    const index = input.length();
    const read = reads[index];
    if (read === undefined) return input.fail(`branch ${index} of a union of ${reads.length}`);
    return read(input);
  };

export const readEnum =
  (symbols: EnumSchema['symbols']): Read =>
  (input) => {
    const index = input.length();
    return symbols[index] ?? input.fail(`symbol ${index} of an enum of ${symbols.length}`);
  };

/** Reads a value of a leaf as the encoding holds it. */
export const readRaw = ({ kind, size }: LeafSchema): ((input: AvroInput) => Raw) => {
  switch (kind) {
    case 'null':
      return () => null;
    case 'boolean':
      return (input) => input.boolean();
    case 'int':
      return (input) => input.int();
    case 'long':
      return (input) => input.long();
    case 'float':
      return (input) => input.float();
    case 'double':
      return (input) => input.double();
    case 'string':
      return (input) => input.string();
    case 'bytes':
      return (input) => input.bytes();
    case 'fixed':
      return (input) => input.fixed(size);
  }
};

/** What a document gets for a value without a logical type; undefined where it is the value as it is. */
export const conversionOf = (kind: LeafSchema['kind']): Convert | undefined => {
  switch (kind) {
    case 'float':
      return (raw) => floatValue(raw as number);
    case 'double':
      return (raw) => doubleValue(raw as number);
    case 'bytes':
    case 'fixed':
      return (raw) => (raw as Buffer).toString('base64');
    default:
      return undefined;
  }
};

export const converted = (read: (input: AvroInput) => Raw, convert: Convert | undefined): Read =>
  convert === undefined ? (read as Read) : (input) => convert(read(input));

/** Bytes that a value of a schema takes at least. */
export const leastBytes = (schema: AvroSchema, inside: ReadonlySet<AvroSchema> = new Set()): number => {
  switch (schema.kind) {
    case 'null':
      return 0;
    case 'float':
      return 4;
    case 'double':
      return 8;
    case 'fixed':
      return schema.size;
    case 'record': {
      // A record that must hold itself has no values at all.
      if (inside.has(schema)) return 0;
      const deeper = new Set(inside).add(schema);
      return schema.fields.reduce((sum, field) => sum + leastBytes(field.schema, deeper), 0);
    }
    default:
      return 1;
  }
};
