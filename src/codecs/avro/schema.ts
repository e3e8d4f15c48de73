import avsc, { type Type, type types } from 'avsc';
import { messageOf } from '../../core/errors.ts';
import { type Convert, logicalConversion } from './logical.ts';
import { AvroSchemaError, readSchemaText, type SchemaJson, unmaskSymbol } from './schema-text.ts';

export type LeafKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' | 'fixed';

/** A schema as the compilers of this folder want it. */
export type AvroSchema = LeafSchema | EnumSchema | ArraySchema | MapSchema | RecordSchema | UnionSchema;
interface Named {
  /** With its namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
}
export interface LeafSchema extends Partial<Named> {
  readonly kind: LeafKind;
  /** Of fixed. */
  readonly size: number;
  /** What the logical type makes of the value, where there is a valid one. */
  readonly logical: Convert | undefined;
}
export interface EnumSchema extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly fallback: string | undefined;
}
export interface ArraySchema {
  readonly kind: 'array';
  readonly items: AvroSchema;
}
export interface MapSchema {
  readonly kind: 'map';
  readonly values: AvroSchema;
}
export interface RecordSchema extends Named {
  readonly kind: 'record';
  readonly fields: readonly FieldSchema[];
}
export interface FieldSchema {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly schema: AvroSchema;
  /** The default in Avro's binary encoding. */
  readonly fallback: Uint8Array | undefined;
}
export interface UnionSchema {
  readonly kind: 'union';
  readonly branches: readonly AvroSchema[];
}

/** Keeps the attributes of a logical type, which avsc would drop. */
class MarkedType extends avsc.types.LogicalType {
  readonly attributes: { readonly [key: string]: SchemaJson };
  constructor(schema: ConstructorParameters<typeof avsc.types.LogicalType>[0], options?: object) {
    super(schema, options);
    this.attributes = schema as unknown as MarkedType['attributes'];
  }
  protected override _fromValue(value: unknown): unknown {
    return value;
  }
  protected override _toValue(value: unknown): unknown {
    return value;
  }
}

const LOGICAL_TYPES = Object.fromEntries(
  ['decimal', 'uuid', 'date', 'duration', 'time-millis', 'time-micros']
    .concat(['', 'local-'].flatMap((zone) => ['millis', 'micros', 'nanos'].map((unit) => `${zone}timestamp-${unit}`)))
    .map((name) => [name, MarkedType]),
);

/** Only for defaults: avsc's own long refuses those that a double cannot hold. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number | bigint) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' && value === BigInt.asIntN(64, value),
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

export interface SchemaTextOptions {
  /** Schemas that this one names, each after what it names itself. */
  readonly references?: readonly string[];
  /** True for a reader's schema: fields that were not written take their default. */
  readonly defaults: boolean;
}

/** avsc reads the schema: names, namespaces, aliases, defaults, and what is wrong with it. @throws AvroSchemaError */
export const parseAvroSchema = (text: string, { references = [], defaults }: SchemaTextOptions): AvroSchema => {
  // Without a prototype: a type may be called [constructor].
  const registry = Object.assign(Object.create(null) as Record<string, Type>, { long: exactLong });
  const options = { registry, logicalTypes: LOGICAL_TYPES, wrapUnions: 'always' as const };
  const parse = (source: string): Type =>
    avsc.Type.forSchema(readSchemaText(source, defaults) as Parameters<typeof avsc.Type.forSchema>[0], options);
  try {
    for (const reference of references) parse(reference);
    return translate(parse(text), new Map());
  } catch (error) {
    if (error instanceof AvroSchemaError) throw error;
    throw new AvroSchemaError(messageOf(error));
  }
};

const translate = (type: Type, done: Map<Type, AvroSchema>): AvroSchema => {
  const known = done.get(type);
  if (known !== undefined) return known;
  const made = translateNew(type, done);
  done.set(type, made);
  return made;
};

const translateNew = (type: Type, done: Map<Type, AvroSchema>): AvroSchema => {
  const [name, aliases] = [type.name ?? '', type.aliases ?? []];
  switch (type.typeName) {
    case 'array':
      return { kind: 'array', items: translate((type as types.ArrayType).itemsType, done) };
    case 'map':
      return { kind: 'map', values: translate((type as types.MapType).valuesType as Type, done) };
    case 'union:wrapped':
      return {
        kind: 'union',
        branches: (type as types.WrappedUnionType).types.map((branch) => translate(branch, done)),
      };
    case 'enum': {
      const { symbols, default: fallback } = type as types.EnumType & { readonly default: string | undefined };
      return {
        kind: 'enum',
        name,
        aliases,
        symbols: symbols.map(unmaskSymbol),
        fallback: fallback === undefined ? undefined : unmaskSymbol(fallback),
      };
    }
    case 'record':
    case 'error': {
      const fields: FieldSchema[] = [];
      const record: RecordSchema = { kind: 'record', name, aliases, fields };
      // Known before its fields are: they may name it.
      done.set(type, record);
      for (const field of (type as types.RecordType).fields) {
        const fallback: unknown = field.defaultValue();
        fields.push({
          name: field.name,
          aliases: field.aliases,
          schema: translate(field.type, done),
          fallback: fallback === undefined ? undefined : field.type.toBuffer(fallback),
        });
      }
      return record;
    }
    default:
      return leafOf(type);
  }
};

const leafOf = (type: Type): LeafSchema => {
  const base = type instanceof MarkedType ? type.underlyingType : type;
  const kind = base.typeName.replace('abstract:', '') as LeafKind;
  const size = kind === 'fixed' ? (base as types.FixedType).size : 0;
  const logical = type instanceof MarkedType ? logicalConversion(kind, size, type.attributes) : undefined;
  const named = kind === 'fixed' ? { name: base.name ?? '', aliases: base.aliases ?? [] } : {};
  return { kind, size, logical, ...named };
};
