import { FLAG } from './java-flags.ts';
import { UNICODE_WORD } from './properties.ts';

/**
 * Java's conditions on the position, as JavaScript. The `m` flag of JavaScript is never on, so its own `^` and `$`
 * are the ends of the text here.
 */
const FINAL_LINE_END = '(?=(?:\\r\\n|(?<!\\r)\\n|[\\r\\x85\\u2028\\u2029])?$)';
const ANY_LINE_END = '(?=\\r|(?<!\\r)\\n|[\\x85\\u2028\\u2029]|$)';
/** Never at the end of the text, not even of an empty one. */
const LINE_START = '(?:(?!$)(?:^|(?<=[\\n\\x85\\u2028\\u2029]|\\r(?!\\n))))';
const UNIX_LINE_START = '(?:(?!$)(?:^|(?<=\\n)))';

export const caret = (flags: number): string => {
  if ((flags & FLAG.m) === 0) return '^';
  return (flags & FLAG.d) === 0 ? LINE_START : UNIX_LINE_START;
};

export const dollar = (flags: number): string => {
  const unix = (flags & FLAG.d) !== 0;
  if ((flags & FLAG.m) === 0) return unix ? '(?=\\n?$)' : FINAL_LINE_END;
  return unix ? '(?=\\n|$)' : ANY_LINE_END;
};

export const dot = (flags: number): string => {
  if ((flags & FLAG.s) !== 0) return '[^]';
  return (flags & FLAG.d) === 0 ? '[^\\n\\r\\x85\\u2028\\u2029]' : '[^\\n]';
};

const wordBoundary = (flags: number, negate: boolean): string => {
  if ((flags & FLAG.U) === 0) return negate ? '\\B' : '\\b';
  const word = UNICODE_WORD;
  return negate
    ? `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`
    : `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
};

/** JavaScript source for `\A`, `\b` …, or undefined where the letter is no condition. */
export const anchorEscape = (letter: string, flags: number): string | undefined => {
  switch (letter) {
    case 'A':
      return '^';
    case 'z':
      return '$';
    case 'Z':
      return dollar(flags & ~FLAG.m);
    case 'b':
      return wordBoundary(flags, false);
    case 'B':
      return wordBoundary(flags, true);
    default:
      return undefined;
  }
};
