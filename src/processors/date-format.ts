import { createRequire } from 'node:module';
import type * as Joda from '@js-joda/core';
import type { Locale as JodaLocale } from '@js-joda/locale';
import { illegalArgument, messageOf } from '../core/errors.ts';

interface Library
  extends Pick<
    typeof Joda,
    | 'DateTimeFormatter'
    | 'TemporalQueries'
    | 'ChronoField'
    | 'LocalDate'
    | 'LocalTime'
    | 'ZonedDateTime'
    | 'ZoneId'
    | 'Instant'
  > {
  readonly Locale: typeof JodaLocale;
}

let library: Library | undefined;

/** js-joda with its time zones and English names: 90 MB of process memory, so only for pipelines that parse dates. */
export const joda = (): Library => {
  if (library === undefined) {
    const require = createRequire(import.meta.url);
    const core = require('@js-joda/core') as typeof Joda;
    require('@js-joda/timezone');
    require('@js-joda/locale_en-us');
    library = { ...core, Locale: (require('@js-joda/locale') as { Locale: typeof JodaLocale }).Locale };
  }
  return library;
};

/** @throws ProcessorError for a zone that does not exist */
export const zoneOf = (name: string): Joda.ZoneId => {
  try {
    return joda().ZoneId.of(name === 'Z' ? 'UTC' : name);
  } catch {
    throw illegalArgument(`Unknown time-zone ID: ${name}`);
  }
};

const ENGLISH = /^(en|english|root)([-_]|$)/i;

/** @throws Error for a pattern that the library does not know, or a locale without its names */
export const patternFormatter = (pattern: string, locale: string): Joda.DateTimeFormatter => {
  const { DateTimeFormatter, Locale } = joda();
  if (!ENGLISH.test(locale) && /(M{3,}|L{3,}|E|e{3,}|c{3,}|a)/.test(pattern.replace(/'[^']*'/g, ''))) {
    throw illegalArgument(
      `the locale [${locale}] is not supported for names in [${pattern}]: sluice knows English ones`,
    );
  }
  try {
    return DateTimeFormatter.ofPattern(pattern).withLocale(Locale.US);
  } catch (error) {
    throw illegalArgument(`Invalid format: [${pattern}]: ${messageOf(error)}`);
  }
};

/** Parses a text to a moment; @throws where it does not fit */
export type DateParser = (text: string, zone: Joda.ZoneId, locale: string) => Joda.ZonedDateTime;

const ISO =
  /^([+-]?\d{4,9})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;

const iso8601: DateParser = (text, zone) => {
  const { LocalDate, LocalTime, ZonedDateTime } = joda();
  const match = ISO.exec(text);
  if (match === null) throw new Error(`failed to parse date field [${text}] with format [iso8601]`);
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
  const date = LocalDate.of(Number(year), Number(month), Number(day));
  const time = LocalTime.of(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(9, '0')));
  const own =
    offset === undefined ? zone : zoneOf(offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset);
  return ZonedDateTime.of(date, time, own).withZoneSameInstant(zone);
};

const ofMillis = (millis: number, zone: Joda.ZoneId): Joda.ZonedDateTime => {
  const { Instant, ZonedDateTime } = joda();
  return ZonedDateTime.ofInstant(Instant.ofEpochMilli(Math.trunc(millis)), zone);
};

const number = (text: string, pattern: RegExp): number => {
  if (!pattern.test(text)) throw new Error(`For input string: "${text}"`);
  return Number(text);
};

const tai64n: DateParser = (text, zone) => {
  const match = /^@?[0-9a-f]([0-9a-f]{15})([0-9a-f]{8})$/i.exec(text);
  if (match === null) throw new Error(`For input string: "${text}"`);
  return ofMillis(
    Number(BigInt(`0x${match[1]}`)) * 1000 - 10_000 + Math.floor(Number.parseInt(match[2]!, 16) / 1_000_000),
    zone,
  );
};

const NAMED: Readonly<Record<string, DateParser>> = {
  ISO8601: iso8601,
  UNIX: (text, zone) => ofMillis(number(text, /^[+-]?\d+(\.\d+)?$/) * 1000, zone),
  UNIX_MS: (text, zone) => ofMillis(number(text, /^[+-]?\d+$/), zone),
  TAI64N: tai64n,
};

/** One of Elasticsearch's named formats, or a Java time pattern. */
export const dateParser = (format: string): DateParser =>
  Object.hasOwn(NAMED, format) ? NAMED[format]! : javaPattern(format);

const javaPattern = (pattern: string): DateParser => {
  const formatters = new Map<string, Joda.DateTimeFormatter>();
  return (text, zone, locale) => {
    const { TemporalQueries, ChronoField, LocalDate, LocalTime, ZonedDateTime, Instant } = joda();
    let formatter = formatters.get(locale);
    if (formatter === undefined) {
      formatter = patternFormatter(pattern, locale);
      // Locales may come from templates: the cache must not grow with the data.
      if (formatters.size > 20) formatters.clear();
      formatters.set(locale, formatter);
    }
    const parsed = formatter.parse(text);
    const own = parsed.query(TemporalQueries.zone()) ?? zone;
    const field = (name: Joda.ChronoField, otherwise: number) =>
      parsed.isSupported(name) ? parsed.get(name) : otherwise;
    const date =
      parsed.query(TemporalQueries.localDate()) ??
      LocalDate.of(
        // As in Elasticsearch, a text without a year is of this year.
        field(ChronoField.YEAR, field(ChronoField.YEAR_OF_ERA, ZonedDateTime.ofInstant(Instant.now(), zone).year())),
        field(ChronoField.MONTH_OF_YEAR, 1),
        field(ChronoField.DAY_OF_MONTH, 1),
      );
    const time =
      parsed.query(TemporalQueries.localTime()) ??
      LocalTime.of(
        field(ChronoField.HOUR_OF_DAY, 0),
        field(ChronoField.MINUTE_OF_HOUR, 0),
        field(ChronoField.SECOND_OF_MINUTE, 0),
      );
    return ZonedDateTime.of(date, time, own).withZoneSameInstant(zone);
  };
};
