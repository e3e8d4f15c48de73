const SECONDS_PER_DAY = 86_400;

/** A day's date as ISO 8601, from the days since 1970. Years beyond 9999 get a sign, as in Java. */
export const isoDate = (days: number): string => {
  // The calendar repeats every 400 years, and is easiest counted from 0000-03-01.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const digits = String(Math.abs(year)).padStart(4, '0');
  return `${year < 0 ? '-' : year > 9999 ? '+' : ''}${digits}-${two(month)}-${two(day)}`;
};

/** A time of day as ISO 8601 with `digits` digits of a second, from units of that size since midnight. */
export const isoTime = (units: number, digits: number): string => {
  const perSecond = 10 ** digits;
  const fraction = units % perSecond;
  const seconds = (units - fraction) / perSecond;
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${clock}.${String(fraction).padStart(digits, '0')}`;
};

/** Units of a day. */
export const unitsPerDay = (digits: number): number => SECONDS_PER_DAY * 10 ** digits;

/** Date and time as ISO 8601 without a zone, from units since 1970-01-01T00:00:00. Exact for every long. */
export const isoDateTime = (units: number | bigint, digits: number): string => {
  const perDay = unitsPerDay(digits);
  let rest = typeof units === 'bigint' ? Number(units % BigInt(perDay)) : units % perDay;
  if (rest < 0) rest += perDay;
  const days = typeof units === 'bigint' ? Number((units - BigInt(rest)) / BigInt(perDay)) : (units - rest) / perDay;
  return `${isoDate(days)}T${isoTime(rest, digits)}`;
};

const two = (number: number): string => (number < 10 ? `0${number}` : String(number));
