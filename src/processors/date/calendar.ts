/** A moment: seconds since 1970 in UTC, and nanoseconds behind them. */
export interface Moment {
  readonly epochSecond: number;
  readonly nano: number;
}

export interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

export interface LocalTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nano: number;
}

export const MIDNIGHT: LocalTime = { hour: 0, minute: 0, second: 0, nano: 0 };
export const SECONDS_PER_DAY = 86_400;

export const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

export const monthLength = (year: number, month: number): number => {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
};

/** Days since 1970-01-01. Counts from March, so that the leap day ends a year; 400 years have 146,097 days. */
export const epochDay = ({ year, month, day }: LocalDate): number => {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

export const dateOfEpochDay = (days: number): LocalDate => {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
};

export const dayOfYear = (date: LocalDate): number =>
  epochDay(date) - epochDay({ year: date.year, month: 1, day: 1 }) + 1;

/** 1 is Monday. */
export const dayOfWeek = (date: LocalDate): number => ((((epochDay(date) + 3) % 7) + 7) % 7) + 1;

/** Seconds that the clock on the wall shows, as if it stood in UTC. */
export const wallSecond = (date: LocalDate, { hour, minute, second }: LocalTime): number =>
  epochDay(date) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;

export const wallClock = (second: number): LocalDate & Omit<LocalTime, 'nano'> => {
  const days = Math.floor(second / SECONDS_PER_DAY);
  const rest = second - days * SECONDS_PER_DAY;
  return {
    ...dateOfEpochDay(days),
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
  };
};
