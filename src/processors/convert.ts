import { isIP } from 'node:net';
import { z } from 'zod';
import { illegalArgument } from '../core/errors.ts';
import { Decimal, type JsonValue, javaString, toDouble } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';

const TYPES = ['integer', 'long', 'double', 'float', 'boolean', 'ip', 'string', 'auto'] as const;
type Type = (typeof TYPES)[number];

const cannot = (value: JsonValue, type: Type) => illegalArgument(`unable to convert [${javaString(value)}] to ${type}`);

const wholeNumber =
  (bits: number, type: Type) =>
  (value: JsonValue): JsonValue => {
    const text = javaString(value);
    const match = /^([+-]?)(?:0x([0-9a-f]+)|(\d+))$/i.exec(text);
    // Java decodes hexadecimal with a minus at most.
    if (match === null || (match[2] !== undefined && match[1] === '+')) throw cannot(value, type);
    const magnitude = BigInt(match[2] === undefined ? match[3]! : `0x${match[2]}`);
    const number = match[1] === '-' ? -magnitude : magnitude;
    if (BigInt.asIntN(bits, number) !== number) throw cannot(value, type);
    return Number.isSafeInteger(Number(number)) ? Number(number) : number;
  };

/** What Java's Double.parseDouble takes: white space around, a type suffix behind, NaN and Infinity by name. */
const FLOATING = /^[\s]*([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))[fd]?[\s]*$/i;

const floating =
  (type: 'double' | 'float') =>
  (value: JsonValue): JsonValue => {
    const match = FLOATING.exec(javaString(value));
    const number = match === null ? undefined : Number(match[1]);
    if (number === undefined || (Number.isNaN(number) && !/NaN/.test(match![1]!))) throw cannot(value, type);
    const rounded = type === 'float' ? shortestFloat(number) : number;
    return Number.isFinite(rounded) ? toDouble(rounded) : new Decimal(String(rounded));
  };

/** A float as Java prints it: the shortest digits that give the same float. */
const shortestFloat = (number: number): number => {
  const float = Math.fround(number);
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return float;
};

const boolean = (value: JsonValue): JsonValue => {
  const text = javaString(value).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw illegalArgument(`[${javaString(value)}] is not a boolean value, cannot convert to boolean`);
};

const ip = (value: JsonValue): JsonValue => {
  const text = javaString(value);
  if (isIP(text) === 0) throw illegalArgument(`'${text}' is not an IP string literal.`);
  return text;
};

const integer = wholeNumber(32, 'integer');
const long = wholeNumber(64, 'long');
const float = floating('float');

const auto = (value: JsonValue): JsonValue => {
  if (typeof value !== 'string') return value;
  for (const attempt of [boolean, integer, long, float]) {
    try {
      return attempt(value);
    } catch {
      // The next type.
    }
  }
  return value;
};

const CONVERSIONS: Readonly<Record<Type, (value: JsonValue) => JsonValue>> = {
  integer,
  long,
  double: floating('double'),
  float,
  boolean,
  ip,
  string: javaString,
  auto,
};

export const convert = defineProcessor({
  type: 'convert',
  summary: 'Converts a value, or each element of a list, to another type.',
  options: z.strictObject({
    field: z.string().describe('The field to convert.'),
    target_field: z.string().optional().describe('Where the result goes; default: field itself.'),
    type: z
      .enum(TYPES)
      .describe('The type to convert to; auto takes the first of boolean, integer, long, float that fits.'),
    ignore_missing: z.boolean().default(false).describe('Do nothing where field is missing or null.'),
  }),
  example: { options: { field: 'a', type: 'integer' }, before: { a: ['1', '0x10'] }, after: { a: [1, 16] } },
  build: ({ field, target_field, type, ignore_missing }) => {
    const conversion = CONVERSIONS[type];
    return {
      mode: 'sync',
      execute: (document) => {
        const value = ignore_missing ? (document.find(field) ?? null) : document.get(field);
        if (value === null) {
          if (ignore_missing) return 'keep';
          throw illegalArgument(`Field [${field}] is null, cannot be converted to type [${type}]`);
        }
        document.set(target_field ?? field, Array.isArray(value) ? value.map(conversion) : conversion(value));
        return 'keep';
      },
    };
  },
});
