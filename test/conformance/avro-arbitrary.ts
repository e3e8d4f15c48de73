import avsc from 'avsc';
import fc from 'fast-check';
import { Decimal, type JsonValue, javaDouble, objectOf } from '../../src/core/json/values.ts';

/** A schema, a value as avsc writes it, and what a document must get for it. */
export interface AvroCase {
  readonly schema: unknown;
  readonly value: unknown;
  readonly expected: JsonValue;
}

/** avsc's own long holds only what a double does. */
export const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a - b),
});

/** Types are made first, then values of them: each type has to give the same schema every time. */
interface Shape {
  readonly schema: unknown;
  /** As the branch of a union is called. */
  readonly branch: string;
  readonly values: fc.Arbitrary<{ readonly value: unknown; readonly expected: JsonValue }>;
}

const same = <T extends JsonValue>(values: fc.Arbitrary<T>) =>
  values.map((value): { value: unknown; expected: JsonValue } => ({ value, expected: value }));

const text = fc.string({ unit: 'binary', maxLength: 8 });
const bytes = (size: { minLength: number; maxLength: number }) =>
  fc.uint8Array(size).map((array) => {
    const value = Buffer.from(array);
    return { value, expected: value.toString('base64') };
  });

let names = 0;
const named = (kind: string) => `${kind}${names++}`;

const leaves: readonly (() => Shape)[] = [
  () => ({ schema: 'null', branch: 'null', values: fc.constant({ value: null, expected: null }) }),
  () => ({ schema: 'boolean', branch: 'boolean', values: same(fc.boolean()) }),
  () => ({ schema: 'int', branch: 'int', values: same(fc.integer()) }),
  () => ({
    schema: 'long',
    branch: 'long',
    values: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => ({ value, expected: value })),
  }),
  () => ({
    schema: 'double',
    branch: 'double',
    values: fc.double().map((value) => ({
      value,
      expected: !Number.isFinite(value) ? null : Number.isInteger(value) ? new Decimal(javaDouble(value)) : value,
    })),
  }),
  () => ({ schema: 'string', branch: 'string', values: same(text) }),
  () => ({ schema: 'bytes', branch: 'bytes', values: bytes({ minLength: 0, maxLength: 9 }) }),
  () => {
    const name = named('Fixed');
    return { schema: { type: 'fixed', name, size: 3 }, branch: name, values: bytes({ minLength: 3, maxLength: 3 }) };
  },
  () => {
    const name = named('Enum');
    const symbols = ['A', 'B_2', 'c'];
    return { schema: { type: 'enum', name, symbols }, branch: name, values: same(fc.constantFrom(...symbols)) };
  },
  () => ({
    schema: { type: 'long', logicalType: 'timestamp-millis' },
    branch: 'long',
    values: fc
      .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
      .map((date) => ({
        value: date.getTime(),
        expected: date.toISOString(),
      })),
  }),
];

const arrayOf = ({ schema, values }: Shape): Shape => ({
  schema: { type: 'array', items: schema },
  branch: 'array',
  values: fc.array(values, { maxLength: 4 }).map((items) => ({
    value: items.map(({ value }) => value),
    expected: items.map(({ expected }) => expected),
  })),
});

const mapOf = ({ schema, values }: Shape): Shape => ({
  schema: { type: 'map', values: schema },
  branch: 'map',
  // avsc cannot write [__proto__], and writes integer keys out of order: values.test.ts has these.
  values: fc
    .uniqueArray(
      fc.tuple(
        text.map((key) => `k${key}`),
        values,
      ),
      { maxLength: 4, selector: ([key]) => key },
    )
    .map((entries) => ({
      value: Object.fromEntries(entries.map(([key, { value }]) => [key, value])),
      expected: objectOf(entries.map(([key, { expected }]) => [key, expected])),
    })),
});

const unionOf = (shapes: readonly Shape[]): Shape => {
  const branches = [...new Map(shapes.map((shape) => [shape.branch, shape])).values()];
  return {
    schema: branches.map(({ schema }) => schema),
    branch: 'union',
    values: fc.oneof(
      ...branches.map(({ branch, values }) =>
        values.map(({ value, expected }) => ({
          value: branch === 'null' ? null : { [branch]: value },
          expected,
        })),
      ),
    ),
  };
};

const recordOf = (shapes: readonly Shape[]): Shape => {
  const name = named('Record');
  const fields = shapes.map(({ schema }, index) => ({ name: `f${index}`, type: schema }));
  return {
    schema: { type: 'record', name, fields },
    branch: name,
    values: fc.tuple(...shapes.map(({ values }) => values)).map((items) => ({
      value: Object.fromEntries(items.map(({ value }, index) => [`f${index}`, value])),
      expected: objectOf(items.map(({ expected }, index) => [`f${index}`, expected])),
    })),
  };
};

const shapes = fc.letrec<{ shape: () => Shape; branch: () => Shape; record: () => Shape }>((tie) => {
  const list = (of: fc.Arbitrary<() => Shape>, minLength: number) => fc.array(of, { minLength, maxLength: 4 });
  const array = tie('shape').map((item) => () => arrayOf(item()));
  const map = tie('shape').map((item) => () => mapOf(item()));
  return {
    branch: fc.oneof({ maxDepth: 4 }, fc.constantFrom(...leaves), array, map, tie('record')),
    shape: fc.oneof(
      { maxDepth: 4 },
      tie('branch'),
      list(tie('branch'), 1).map((branches) => () => unionOf(branches.map((branch) => branch()))),
    ),
    record: list(tie('shape'), 0).map((fields) => () => recordOf(fields.map((field) => field()))),
  };
});

/** Records of any schema, with a value of it. */
export const avroSchemas = (): fc.Arbitrary<AvroCase> =>
  shapes.record.chain((make) => {
    const { schema, values } = make();
    return values.map(({ value, expected }) => ({ schema, value, expected }));
  });
