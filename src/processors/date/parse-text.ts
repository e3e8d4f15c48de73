import { ProcessorError } from '../../core/errors.ts';
import { namesOf } from './names.ts';
import type { Element, Field, NumberElement, OffsetElement } from './pattern.ts';
import { offsetZone, type Zone, zoneOf } from './zone.ts';
import { zoneOfAbbreviation } from './zone-names.ts';

/** What a text gives: numbers by field, and the zone it names. */
export interface Parsed {
  readonly fields: ReadonlyMap<Field, number>;
  readonly zone: Zone | undefined;
}

interface State {
  at: number;
  fields: Map<Field, number>;
  zone: Zone | undefined;
}

/** @throws ProcessorError with Java's message and index */
export const parseText = (text: string, elements: readonly Element[], locale: string): Parsed => {
  const state: State = { at: 0, fields: new Map(), zone: undefined };
  const failed = sequence(elements, text, state, locale);
  if (failed !== undefined) throw parseError(text, ` at index ${failed}`);
  if (state.at < text.length) throw parseError(text, `, unparsed text found at index ${state.at}`);
  return state;
};

export const parseError = (text: string, where: string) =>
  new ProcessorError('date_time_parse_exception', `Text '${text}' could not be parsed${where}`);

/** The index of the first element that does not fit, or undefined. */
const sequence = (elements: readonly Element[], text: string, state: State, locale: string): number | undefined => {
  for (const element of elements) {
    const from = state.at;
    if (!one(element, text, state, locale)) return from;
  }
  return undefined;
};

const one = (element: Element, text: string, state: State, locale: string): boolean => {
  switch (element.kind) {
    case 'literal':
      if (!text.startsWith(element.text, state.at)) return false;
      state.at += element.text.length;
      return true;
    case 'optional': {
      const before = { at: state.at, fields: new Map(state.fields), zone: state.zone };
      if (sequence(element.elements, text, state, locale) !== undefined) Object.assign(state, before);
      return true;
    }
    case 'number':
      return number(element, text, state);
    case 'name': {
      const names = namesOf(element.names, element.style, locale);
      let best = -1;
      for (const [index, name] of names.entries())
        if (name !== '' && text.startsWith(name, state.at) && name.length > (names[best]?.length ?? 0)) best = index;
      if (best < 0 || !put(state, element.field, best)) return false;
      state.at += names[best]!.length;
      return true;
    }
    case 'offset':
      return offset(element, text, state);
    case 'zone':
      return zone(element.abbreviated, text, state);
  }
};

/** A field may be given twice, but not differently. */
const put = (state: State, field: Field, value: number): boolean => {
  const known = state.fields.get(field);
  state.fields.set(field, value);
  return known === undefined || known === value;
};

/** Java's strict rules: the widths count, and a sign only where it may stand. */
const number = (element: NumberElement, text: string, state: State): boolean => {
  const { field, min, max, sign, subsequent, base = 0 } = element;
  const char = text[state.at];
  const minus = char === '-';
  const plus = char === '+';
  if ((plus && sign !== 'exceeds') || (minus && sign === 'never')) return false;
  const start = state.at + (plus || minus ? 1 : 0);
  const digits = /^\d*/.exec(text.slice(start, start + max + subsequent))![0].length;
  if (digits < min) return false;
  const width = subsequent > 0 ? Math.max(min, digits - subsequent) : digits;
  if (sign === 'exceeds' && !minus && plus !== width > min) return false;
  const read = text.slice(start, start + width);
  const value = element.fraction ? Number(read.padEnd(9, '0')) : Number(read) + base;
  if (minus && value === 0) return false;
  if (!put(state, field, minus ? -value : value)) return false;
  state.at = start + width;
  return true;
};

const offset = ({ colon, minutes, seconds, zero, prefix }: OffsetElement, text: string, state: State): boolean => {
  if (prefix !== undefined) {
    if (!text.startsWith('GMT', state.at)) return false;
    state.at += 3;
  }
  const rest = text.slice(state.at);
  const two = colon ? ':(\\d\\d)' : '(\\d\\d)';
  const tail = seconds ? `${two}(?:${two})?` : two;
  const hours = prefix === 'short' ? '(\\d{1,2})' : '(\\d\\d)';
  const match = new RegExp(`^([+-])${hours}${minutes === 'optional' ? `(?:${tail})?` : tail}`).exec(rest);
  if (match === null) {
    if (prefix === undefined && !rest.startsWith(zero)) return false;
    state.at += zero.length;
    state.zone = offsetZone(0);
    return true;
  }
  const [all, sign, hour = '0', minute = '0', second = '0'] = match;
  const size = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  if (size > 18 * 3600 || Number(minute) > 59 || Number(second) > 59) return false;
  state.at += all.length;
  state.zone = offsetZone(sign === '-' ? -size : size);
  return true;
};

/** Java wants offsets in full here; `GMT+2` is the zone GMT with something behind it. */
const OFFSET_ZONE = /^(?:[+-]\d\d:\d\d(?::\d\d)?|(?:UTC|GMT|UT)(?:[+-]\d\d:\d\d(?::\d\d)?)?(?![A-Za-z]))/;
const REGION = /^[A-Za-z][A-Za-z0-9~/._+-]*/;

const zone = (abbreviated: boolean, text: string, state: State): boolean => {
  const name = (OFFSET_ZONE.exec(text.slice(state.at)) ?? REGION.exec(text.slice(state.at)))?.[0];
  if (name === undefined) return false;
  try {
    state.zone = (abbreviated ? zoneOfAbbreviation(name) : undefined) ?? zoneOf(name);
  } catch {
    return false;
  }
  state.at += name.length;
  return true;
};
