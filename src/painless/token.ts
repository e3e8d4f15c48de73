/**
 * Operators and keywords are tokens of the kind of their own text; the others are named here.
 * `dotid` and `dotinteger` stand behind `.` and `?.`, where `0.1` is two shortcuts and not a number, and where a
 * keyword is a name.
 */
export type TokenKind =
  | 'identifier'
  | 'dotid'
  | 'dotinteger'
  | 'integer'
  | 'decimal'
  | 'octal'
  | 'hex'
  | 'string'
  | 'regex'
  | 'primitive'
  | 'def'
  | 'end'
  | 'operator'
  | 'keyword';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a string what it means, of a regex its pattern. */
  readonly text: string;
  readonly offset: number;
  readonly end: number;
  /** Of a regex only. */
  readonly flags?: string;
}

export const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'in',
  'else',
  'while',
  'do',
  'for',
  'continue',
  'break',
  'return',
  'new',
  'try',
  'catch',
  'throw',
  'this',
  'instanceof',
  'true',
  'false',
  'null',
]);

export const PRIMITIVES: ReadonlySet<string> = new Set([
  'boolean',
  'byte',
  'short',
  'char',
  'int',
  'long',
  'float',
  'double',
]);

/** Longest first, so that the first that fits is the one. */
export const OPERATORS: readonly string[] = [
  ['>>>='],
  ['===', '!==', '==~', '<<=', '>>=', '>>>'],
  ['?.', '?:', '::', '->', '=~', '++', '--', '==', '!=', '<=', '>=', '&&', '||', '<<', '>>'],
  ['+=', '-=', '*=', '/=', '%=', '&=', '^=', '|='],
  ['{', '}', '[', ']', '(', ')', '.', ',', ';', '!', '~', '*', '/', '%', '+', '-', '<', '>', '&', '^', '|', '?'],
  [':', '=', '$'],
].flat();
