import type { FileMetaData, ParquetParsers, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { parseExactJson } from '../../core/json/parse.ts';
import { Decimal, type JsonObject, type JsonValue, objectOf } from '../../core/json/values.ts';

const fraction = (units: bigint, digits: number): string => {
  const perSecond = 10n ** BigInt(digits);
  const part = ((units % perSecond) + perSecond) % perSecond;
  const seconds = Number((units - part) / perSecond);
  return new Date(seconds * 1000).toISOString().replace('.000Z', `.${String(part).padStart(digits, '0')}Z`);
};

/** Where the library's own would round: times keep all their digits, and JSON its numbers. */
export const EXACT_PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => fraction(BigInt(millis), 3),
  timestampFromMicroseconds: (micros) => fraction(BigInt(micros), 6),
  timestampFromNanoseconds: (nanos) => fraction(BigInt(nanos), 9),
  dateFromDays: (days) => new Date(days * 86_400_000).toISOString().slice(0, 10),
  jsonFromBytes: (bytes) => bytes && new Parsed(parseExactJson(Buffer.from(bytes).toString('utf8'))),
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
};

/** A column of JSON is not walked by the schema of the file. */
class Parsed {
  readonly value: JsonValue;
  constructor(value: JsonValue) {
    this.value = value;
  }
}

type Schema = FileMetaData['schema'][number];
const isDecimal = ({ converted_type, logical_type }: Schema): boolean =>
  converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL';
const SCALES = new WeakMap<Schema, number>();

/** The library makes doubles of decimals: it is given their columns as plain numbers and bytes instead. */
export const withoutDecimals = (metadata: FileMetaData): FileMetaData => ({
  ...metadata,
  schema: metadata.schema.map((element) => {
    if (!isDecimal(element)) return element;
    const { converted_type: _converted, logical_type: _logical, ...plain } = element;
    const { logical_type } = element;
    SCALES.set(plain, element.scale ?? (logical_type?.type === 'DECIMAL' ? logical_type.scale : 0));
    return plain;
  }),
});

type Convert = (value: unknown) => JsonValue;

/** Rows as the library gives them, as JSON that loses nothing. */
export const exactRows = (metadata: FileMetaData): ((row: object) => JsonObject) =>
  convertGroup(parquetSchema(metadata)) as (row: object) => JsonObject;

const convertGroup = (tree: SchemaTree): Convert => {
  const children = tree.children.map((child) => [child.element.name, convertNode(child)] as const);
  return (value) =>
    objectOf(children.map(([name, convert]) => [name, convert((value as Record<string, unknown>)[name])] as const));
};

const convertNode = (tree: SchemaTree): Convert => {
  const { element } = tree;
  const one = nullable(convertOne(tree));
  return element.repetition_type === 'REPEATED' ? nullable((values) => (values as unknown[]).map(one)) : one;
};

const convertOne = (tree: SchemaTree): Convert => {
  const { element, children } = tree;
  if (children.length === 0) return SCALES.has(element) ? decimalOf(SCALES.get(element)!) : plainOf;
  const kind = element.converted_type ?? element.logical_type?.type;
  const [inner] = children;
  if (kind === 'LIST' && inner !== undefined) {
    // Three levels, as the format says; two, as older writers have it.
    const item = inner.children.length === 1 ? convertNode(inner.children[0]!) : nullable(convertOne(inner));
    return (values) => (values as unknown[]).map(item);
  }
  if ((kind === 'MAP' || kind === 'MAP_KEY_VALUE') && inner?.children.length === 2) {
    const value = convertNode(inner.children[1]!);
    return (map) => objectOf(Object.entries(map as object).map(([key, item]) => [key, value(item)] as const));
  }
  return convertGroup(tree);
};

const nullable =
  (convert: Convert): Convert =>
  (value) =>
    value === undefined || value === null ? null : convert(value);

/** The digits as they are meant, whatever their number. */
const decimalOf =
  (scale: number): Convert =>
  (value) => {
    const unscaled = value instanceof Uint8Array ? signed(value) : BigInt(value as number | bigint);
    if (scale <= 0) return unscaled * 10n ** BigInt(-scale);
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    return new Decimal(`${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
  };

const signed = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));

const plainOf: Convert = (value) => {
  if (value instanceof Parsed) return value.value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  // JSON knows neither; Elasticsearch refuses them as numbers, and so does not lose them silently.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value as JsonValue;
};
