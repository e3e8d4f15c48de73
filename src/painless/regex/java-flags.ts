/** Java's Pattern flags as letters of inline flags, and as Painless writes them behind a regex literal. */
export const FLAG = {
  /** CASE_INSENSITIVE, for ASCII unless UNICODE_CASE is on too. */
  i: 1,
  /** MULTILINE */
  m: 2,
  /** DOTALL */
  s: 4,
  /** COMMENTS */
  x: 8,
  /** UNICODE_CASE */
  u: 16,
  /** UNICODE_CHARACTER_CLASS, which brings UNICODE_CASE with it */
  U: 32,
  /** UNIX_LINES */
  d: 64,
  /** LITERAL: only as an option, never inline */
  l: 128,
} as const;

const LETTERS: ReadonlyMap<string, number> = new Map(Object.entries(FLAG));

/** The bits of one letter, or undefined where Java has no such flag. */
export const flagBits = (letter: string): number | undefined =>
  letter === 'U' ? FLAG.U | FLAG.u : LETTERS.get(letter);
