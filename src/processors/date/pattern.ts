import { illegalArgument } from '../../core/errors.ts';
import type { NameField, Style } from './names.ts';

/** Fields that a text can give. */
export type Field =
  | 'year'
  | 'yearOfEra'
  | 'month'
  | 'day'
  | 'dayOfYear'
  | 'dayOfWeek'
  | 'quarter'
  | 'amPm'
  | 'hour'
  | 'clockHour'
  | 'hourOfAmPm'
  | 'clockHourOfAmPm'
  | 'minute'
  | 'second'
  | 'nano'
  | 'milliOfDay'
  | 'nanoOfDay';

export interface NumberElement {
  readonly kind: 'number';
  readonly field: Field;
  readonly min: number;
  readonly max: number;
  readonly sign: 'normal' | 'never' | 'exceeds';
  /** Added to what was read: 2000 for two-digit years. */
  readonly base?: number;
  /** Digits are those behind the decimal point. */
  readonly fraction?: boolean;
  /** Digits that belong to the numbers right behind this one. */
  subsequent: number;
}

export interface OffsetElement {
  readonly kind: 'offset';
  readonly colon: boolean;
  readonly minutes: 'always' | 'optional';
  readonly seconds: boolean;
  /** How UTC itself is written. */
  readonly zero: string;
  /** Written as `GMT+2` or `GMT+02:00`. */
  readonly prefix?: 'short' | 'full';
}

export type Element =
  | { readonly kind: 'literal'; readonly text: string }
  | NumberElement
  | { readonly kind: 'name'; readonly field: Field; readonly names: NameField; readonly style: Style }
  | OffsetElement
  | { readonly kind: 'zone'; readonly abbreviated: boolean }
  | { readonly kind: 'optional'; readonly elements: readonly Element[] };

const NUMBERS: Readonly<Record<string, Field>> = {
  d: 'day',
  H: 'hour',
  k: 'clockHour',
  K: 'hourOfAmPm',
  h: 'clockHourOfAmPm',
  m: 'minute',
  s: 'second',
};
const LONG_NUMBERS: Readonly<Record<string, Field>> = { A: 'milliOfDay', n: 'nano', N: 'nanoOfDay' };

/**
 * Reads a pattern of Java's DateTimeFormatter.
 * @throws ProcessorError for letters that mean nothing, and by name for those that are not supported
 */
export const parsePattern = (pattern: string): readonly Element[] => {
  const fail = (what: string) => illegalArgument(`Invalid format: [${pattern}]: ${what}`);
  const open: Element[][] = [[]];
  // The number that takes digits on behalf of those right behind it.
  let active: NumberElement | undefined;
  const push = (element: Element) => {
    open.at(-1)!.push(element);
    if (element.kind !== 'number') active = undefined;
    else if (active !== undefined && element.min === element.max && element.sign === 'never')
      active.subsequent += element.max;
    else active = element;
  };
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at]!;
    if (char === "'") {
      const [text, end] = quoted(pattern, at);
      if (end < 0) throw fail('Pattern ends with an incomplete string literal');
      push({ kind: 'literal', text });
      at = end;
    } else if (/[A-Za-z]/.test(char)) {
      let end = at;
      while (pattern[end] === char) end += 1;
      const element = letters(char, end - at);
      if (typeof element === 'string') throw fail(element);
      push(element);
      at = end;
    } else if (char === '[') {
      open.push([]);
      active = undefined;
      at += 1;
    } else if (char === ']') {
      if (open.length === 1) throw fail('Pattern invalid as it contains ] without previous [');
      push({ kind: 'optional', elements: open.pop()! });
      at += 1;
    } else if (char === '{' || char === '}' || char === '#') {
      throw fail(`Pattern includes reserved character: '${char}'`);
    } else {
      push({ kind: 'literal', text: char });
      at += 1;
    }
  }
  // Java closes what is still open.
  while (open.length > 1) {
    const elements = open.pop()!;
    push({ kind: 'optional', elements });
  }
  return open[0]!;
};

/** The text in quotes, and where it ends; two quotes are one. */
const quoted = (pattern: string, start: number): [text: string, end: number] => {
  let text = '';
  for (let at = start + 1; at < pattern.length; at += 1) {
    if (pattern[at] !== "'") text += pattern[at];
    else if (pattern[at + 1] === "'") {
      text += "'";
      at += 1;
    } else return [text === '' && at === start + 1 ? "'" : text, at + 1];
  }
  return [text, -1];
};

const STYLES: Readonly<Record<number, Style>> = { 3: 'short', 4: 'full', 5: 'narrow' };

/** The element that `count` times the letter stands for, or what is wrong with it. */
const letters = (letter: string, count: number): Element | string => {
  const year = letter === 'u' ? 'year' : 'yearOfEra';
  const tooMany = `Too many pattern letters: ${letter}`;
  const number = (
    field: Field,
    min: number,
    max: number,
    sign: NumberElement['sign'],
    more: Partial<NumberElement> = {},
  ): Element => ({ kind: 'number', field, min, max, sign, subsequent: 0, ...more });
  const oneOrTwo = (field: Field): Element =>
    count === 1 ? number(field, 1, 19, 'normal') : number(field, 2, 2, 'never');
  if (Object.hasOwn(NUMBERS, letter)) return count > 2 ? tooMany : oneOrTwo(NUMBERS[letter]!);
  if (Object.hasOwn(LONG_NUMBERS, letter)) return number(LONG_NUMBERS[letter]!, count, 19, 'never');
  switch (letter) {
    case 'u':
    case 'y':
      if (count === 2) return number(year, 2, 2, 'never', { base: 2000 });
      return number(year, count, 19, count < 4 ? 'normal' : 'exceeds');
    case 'M':
    case 'L':
      if (count > 5) return tooMany;
      if (count <= 2) return oneOrTwo('month');
      return {
        kind: 'name',
        field: 'month',
        names: letter === 'M' ? 'month' : 'standaloneMonth',
        style: STYLES[count]!,
      };
    case 'Q':
    case 'q':
      return count > 2 ? `[${letter.repeat(count)}] (quarters by name) is not supported` : oneOrTwo('quarter');
    case 'E':
      return count > 5
        ? tooMany
        : { kind: 'name', field: 'dayOfWeek', names: 'dayOfWeek', style: STYLES[count] ?? 'short' };
    case 'a':
      return count > 1 ? tooMany : { kind: 'name', field: 'amPm', names: 'amPm', style: 'short' };
    case 'D':
      return count > 3 ? tooMany : number('dayOfYear', count, count === 1 ? 19 : 3, count === 1 ? 'normal' : 'never');
    case 'S':
      return count > 9 ? tooMany : number('nano', count, count, 'never', { fraction: true });
    case 'V':
      return count === 2 ? { kind: 'zone', abbreviated: false } : `Pattern letter count must be 2: ${letter}`;
    case 'z':
      return count > 4 ? tooMany : { kind: 'zone', abbreviated: true };
    case 'X':
    case 'x':
    case 'Z':
    case 'O':
      return offset(letter, count) ?? tooMany;
    default:
      return /[BFGWYceghpvwg]/.test(letter)
        ? `the pattern letter [${letter}] is not supported`
        : `Unknown pattern letter: ${letter}`;
  }
};

const offset = (letter: string, count: number): OffsetElement | undefined => {
  if (letter === 'O' || (letter === 'Z' && count === 4)) {
    if (letter === 'O' && count !== 1 && count !== 4) return undefined;
    const prefix = count === 1 ? 'short' : 'full';
    return {
      kind: 'offset',
      colon: true,
      minutes: prefix === 'full' ? 'always' : 'optional',
      seconds: true,
      zero: '',
      prefix,
    };
  }
  if (count > 5) return undefined;
  if (letter === 'Z') {
    return count === 5
      ? { kind: 'offset', colon: true, minutes: 'always', seconds: true, zero: 'Z' }
      : { kind: 'offset', colon: false, minutes: 'always', seconds: false, zero: '+0000' };
  }
  const colon = count === 3 || count === 5;
  const zero = letter === 'X' ? 'Z' : count === 1 ? '+00' : colon ? '+00:00' : '+0000';
  return { kind: 'offset', colon, minutes: count === 1 ? 'optional' : 'always', seconds: count > 3, zero };
};
