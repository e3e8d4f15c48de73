import { isUtf8 } from 'node:buffer';
import { JsonMap, type JsonValue, needsMap, type PlainObject } from '../../core/json/values.ts';
import {
  compileRead,
  conversionOf,
  converted,
  type Read,
  type Readers,
  readArray,
  readMap,
  readRaw,
  readUnion,
} from './compile.ts';
import { AvroInput, dataFault } from './input.ts';
import type { Raw } from './logical.ts';
import type { AvroSchema, EnumSchema, LeafKind, LeafSchema, RecordSchema, UnionSchema } from './schema.ts';
import { AvroSchemaError } from './schema-text.ts';
import { compileSkip, type Skip } from './skip.ts';

/** What is shared while one pair of schemas is compiled. */
interface Resolving {
  readonly reads: Map<AvroSchema, Map<AvroSchema, Read>>;
  readonly skips: Map<AvroSchema, Skip>;
  readonly readers: Readers;
}

/**
 * A function that reads what was written with one schema as another describes it: Avro's schema resolution.
 * @throws AvroSchemaError where no value of the one can be read as the other
 */
export const compileResolved = (writer: AvroSchema, reader: AvroSchema): Read =>
  resolve(writer, reader, { reads: new Map(), skips: new Map(), readers: new Map() });

const resolve = (writer: AvroSchema, reader: AvroSchema, state: Resolving): Read => {
  if (writer.kind === 'union') return readUnion(writer.branches.map((branch) => resolveLater(branch, reader, state)));
  if (reader.kind === 'union') return resolve(writer, branchFor(writer, reader), state);
  if (!fits(writer, reader, 'promoted')) throw mismatch(writer, reader);
  if (writer.kind === 'array' && reader.kind === 'array')
    return readArray(writer, resolve(writer.items, reader.items, state));
  if (writer.kind === 'map' && reader.kind === 'map')
    return readMap(writer, resolve(writer.values, reader.values, state));
  if (writer.kind === 'enum' && reader.kind === 'enum') return resolveEnum(writer, reader);
  if (writer.kind === 'record' && reader.kind === 'record') return resolveRecord(writer, reader, state);
  return resolveLeaf(writer as LeafSchema, reader as LeafSchema);
};

/** A branch that cannot be read is a fault only of the documents that use it. */
const resolveLater = (writer: AvroSchema, reader: AvroSchema, state: Resolving): Read => {
  try {
    return resolve(writer, reader, state);
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    return () => {
      throw dataFault(error.message);
    };
  }
};

const describe = (schema: AvroSchema): string =>
  'name' in schema && schema.name !== undefined ? `${schema.kind} ${schema.name}` : schema.kind;

const mismatch = (writer: AvroSchema, reader: AvroSchema): AvroSchemaError =>
  new AvroSchemaError(`${describe(writer)} cannot be read as ${describe(reader)}`);

const branchFor = (writer: AvroSchema, { branches }: UnionSchema): AvroSchema => {
  for (const how of ['same', 'renamed', 'promoted'] as const) {
    const branch = branches.find((candidate) => fits(writer, candidate, how));
    if (branch !== undefined) return branch;
  }
  throw new AvroSchemaError(
    `${describe(writer)} cannot be read as any of [${branches.map((branch) => describe(branch)).join(', ')}]`,
  );
};

const PROMOTIONS: Readonly<Record<string, (raw: Raw) => Raw>> = {
  'int:long': (raw) => raw,
  'int:float': (raw) => Math.fround(raw as number),
  'int:double': (raw) => raw,
  'long:float': (raw) => Math.fround(Number(raw)),
  'long:double': (raw) => Number(raw),
  'float:double': (raw) => raw,
  'string:bytes': (raw) => Buffer.from(raw as string),
  'bytes:string': (raw) => {
    if (!isUtf8(raw as Buffer)) throw dataFault('bytes that are read as a string are not UTF-8');
    return (raw as Buffer).toString('utf8');
  },
};

/** Only what is inside is not looked at. */
const fits = (writer: AvroSchema, reader: AvroSchema, how: 'same' | 'renamed' | 'promoted'): boolean => {
  if (writer.kind !== reader.kind) return how === 'promoted' && `${writer.kind}:${reader.kind}` in PROMOTIONS;
  if (!('name' in writer) || !('name' in reader)) return true;
  if (writer.kind === 'fixed' && reader.kind === 'fixed' && writer.size !== reader.size) return false;
  if (how === 'same') return writer.name === reader.name;
  const names = [reader.name!, ...reader.aliases!];
  return names.includes(writer.name!) || names.map(unqualified).includes(unqualified(writer.name!));
};

const unqualified = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

const resolveLeaf = (writer: LeafSchema, reader: LeafSchema): Read => {
  const raw = readRaw(writer);
  // Where both name a logical type the writer's counts: it knows the unit and the scale of what it wrote.
  if (writer.logical !== undefined && reader.logical !== undefined) return converted(raw, writer.logical);
  if (writer.kind === reader.kind) return converted(raw, reader.logical ?? conversionOf(reader.kind));
  const promote = PROMOTIONS[`${writer.kind}:${reader.kind}`]!;
  // A float that is read as a double keeps its digits.
  const kind: LeafKind = writer.kind === 'float' ? 'float' : reader.kind;
  return converted((input) => promote(raw(input)), reader.logical ?? conversionOf(kind));
};

const resolveEnum = (writer: EnumSchema, reader: EnumSchema): Read => {
  const symbols = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? symbol : reader.fallback));
  return (input) => {
    const index = input.length();
    if (index >= symbols.length) return input.fail(`symbol ${index} of an enum of ${symbols.length}`);
    return symbols[index] ?? input.fail(`the reader's ${reader.name} does not know [${writer.symbols[index]}]`);
  };
};

const resolveRecord = (writer: RecordSchema, reader: RecordSchema, state: Resolving): Read => {
  const known = state.reads.get(writer) ?? new Map<AvroSchema, Read>();
  state.reads.set(writer, known);
  const done = known.get(reader);
  if (done !== undefined) return done;
  const steps: ((input: AvroInput, values: JsonValue[]) => void)[] = [];
  const read = readInto(reader, steps);
  // Known before its fields are: they may hold it.
  known.set(reader, read);
  const sources = reader.fields.map((field) => writerField(writer, field.name, field.aliases));
  for (const field of writer.fields) {
    const slot = sources.indexOf(field);
    if (slot < 0) {
      const skip = compileSkip(field.schema, state.skips);
      steps.push((input) => skip(input));
    } else {
      const value = resolve(field.schema, reader.fields[slot]!.schema, state);
      steps.push((input, values) => {
        values[slot] = value(input);
      });
    }
  }
  for (const [slot, field] of reader.fields.entries()) {
    if (sources[slot] !== undefined) continue;
    const { fallback } = field;
    if (fallback === undefined)
      throw new AvroSchemaError(`${describe(writer)} has no field [${field.name}], and the reader's has no default`);
    const value = compileRead(field.schema, state.readers);
    // Read anew for each document, which may change it.
    steps.push((_, values) => {
      values[slot] = value(new AvroInput(fallback));
    });
  }
  return read;
};

const writerField = (writer: RecordSchema, name: string, aliases: readonly string[]) =>
  writer.fields.find((field) => field.name === name) ?? writer.fields.find((field) => aliases.includes(field.name));

const readInto = (
  { fields }: RecordSchema,
  steps: readonly ((input: AvroInput, values: JsonValue[]) => void)[],
): Read => {
  const names = fields.map(({ name }) => name);
  const asMap = names.some(needsMap);
  return (input) => {
    input.enter();
    const values = new Array<JsonValue>(names.length).fill(null);
    for (const step of steps) step(input, values);
    input.leave();
    if (asMap) return new JsonMap(names.map((name, slot) => [name, values[slot]!]));
    const object: PlainObject = {};
    for (let slot = 0; slot < names.length; slot += 1) object[names[slot]!] = values[slot]!;
    return object;
  };
};
