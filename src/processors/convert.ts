import { isIP } from 'node:net';
import { z } from 'zod';
import { illegalArgument, ProcessorError } from '../core/errors.ts';
import { Decimal, type JsonValue, javaString, javaType, toDouble } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { nullElement } from './string-processor.ts';

const TYPES = ['integer', 'long', 'double', 'float', 'boolean', 'ip', 'string', 'auto'] as const;
type Type = (typeof TYPES)[number];

export const convert = defineProcessor({
  type: 'convert',
  summary: 'Converts a value, or each element of a list, to another type.',
  options: z.strictObject({
    field: z.string().describe('The field to convert.'),
    target_field: z.string().optional().describe('Where the result goes; default: field itself.'),
    type: z
      .string()
      .toLowerCase()
      .pipe(z.enum(TYPES, { error: ({ input }) => `type [${String(input)}] not supported, cannot convert field.` }))
      .meta({
        description: `One of ${TYPES.join(', ')}. auto takes the first of boolean, integer, long, float that fits a string.`,
        examples: [...TYPES],
      }),
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

const textOf = (value: JsonValue): string => {
  if (value === null) throw nullElement('Object.toString()');
  return javaString(value);
};

const cannot = (text: string, type: Type, input = text, radix = 10): ProcessorError => {
  const what = radix === 10 ? '' : ` under radix ${radix}`;
  const cause = new ProcessorError('number_format_exception', `For input string: "${input}"${what}`);
  return new ProcessorError('illegal_argument_exception', `unable to convert [${text}] to ${type}`, { cause });
};

const wholeNumber =
  (bits: number, type: Type) =>
  (value: JsonValue): JsonValue => {
    const text = textOf(value);
    const hexadecimal = /^(-?)0x(.*)$/s.exec(text);
    const [, sign, digits = ''] = hexadecimal ?? /^([+-]?)(\d+)$/.exec(text) ?? [];
    if (hexadecimal !== null && !/^[0-9a-f]+$/i.test(digits)) throw cannot(text, type, digits, 16);
    if (digits === '') throw cannot(text, type);
    const magnitude = BigInt(hexadecimal === null ? digits : `0x${digits}`);
    const number = sign === '-' ? -magnitude : magnitude;
    if (BigInt.asIntN(bits, number) !== number) throw cannot(text, type);
    return Number.isSafeInteger(Number(number)) ? Number(number) : number;
  };

/** What Java's Double.parseDouble takes: white space around, a type letter behind, NaN and Infinity by name. */
const FLOATING = /^[\0- ]*([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?))[\0- ]*$/;

const floating =
  (type: 'double' | 'float') =>
  (value: JsonValue): JsonValue => {
    const text = textOf(value);
    const digits = FLOATING.exec(text)?.[1];
    if (digits === undefined) throw cannot(text, type);
    const number = Number(digits.endsWith('NaN') ? Number.NaN : digits.replace(/[fFdD]$/, ''));
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
  const text = textOf(value).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw illegalArgument(`[${javaString(value)}] is not a boolean value, cannot convert to boolean`);
};

const ip = (value: JsonValue): JsonValue => {
  if (typeof value !== 'string') {
    throw new ProcessorError(
      'class_cast_exception',
      `class ${javaType(value)} cannot be cast to class java.lang.String`,
    );
  }
  if (isIP(value) === 0) throw illegalArgument(`'${value}' is not an IP string literal.`);
  return value;
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
  string: textOf,
  auto,
};
