import { ProcessorError } from '../../core/errors.ts';
import { SECONDS_PER_DAY, wallSecond } from './calendar.ts';

/** A time zone, as Java's `ZoneId`. */
export interface Zone {
  readonly id: string;
  /** Seconds east of UTC at a moment. */
  offsetAt(epochSecond: number): number;
}

const CACHE_SIZE = 256;
const cache = new Map<string, Zone>();

/** @throws ProcessorError for a zone that does not exist */
export const zoneOf = (id: string): Zone => {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const zone = fixedZone(id) ?? region(id);
  // Zones may come from templates, so the cache must not grow with the data.
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(id, zone);
  return zone;
};

export const offsetZone = (seconds: number): Zone => ({ id: offsetId(seconds), offsetAt: () => seconds });

export const offsetId = (seconds: number): string => {
  if (seconds === 0) return 'Z';
  const two = (value: number) => String(value).padStart(2, '0');
  const size = Math.abs(seconds);
  const tail = size % 60 === 0 ? '' : `:${two(size % 60)}`;
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(size / 3600))}:${two(Math.floor((size % 3600) / 60))}${tail}`;
};

const MAX_OFFSET = 18 * 3600;

/** `Z`, `UTC`, `+2`, `+02:00`, `-0230`, `UTC+2`, … */
const fixedZone = (id: string): Zone | undefined => {
  const match = /^(Z|UTC|GMT|UT|)(?:([+-])(\d{1,2})(?:(:?)(\d\d)(?:\4(\d\d))?)?)?$/.exec(id);
  if (match === null || id === '') return undefined;
  const [, name = '', sign, hours = '0', , minutes = '0', seconds = '0'] = match;
  if (sign === undefined) return { id: name, offsetAt: () => 0 };
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (name === 'Z' || Number(minutes) > 59 || Number(seconds) > 59 || size > MAX_OFFSET) return undefined;
  const offset = sign === '-' ? -size : size;
  return { id: name + offsetId(offset), offsetAt: () => offset };
};

/** Offsets of zones change at quarters of an hour, in all years that matter for speed. */
const SLOT = 900;
const SLOTS_FROM = 100_000_000;
const MAX_SLOTS = 4096;

const region = (id: string): Zone => {
  const unknown = () => new ProcessorError('zone_rules_exception', `Unknown time-zone ID: ${id}`);
  // Intl takes offsets in other ways, and does not care for case.
  if (!/^[A-Za-z]/.test(id)) throw unknown();
  let clock: Intl.DateTimeFormat;
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: id,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw unknown();
  }
  const { timeZone } = clock.resolvedOptions();
  if (timeZone !== id && timeZone.toLowerCase() === id.toLowerCase()) throw unknown();
  const slots = new Map<number, number>();
  const ask = (epochSecond: number): number => {
    const parts = clock.formatToParts(epochSecond * 1000);
    const part = (type: string) => parts.find((each) => each.type === type)!.value;
    const year = Number(part('year'));
    const wall = wallSecond(
      { year: part('era') === 'BC' ? 1 - year : year, month: Number(part('month')), day: Number(part('day')) },
      { hour: Number(part('hour')), minute: Number(part('minute')), second: Number(part('second')), nano: 0 },
    );
    return wall - epochSecond;
  };
  return {
    id,
    offsetAt: (epochSecond) => {
      if (epochSecond < SLOTS_FROM) return ask(epochSecond);
      const slot = Math.floor(epochSecond / SLOT);
      const known = slots.get(slot);
      if (known !== undefined) return known;
      const offset = ask(slot * SLOT);
      if (slots.size >= MAX_SLOTS) slots.clear();
      slots.set(slot, offset);
      return offset;
    },
  };
};

/**
 * The moment at which clocks in the zone show a time, as Java finds it: the earlier of two when they are set back, and
 * a time that they skip is read with the offset before.
 */
export const momentOf = (wall: number, zone: Zone): number => {
  const before = zone.offsetAt(wall - SECONDS_PER_DAY);
  if (zone.offsetAt(wall - before) === before) return wall - before;
  const after = zone.offsetAt(wall + SECONDS_PER_DAY);
  return zone.offsetAt(wall - after) === after ? wall - after : wall - before;
};
