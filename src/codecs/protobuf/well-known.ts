import { getKey, type JsonObject, type JsonValue, objectOf } from '../../core/json/values.ts';
import { dataFault } from './wire.ts';

/** Seconds of the years 1 to 9999, and of 10,000 years: beyond them the JSON mapping has no text. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;
const LONGEST = 315_576_000_000;

const whole = (message: JsonObject, field: string): number => {
  const value = getKey(message, field) ?? 0;
  return typeof value === 'bigint' ? Number(value) : (value as number);
};

/** No digits, or 3, 6 or 9 of them. */
const fraction = (nanos: number): string => {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/(?:000){1,2}$/, '')}`;
};

const timestamp = (message: JsonObject): JsonValue => {
  const seconds = whole(message, 'seconds');
  const nanos = whole(message, 'nanos');
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999_999_999)
    throw dataFault('a google.protobuf.Timestamp is not within the years 1 to 9999');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction(nanos)}Z`;
};

const duration = (message: JsonObject): JsonValue => {
  const seconds = whole(message, 'seconds');
  const nanos = whole(message, 'nanos');
  if (Math.abs(seconds) > LONGEST || Math.abs(nanos) > 999_999_999 || seconds * nanos < 0)
    throw dataFault('a google.protobuf.Duration is not within 10,000 years, or its parts have two signs');
  return `${seconds < 0 || nanos < 0 ? '-' : ''}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s`;
};

const fieldMask = (message: JsonObject): JsonValue =>
  ((getKey(message, 'paths') ?? []) as string[])
    .map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .join(',');

const value = (message: JsonObject): JsonValue => {
  for (const kind of ['numberValue', 'stringValue', 'boolValue', 'structValue', 'listValue']) {
    const found = getKey(message, kind);
    if (found === undefined) continue;
    if (kind === 'numberValue' && typeof found === 'string') throw dataFault(`a google.protobuf.Value is ${found}`);
    return found;
  }
  return null;
};

const WRAPPERS: Readonly<Record<string, JsonValue>> = {
  DoubleValue: 0,
  FloatValue: 0,
  Int64Value: 0,
  UInt64Value: 0,
  Int32Value: 0,
  UInt32Value: 0,
  BoolValue: false,
  StringValue: '',
  BytesValue: '',
};

/** Messages that the JSON mapping knows: what it makes of their fields, which are read with their JSON names. */
export const WELL_KNOWN: ReadonlyMap<string, (message: JsonObject) => JsonValue> = new Map([
  ['google.protobuf.Timestamp', timestamp],
  ['google.protobuf.Duration', duration],
  ['google.protobuf.FieldMask', fieldMask],
  ['google.protobuf.Struct', (message) => getKey(message, 'fields') ?? objectOf([])],
  ['google.protobuf.ListValue', (message) => getKey(message, 'values') ?? []],
  ['google.protobuf.Value', value],
  ...Object.keys(WRAPPERS).map(
    (name) => [`google.protobuf.${name}`, (message: JsonObject) => getKey(message, 'value')!] as const,
  ),
]);

/** Of these an absent field is its default. */
export const isWrapper = (typeName: string): boolean =>
  typeName.startsWith('google.protobuf.') && Object.hasOwn(WRAPPERS, typeName.slice('google.protobuf.'.length));
