import { complement, union } from './class-source.ts';
import { FLAG } from './java-flags.ts';
import type { JavaReader } from './java-reader.ts';
import { propertySource } from './properties.ts';

/** Escapes that stand for one code point. The backslash and `letter` are already read. */
const CONTROL: ReadonlyMap<string, number> = new Map([
  ['t', 9],
  ['n', 10],
  ['r', 13],
  ['f', 12],
  ['a', 7],
  ['e', 27],
]);

const isHex = (char: string): boolean => /^[0-9A-Fa-f]$/.test(char);
const isOctal = (char: string): boolean => char >= '0' && char <= '7';

const hexDigits = (reader: JavaReader, count: number, message: string): number => {
  let value = 0;
  for (let i = 0; i < count; i += 1) {
    const digit = reader.nextRaw();
    if (!isHex(digit)) reader.fail(message);
    value = value * 16 + Number.parseInt(digit, 16);
  }
  return value;
};

const octal = (reader: JavaReader): number => {
  let value = 0;
  let digits = 0;
  while (digits < 3 && isOctal(reader.raw()) && value * 8 + Number(reader.raw()) <= 0o377) {
    value = value * 8 + Number(reader.nextRaw());
    digits += 1;
  }
  return digits > 0 ? value : reader.fail('Illegal octal escape sequence');
};

const braced = (reader: JavaReader): number => {
  reader.index += 1;
  let value = 0;
  while (isHex(reader.raw())) {
    value = value * 16 + Number.parseInt(reader.nextRaw(), 16);
    if (value > 0x10ffff) reader.fail('Hexadecimal codepoint is too big');
  }
  return reader.nextRaw() === '}' ? value : reader.fail('Unclosed hexadecimal escape sequence');
};

/** `\uHHHH`; two of them that make a surrogate pair are one code point. */
const unicode = (reader: JavaReader): number => {
  const first = hexDigits(reader, 4, 'Illegal Unicode escape sequence');
  if (first < 0xd800 || first > 0xdbff || !reader.looksAt('\\u')) return first;
  const back = reader.index;
  reader.index += 2;
  const second = hexDigits(reader, 4, 'Illegal Unicode escape sequence');
  if (second >= 0xdc00 && second <= 0xdfff) return (first - 0xd800) * 0x400 + (second - 0xdc00) + 0x10000;
  reader.index = back;
  return first;
};

/** The code point that an escape stands for, or undefined where `letter` is none of those. */
export const escapedCodePoint = (reader: JavaReader, letter: string): number | undefined => {
  const control = CONTROL.get(letter);
  if (control !== undefined) return control;
  switch (letter) {
    case '0':
      return octal(reader);
    case 'x':
      return reader.raw() === '{' ? braced(reader) : hexDigits(reader, 2, 'Illegal hexadecimal escape sequence');
    case 'u':
      return unicode(reader);
    case 'c': {
      const char = reader.nextRaw();
      return char === '' ? reader.fail('Illegal control escape sequence') : char.codePointAt(0)! ^ 64;
    }
    default:
      return /^[0-9A-Za-z]$/.test(letter) ? undefined : letter.codePointAt(0);
  }
};

/** `\p{…}` and `\P{…}`, behind the letter. */
export const propertyEscape = (reader: JavaReader, letter: string): string => {
  const start = reader.index;
  let name = reader.next();
  if (name === '{') {
    const end = reader.text.indexOf('}', reader.index);
    if (end < 0) reader.fail('Unclosed character family', start);
    name = reader.text.slice(reader.index, end);
    reader.index = end + 1;
  }
  if (name === '') reader.fail('Empty character family', start);
  const source = propertySource(name, { ignoreCase: reader.has(FLAG.i), unicode: reader.has(FLAG.U) });
  if (source === undefined) return reader.fail(`\\${letter}{${name}} is unknown or not supported`, start);
  return letter === 'P' ? complement(union([source])) : source;
};

/** The code points between `\Q` and `\E`, behind the `\Q`. */
export const quoted = (reader: JavaReader): number[] => {
  const end = reader.text.indexOf('\\E', reader.index);
  const text = reader.text.slice(reader.index, end < 0 ? undefined : end);
  reader.index = end < 0 ? reader.text.length : end + 2;
  return Array.from(text, (char) => char.codePointAt(0)!);
};

/** What an escape that is no set, code point or assertion gets said about it. */
export const refusedEscape = (reader: JavaReader, letter: string, index: number): never => {
  const known = REFUSED.get(letter);
  return reader.fail(
    known === undefined ? 'Illegal/unsupported escape sequence' : `\\${letter} (${known}) is not supported`,
    index,
  );
};

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['G', 'end of the previous match'],
  ['X', 'grapheme cluster'],
  ['N', 'character by name'],
]);
