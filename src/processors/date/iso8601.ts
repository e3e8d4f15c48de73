import type { Moment } from './calendar.ts';
import { parseError } from './parse-text.ts';
import type { Field } from './pattern.ts';
import { resolve } from './resolve.ts';
import { type Zone, zoneOf } from './zone.ts';

type Need = 'none' | 'optional' | 'required';

export interface IsoShape {
  readonly time: Need;
  readonly fraction: Need;
  readonly zone: Need;
  /** The last part of the time that may be left out with what is behind it. */
  readonly shortest?: 'hour' | 'minute' | 'second';
  /** Fields of one digit too. */
  readonly lenient?: boolean;
}

export type Reader = (text: string, zone: Zone, locale: string, now: number) => Moment;

/** Elasticsearch's formats around ISO 8601, from `iso8601` to `strict_date_time_no_millis`. */
export const isoReader = (shape: IsoShape): Reader => {
  const pattern = new RegExp(`^${source(shape)}$`);
  const leading = new RegExp(`^${source({ ...shape, time: 'none', zone: 'none' })}`);
  return (text, zone, _locale, now) => {
    const match = pattern.exec(text);
    if (match === null) {
      const date = leading.exec(text)?.[0].length ?? 0;
      throw parseError(text, date === 0 ? ' at index 0' : `, unparsed text found at index ${date}`);
    }
    const [, year, month, day, hour, minute, second, fraction, named] = match;
    const fields = new Map<Field, number>();
    const put = (field: Field, digits: string | undefined) => {
      if (digits !== undefined) fields.set(field, Number(digits));
    };
    put('year', year);
    put('month', month);
    put('day', day);
    put('hour', hour);
    put('minute', minute);
    put('second', second);
    put('nano', fraction?.padEnd(9, '0'));
    return resolve({ fields, zone: named === undefined ? undefined : zoneOf(named) }, zone, now);
  };
};

const source = ({ time, fraction, zone, shortest = 'hour', lenient = false }: IsoShape): string => {
  const two = lenient ? '(\\d{1,2})' : '(\\d\\d)';
  const maybe = (inside: string, need: boolean) => (need ? inside : `(?:${inside})?`);
  const seconds = `:${two}${fraction === 'none' ? '()' : maybe('[.,](\\d{1,9})', fraction === 'required')}`;
  const minutes = `:${two}${maybe(seconds, shortest === 'second')}`;
  const clock = `T${maybe(`${two}${maybe(minutes, shortest !== 'hour')}`, time === 'required')}`;
  const date = `(\\d{4})${maybe(`-${two}${maybe(`-${two}`, time === 'required')}`, time === 'required')}`;
  const named = '(Z|[+-]\\d\\d(?::?\\d\\d(?::?\\d\\d)?)?|[A-Z][A-Za-z]*(?:/[A-Za-z0-9_+-]+)*)';
  if (time === 'none') return date;
  const tail = zone === 'none' ? '' : maybe(named, zone === 'required');
  return date + maybe(clock + tail, time === 'required');
};
