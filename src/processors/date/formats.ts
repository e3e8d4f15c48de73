import { illegalArgument, ProcessorError } from '../../core/errors.ts';
import type { Moment } from './calendar.ts';
import { formatMoment } from './format-moment.ts';
import { isoReader, type Reader } from './iso8601.ts';
import { parseText } from './parse-text.ts';
import { parsePattern } from './pattern.ts';
import { resolve } from './resolve.ts';
import type { Zone } from './zone.ts';

const numberError = (text: string) =>
  new ProcessorError('number_format_exception', text === '' ? 'empty String' : `For input string: "${text}"`);

const ofMillis = (millis: number): Moment => {
  const epochSecond = Math.floor(millis / 1000);
  return { epochSecond, nano: Math.round((millis - epochSecond * 1000) * 1_000_000) };
};

const unix: Reader = (text) => {
  if (!/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?\s*$/.test(text)) throw numberError(text.trim());
  return ofMillis(Math.trunc(Number(text.trim().replace(/[fFdD]$/, '')) * 1000));
};

const unixMillis: Reader = (text) => {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw numberError(text);
  return ofMillis(Number(text));
};

/** Ten seconds off TAI, as Logstash and Elasticsearch read it. */
const tai64n: Reader = (text) => {
  const match = /^@?[0-9a-f]([0-9a-f]{15})([0-9a-f]{8})/i.exec(text);
  if (match === null) throw numberError(text);
  const seconds = Number(BigInt(`0x${match[1]}`));
  return ofMillis(seconds * 1000 - 10_000 + Math.floor(Number.parseInt(match[2]!, 16) / 1_000_000));
};

const epoch =
  (perSecond: number): Reader =>
  (text) => {
    const match = /^(-?\d{1,15})(?:\.(\d{1,9}))?$/.exec(text);
    if (match === null) throw illegalArgument(`Text '${text}' could not be parsed at index 0`);
    const [, whole = '', fraction = ''] = match;
    const sign = whole.startsWith('-') ? -1 : 1;
    const nanos =
      BigInt(whole) * BigInt(1_000_000_000 / perSecond) +
      BigInt(sign * Math.trunc(Number(`0.${fraction || 0}`) * (1_000_000_000 / perSecond)));
    const nano = Number(((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
    return { epochSecond: Number((nanos - BigInt(nano)) / 1_000_000_000n), nano };
  };

const dateTime = { time: 'required', zone: 'required', shortest: 'second' } as const;
const optionalTime = isoReader({ time: 'optional', fraction: 'optional', zone: 'optional' });
const ISO_OUT = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX";
const NO_MILLIS_OUT = "yyyy-MM-dd'T'HH:mm:ssXXX";

interface Named {
  readonly read: Reader;
  /** The pattern it is written with. */
  readonly write?: string;
}

/** Elasticsearch's names of formats; the rest of them are patterns in PATTERNS, or not supported. */
const READERS: Readonly<Record<string, Named>> = {
  ISO8601: { read: optionalTime },
  UNIX: { read: unix },
  UNIX_MS: { read: unixMillis },
  TAI64N: { read: tai64n },
  iso8601: { read: optionalTime, write: ISO_OUT },
  strict_date_optional_time: { read: optionalTime, write: ISO_OUT },
  strict_date_optional_time_nanos: { read: optionalTime, write: "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX" },
  date_optional_time: {
    read: isoReader({ time: 'optional', fraction: 'optional', zone: 'optional', lenient: true }),
    write: ISO_OUT,
  },
  strict_date_time: { read: isoReader({ ...dateTime, fraction: 'required' }), write: ISO_OUT },
  date_time: { read: isoReader({ ...dateTime, fraction: 'required', lenient: true }), write: ISO_OUT },
  strict_date_time_no_millis: { read: isoReader({ ...dateTime, fraction: 'none' }), write: NO_MILLIS_OUT },
  date_time_no_millis: { read: isoReader({ ...dateTime, fraction: 'none', lenient: true }), write: NO_MILLIS_OUT },
  epoch_second: { read: epoch(1) },
  epoch_millis: { read: epoch(1000) },
};

const PATTERNS: Readonly<Record<string, string>> = {
  basic_date: 'yyyyMMdd',
  basic_date_time: "yyyyMMdd'T'HHmmss.SSSX",
  basic_date_time_no_millis: "yyyyMMdd'T'HHmmssX",
  date: 'yyyy-M-d',
  strict_date: 'yyyy-MM-dd',
  date_hour: "yyyy-M-d'T'H",
  strict_date_hour: "yyyy-MM-dd'T'HH",
  date_hour_minute: "yyyy-M-d'T'H:m",
  strict_date_hour_minute: "yyyy-MM-dd'T'HH:mm",
  date_hour_minute_second: "yyyy-M-d'T'H:m:s",
  strict_date_hour_minute_second: "yyyy-MM-dd'T'HH:mm:ss",
  date_hour_minute_second_millis: "yyyy-M-d'T'H:m:s.SSS",
  strict_date_hour_minute_second_millis: "yyyy-MM-dd'T'HH:mm:ss.SSS",
  year: 'y',
  strict_year: 'yyyy',
  year_month: 'yyyy-M',
  strict_year_month: 'yyyy-MM',
  year_month_day: 'yyyy-M-d',
  strict_year_month_day: 'yyyy-MM-dd',
  ordinal_date: 'yyyy-D',
  strict_ordinal_date: 'yyyy-DDD',
};

/** How a name of a format looks, and a pattern does not. */
const NAME = /^[a-z]+(?:_[a-z]+)+$/;

const patternOf = (format: string): string => {
  if (Object.hasOwn(PATTERNS, format)) return PATTERNS[format]!;
  if (NAME.test(format)) throw illegalArgument(`the format [${format}] is not supported by name: write its pattern`);
  return format;
};

/** @throws ProcessorError for a format that is wrong or not supported */
export const readerOf = (format: string): Reader => {
  if (Object.hasOwn(READERS, format)) return READERS[format]!.read;
  if (format.includes('||')) {
    const readers = format.split('||').map(readerOf);
    return (text, zone, locale, now) => firstOf(readers, (read) => read(text, zone, locale, now));
  }
  // Elasticsearch 6 marked Java's patterns with an 8.
  const elements = parsePattern(patternOf(format.replace(/^8/, '')));
  return (text, zone, locale, now) => resolve(parseText(text, elements, locale), zone, now);
};

/** The first answer; or the first error, where there is none. */
export const firstOf = <T, R>(list: readonly T[], attempt: (item: T) => R): R => {
  let first: unknown;
  for (const item of list) {
    try {
      return attempt(item);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
};

/** @throws ProcessorError for a format that is wrong or not supported */
export const writerOf = (format: string): ((moment: Moment, zone: Zone) => string) => {
  if (format === 'epoch_second') return ({ epochSecond }) => String(epochSecond);
  if (format === 'epoch_millis') return ({ epochSecond, nano }) => String(epochSecond * 1000 + Math.floor(nano / 1e6));
  const [name = ''] = format.split('||');
  const written = Object.hasOwn(READERS, name) ? READERS[name]!.write : undefined;
  const elements = parsePattern(written ?? patternOf(name.replace(/^8/, '')));
  return (moment, zone) => formatMoment(elements, moment, zone);
};
