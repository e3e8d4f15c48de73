import { asciiFoldedRange, complement, intersection, rangeSource, union } from './class-source.ts';
import { escapedCodePoint, propertyEscape, quoted, refusedEscape } from './java-escape.ts';
import { FLAG } from './java-flags.ts';
import type { JavaReader } from './java-reader.ts';
import { predefinedSource } from './properties.ts';

/** What stands between the brackets of a Java class, from behind the opening one; answers JavaScript source. */
export const parseClass = (reader: JavaReader): string => {
  const start = reader.index - 1;
  const negate = reader.raw() === '^';
  if (negate) reader.index += 1;
  const source = parseMembers(reader, start, true);
  // UNICODE_CASE is left to JavaScript's own folding, which has to see the class as a whole.
  const folded = reader.has(FLAG.i) && reader.has(FLAG.u) ? `(?i:${source})` : source;
  if (!negate) return folded;
  return folded === source ? complement(source) : `(?:(?!${folded})[^])`;
};

/**
 * Members up to the closing bracket, which is read only where `close` says so. Java joins what it meets from left to
 * right; `&&` cuts what stands on its left down to what stands on its right, up to the bracket or another `&&`.
 */
const parseMembers = (reader: JavaReader, start: number, close: boolean): string => {
  let members: string[] = [];
  for (;;) {
    const char = reader.peek();
    if (char === '') reader.fail('Unclosed character class', start);
    if (char === ']' && members.length > 0) {
      if (close) reader.next();
      return union(members);
    }
    if (char === '[') {
      reader.next();
      members.push(nested(reader));
    } else if (char === '&' && isAnd(reader)) {
      const right = parseRight(reader, start);
      if (right === undefined && members.length === 0) reader.fail('Bad class syntax');
      if (members.length === 0) members = [right!];
      else if (right !== undefined) members = [intersection(union(members), right)];
    } else parseMember(reader, members);
  }
};

/** A class inside a class; folding by UNICODE_CASE happens once, around the outermost one. */
const nested = (reader: JavaReader): string => {
  const start = reader.index - 1;
  const negate = reader.raw() === '^';
  if (negate) {
    reader.index += 1;
    if (reader.has(FLAG.i) && reader.has(FLAG.u))
      reader.fail('a negated class in a class under (?iu) is not supported');
  }
  const source = parseMembers(reader, start, true);
  return negate ? complement(source) : source;
};

const isAnd = (reader: JavaReader): boolean => {
  const back = reader.index;
  reader.next();
  if (reader.peek() === '&') {
    reader.next();
    return true;
  }
  reader.index = back;
  return false;
};

const parseRight = (reader: JavaReader, start: number): string | undefined => {
  const parts: string[] = [];
  for (;;) {
    const char = reader.peek();
    if (char === '') reader.fail('Unclosed character class', start);
    if (char === ']' || char === '&') break;
    if (char === '[') {
      reader.next();
      parts.push(nested(reader));
    } else parts.push(parseMembers(reader, start, false));
  }
  return parts.length === 0 ? undefined : union(parts);
};

const parseMember = (reader: JavaReader, members: string[]): void => {
  const index = reader.index;
  const low = parseOne(reader, members);
  if (low === undefined) return;
  const high = parseRangeEnd(reader, low, index);
  members.push(rangeMember(reader, low, high));
};

export const rangeMember = (reader: JavaReader, low: number, high: number): string =>
  reader.has(FLAG.i) && !reader.has(FLAG.u) ? asciiFoldedRange(low, high) : rangeSource(low, high);

/** One code point; or a set, which goes to `members`. */
const parseOne = (reader: JavaReader, members: string[]): number | undefined => {
  const index = reader.index;
  const char = reader.next();
  if (char !== '\\') return char.codePointAt(0)!;
  const letter = reader.nextRaw();
  if (letter === '') reader.fail('Unescaped trailing backslash', index);
  if (letter === 'Q') {
    const literal = quoted(reader);
    const last = literal.pop();
    for (const codePoint of literal) members.push(rangeMember(reader, codePoint, codePoint));
    return last;
  }
  // An \E that ends no quotation is an error in Java as well.
  const set = predefinedSource(letter, reader.has(FLAG.U));
  if (set !== undefined) {
    members.push(set);
    return undefined;
  }
  if (letter === 'p' || letter === 'P') {
    members.push(propertyEscape(reader, letter));
    return undefined;
  }
  return escapedCodePoint(reader, letter) ?? refusedEscape(reader, letter, index);
};

const parseRangeEnd = (reader: JavaReader, low: number, index: number): number => {
  if (reader.peek() !== '-') return low;
  const back = reader.index;
  reader.next();
  const end = reader.peek();
  if (end === ']' || end === '[' || end === '') {
    reader.index = back;
    return low;
  }
  const high = parseOne(reader, []);
  if (high === undefined || high < low) reader.fail('Illegal character range', index);
  return high!;
};
