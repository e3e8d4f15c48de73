import { Decimal, type JsonValue } from '../../core/json/values.ts';
import { isoDate, isoDateTime, isoTime, unitsPerDay } from './calendar.ts';
import { dataFault } from './input.ts';
import type { LeafKind } from './schema.ts';

/** A value as Avro's binary encoding holds it. */
export type Raw = null | boolean | number | bigint | string | Buffer;
/** What a document gets for it. */
export type Convert = (raw: Raw) => JsonValue;

/** Unscaled numbers of more bytes take long to turn into digits, and nobody's decimals are that long. */
const MAX_DECIMAL_BYTES = 1024;
const MAX_PRECISION = 2500;
const DIGITS = { millis: 3, micros: 6, nanos: 9 } as const;

/** The conversion of a logical type, or undefined where the schema misuses it: the value is then taken as it is. */
export const logicalConversion = (
  kind: LeafKind,
  size: number,
  { logicalType, precision, scale = 0 }: { readonly [attribute: string]: unknown },
): Convert | undefined => {
  const name = String(logicalType);
  switch (`${name}:${kind}`) {
    case 'date:int':
      return (raw) => isoDate(raw as number);
    case 'time-millis:int':
      return timeOfDay(DIGITS.millis);
    case 'time-micros:long':
      return timeOfDay(DIGITS.micros);
    case 'uuid:string':
      return (raw) => raw as string;
    case 'uuid:fixed':
      return size === 16 ? (raw) => uuid(raw as Buffer) : undefined;
    case 'duration:fixed':
      return size === 12 ? (raw) => duration(raw as Buffer) : undefined;
    case 'decimal:bytes':
    case 'decimal:fixed':
      return isDigits(precision, 1) && isDigits(scale, 0) && scale <= precision
        ? (raw) => decimal(raw as Buffer, scale)
        : undefined;
  }
  const timestamp = /^(local-)?timestamp-(millis|micros|nanos)$/.exec(name);
  if (kind !== 'long' || timestamp === null) return undefined;
  const digits = DIGITS[timestamp[2] as keyof typeof DIGITS];
  const zone = timestamp[1] === undefined ? 'Z' : '';
  return (raw) => `${isoDateTime(raw as number | bigint, digits)}${zone}`;
};

const isDigits = (value: unknown, least: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_PRECISION;

const timeOfDay =
  (digits: number): Convert =>
  (raw) => {
    const units = Number(raw);
    if (units < 0 || units >= unitsPerDay(digits)) throw dataFault(`${raw} is not a time of day`);
    return isoTime(units, digits);
  };

const uuid = (bytes: Buffer): string => {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/** Months, days and milliseconds, which no calendar may mix: `P14M3DT4.005S`. */
const duration = (bytes: Buffer): string => {
  const [months, days, millis] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  const fraction = millis % 1000 === 0 ? '' : `.${String(millis % 1000).padStart(3, '0')}`;
  const time = millis === 0 ? '' : `T${Math.floor(millis / 1000)}${fraction}S`;
  return `P${months === 0 ? '' : `${months}M`}${days === 0 && (months > 0 || millis > 0) ? '' : `${days}D`}${time}`;
};

/** All digits, as the schema's scale has them: 5.00 stays 5.00; a whole number where the scale is 0. */
const decimal = (bytes: Buffer, scale: number): JsonValue => {
  if (bytes.length > MAX_DECIMAL_BYTES) throw dataFault(`a decimal of ${bytes.length} bytes`);
  const bits = bytes.length * 8;
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bits, BigInt(`0x${bytes.toString('hex')}`));
  if (scale === 0) return Number.isSafeInteger(Number(unscaled)) ? Number(unscaled) : unscaled;
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return new Decimal(`${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
};
