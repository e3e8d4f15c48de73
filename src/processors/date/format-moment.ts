import { dayOfWeek, dayOfYear, type LocalDate, type LocalTime, type Moment, wallClock } from './calendar.ts';
import { namesOf } from './names.ts';
import type { Element, Field, NumberElement, OffsetElement } from './pattern.ts';
import { offsetId, type Zone } from './zone.ts';

/** Writes a moment as the clock in `zone` shows it. */
export const formatMoment = (elements: readonly Element[], { epochSecond, nano }: Moment, zone: Zone): string => {
  const offset = zone.offsetAt(epochSecond);
  const local = { ...wallClock(epochSecond + offset), nano };
  return elements.map((element) => write(element, local, offset, zone)).join('');
};

type Local = LocalDate & LocalTime;

const write = (element: Element, local: Local, offset: number, zone: Zone): string => {
  switch (element.kind) {
    case 'literal':
      return element.text;
    case 'optional':
      return element.elements.map((each) => write(each, local, offset, zone)).join('');
    case 'number':
      return writeNumber(element, fieldOf(element.field, local));
    case 'name':
      return namesOf(element.names, element.style, 'en')[fieldOf(element.field, local)]!;
    case 'offset':
      return writeOffset(element, offset);
    case 'zone':
      return zone.id;
  }
};

const fieldOf = (field: Field, local: Local): number => {
  const { month, hour, minute, second, nano } = local;
  const secondOfDay = hour * 3600 + minute * 60 + second;
  switch (field) {
    case 'yearOfEra':
      return local.year > 0 ? local.year : 1 - local.year;
    case 'dayOfYear':
      return dayOfYear(local);
    case 'dayOfWeek':
      return dayOfWeek(local);
    case 'quarter':
      return Math.ceil(month / 3);
    case 'amPm':
      return hour < 12 ? 0 : 1;
    case 'clockHour':
      return hour === 0 ? 24 : hour;
    case 'hourOfAmPm':
      return hour % 12;
    case 'clockHourOfAmPm':
      return hour % 12 || 12;
    case 'milliOfDay':
      return secondOfDay * 1000 + Math.floor(nano / 1_000_000);
    case 'nanoOfDay':
      return secondOfDay * 1_000_000_000 + nano;
    default:
      return local[field];
  }
};

const writeNumber = ({ min, sign, base, fraction }: NumberElement, value: number): string => {
  if (fraction) return String(value).padStart(9, '0').slice(0, min);
  if (base !== undefined) return String(Math.abs(value) % 100).padStart(2, '0');
  const digits = String(Math.abs(value)).padStart(min, '0');
  if (value < 0) return `-${digits}`;
  return sign === 'exceeds' && digits.length > min ? `+${digits}` : digits;
};

const writeOffset = ({ colon, minutes, seconds, zero, prefix }: OffsetElement, offset: number): string => {
  const head = prefix === undefined ? '' : 'GMT';
  if (offset === 0) return head + zero;
  const [hour = '', minute = '', second] = offsetId(offset).split(':');
  const shownHour = prefix === 'short' ? hour.replace(/^([+-])0/, '$1') : hour;
  const separator = colon ? ':' : '';
  const tail = seconds && second !== undefined ? separator + second : '';
  return head + shownHour + (minutes === 'optional' && minute === '00' && tail === '' ? '' : separator + minute + tail);
};
