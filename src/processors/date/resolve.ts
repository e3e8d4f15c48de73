import { ProcessorError } from '../../core/errors.ts';
import {
  dateOfEpochDay,
  dayOfWeek,
  epochDay,
  isLeapYear,
  type LocalDate,
  type LocalTime,
  MIDNIGHT,
  type Moment,
  monthLength,
  wallSecond,
} from './calendar.ts';
import type { Parsed } from './parse-text.ts';
import type { Field } from './pattern.ts';
import { momentOf, type Zone } from './zone.ts';

const RANGES: Readonly<Record<Field, readonly [name: string, min: number, max: number, shown?: string]>> = {
  year: ['Year', -999_999_999, 999_999_999],
  yearOfEra: ['YearOfEra', 1, 1_000_000_000, '1 - 999999999/1000000000'],
  month: ['MonthOfYear', 1, 12],
  day: ['DayOfMonth', 1, 31, '1 - 28/31'],
  dayOfYear: ['DayOfYear', 1, 366, '1 - 365/366'],
  dayOfWeek: ['DayOfWeek', 1, 7],
  quarter: ['QuarterOfYear', 1, 4],
  amPm: ['AmPmOfDay', 0, 1],
  hour: ['HourOfDay', 0, 23],
  clockHour: ['ClockHourOfDay', 1, 24],
  hourOfAmPm: ['HourOfAmPm', 0, 11],
  clockHourOfAmPm: ['ClockHourOfAmPm', 1, 12],
  minute: ['MinuteOfHour', 0, 59],
  second: ['SecondOfMinute', 0, 59],
  nano: ['NanoOfSecond', 0, 999_999_999],
  milliOfDay: ['MilliOfDay', 0, 86_399_999],
  nanoOfDay: ['NanoOfDay', 0, 86_399_999_999_999],
};

const MONTHS = 'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER'.split(' ');

const dateTimeError = (message: string) => new ProcessorError('date_time_exception', message);

/** @throws ProcessorError with Java's message for a value out of its range */
export const checkRanges = (fields: ReadonlyMap<Field, number>): void => {
  for (const [field, value] of fields) {
    const [name, min, max, shown = `${min} - ${max}`] = RANGES[field];
    if (value < min || value > max) throw dateTimeError(`Invalid value for ${name} (valid values ${shown}): ${value}`);
  }
};

/**
 * The moment that the parsed fields mean. What is missing behind the year is the first, or midnight; without a year it
 * is this year in `zone`, whatever zone the text names: Elasticsearch's rules.
 */
export const resolve = ({ fields, zone: named }: Parsed, zone: Zone, now: number): Moment => {
  checkRanges(fields);
  const time = timeOf(fields) ?? MIDNIGHT;
  const year = fields.get('year') ?? fields.get('yearOfEra');
  const date = year === undefined ? thisYear(fields, now) : dateOf(year, fields);
  // Java compares with dates that it resolves itself; for years of an era it leaves that to Elasticsearch.
  const weekday = fields.has('year') ? fields.get('dayOfWeek') : undefined;
  if (weekday !== undefined && fields.has('day') && weekday !== dayOfWeek(date)) {
    const shown = [date.year, date.month, date.day].map((part) => String(part).padStart(2, '0')).join('-');
    throw dateTimeError(
      `Conflict found: Field DayOfWeek ${dayOfWeek(date)} differs from DayOfWeek ${weekday} derived from ${shown}`,
    );
  }
  const wanted = year === undefined ? zone : (named ?? zone);
  return { epochSecond: momentOf(wallSecond(date, time), wanted), nano: time.nano };
};

const dateOf = (year: number, fields: ReadonlyMap<Field, number>): LocalDate => {
  const ofYear = fields.get('dayOfYear');
  if (ofYear !== undefined) {
    if (ofYear === 366 && !isLeapYear(year))
      throw dateTimeError(`Invalid date 'DayOfYear 366' as '${year}' is not a leap year`);
    return dateOfEpochDay(epochDay({ year, month: 1, day: 1 }) + ofYear - 1);
  }
  return checkedDate({ year, month: fields.get('month') ?? 1, day: fields.get('day') ?? 1 });
};

/** @throws ProcessorError with Java's message for a day that the month does not have */
export const checkedDate = (date: LocalDate): LocalDate => {
  const { year, month, day } = date;
  if (day <= monthLength(year, month)) return date;
  throw dateTimeError(
    day === 29
      ? `Invalid date 'February 29' as '${year}' is not a leap year`
      : `Invalid date '${MONTHS[month - 1]} ${day}'`,
  );
};

/** A day that the month does not have becomes its last. */
const thisYear = (fields: ReadonlyMap<Field, number>, now: number): LocalDate => {
  const year = new Date(now).getUTCFullYear();
  const month = fields.get('month') ?? 1;
  return { year, month, day: Math.min(fields.get('day') ?? 1, monthLength(year, month)) };
};

/** Undefined where the fields do not give the hour: then minutes count for nothing. */
const timeOf = (fields: ReadonlyMap<Field, number>): LocalTime | undefined => {
  const nanos = fields.get('nanoOfDay') ?? times(fields.get('milliOfDay'), 1_000_000);
  if (nanos !== undefined) {
    const second = Math.floor(nanos / 1_000_000_000);
    return {
      hour: Math.floor(second / 3600),
      minute: Math.floor((second % 3600) / 60),
      second: second % 60,
      nano: nanos % 1_000_000_000,
    };
  }
  const hour = hourOf(fields);
  if (hour === undefined) return undefined;
  return {
    hour,
    minute: fields.get('minute') ?? 0,
    second: fields.get('second') ?? 0,
    nano: fields.get('nano') ?? 0,
  };
};

const hourOf = (fields: ReadonlyMap<Field, number>): number | undefined => {
  const clockHour = fields.get('clockHour');
  const half = fields.get('amPm');
  const clockHalf = fields.get('clockHourOfAmPm');
  const ofHalf = fields.get('hourOfAmPm') ?? (clockHalf === undefined ? undefined : clockHalf % 12);
  const hour = fields.get('hour') ?? (clockHour === undefined ? undefined : clockHour % 24);
  return hour ?? (half === undefined || ofHalf === undefined ? undefined : half * 12 + ofHalf);
};

const times = (value: number | undefined, factor: number) => (value === undefined ? undefined : value * factor);
