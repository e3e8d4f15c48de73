import { illegalArgument } from '../../core/errors.ts';

export type Style = 'full' | 'short' | 'narrow';
export type NameField = 'month' | 'standaloneMonth' | 'dayOfWeek' | 'amPm';

const STYLES = { full: 'long', short: 'short', narrow: 'narrow' } as const;
const CACHE_SIZE = 256;
const cache = new Map<string, readonly string[]>();

/** Names in a language by number: months from 1, days of the week from Monday = 1, AM = 0. */
export const namesOf = (field: NameField, style: Style, locale: string): readonly string[] => {
  const key = `${field} ${style} ${locale}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const names = read(field, STYLES[style], locale);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, names);
  return names;
};

const read = (field: NameField, style: 'long' | 'short' | 'narrow', locale: string): readonly string[] => {
  const list = (length: number, options: Intl.DateTimeFormatOptions, type: string, date: (index: number) => number) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
    return Array.from(
      { length },
      (_, index) => format.formatToParts(date(index)).find((part) => part.type === type)!.value,
    );
  };
  const month = (index: number) => Date.UTC(2024, index, 1);
  switch (field) {
    // With a day, some languages put the name into another case: that is the one dates are written with.
    case 'month':
      return ['', ...list(12, { month: style, day: 'numeric' }, 'month', month)];
    case 'standaloneMonth':
      return ['', ...list(12, { month: style }, 'month', month)];
    case 'dayOfWeek':
      return ['', ...list(7, { weekday: style }, 'weekday', (index) => Date.UTC(2024, 0, 1 + index))];
    case 'amPm':
      return list(2, { hour: 'numeric', hour12: true }, 'dayPeriod', (index) => Date.UTC(2024, 0, 1, index * 12));
  }
};

/** The language tag of a `locale` option. @throws ProcessorError for a language without names */
export const localeOf = (locale: string): string => {
  if (/^(|root|english)$/i.test(locale)) return 'en';
  const tag = locale.replaceAll('_', '-');
  try {
    if (Intl.DateTimeFormat.supportedLocalesOf([tag]).length > 0) return tag;
  } catch {
    // Not a language tag at all.
  }
  throw illegalArgument(`Unknown language: ${locale}`);
};
