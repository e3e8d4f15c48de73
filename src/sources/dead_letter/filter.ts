import type { DeadLetter } from './letter.ts';

/** Which dead letters are meant; what is absent matches all. */
export interface LetterFilter {
  /** Of the error, e.g. document_parsing_exception. */
  readonly types?: readonly string[] | undefined;
  /** Of the processor that failed. */
  readonly tags?: readonly string[] | undefined;
  readonly topics?: readonly string[] | undefined;
  readonly ids?: readonly string[] | undefined;
  /** Milliseconds since 1970 at which they failed: from, and before. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export const matches = (letter: DeadLetter, filter: LetterFilter): boolean => {
  const { types, tags, topics, ids, since, until } = filter;
  const among = (wanted: readonly string[] | undefined, value: string | undefined) =>
    wanted === undefined || (value !== undefined && wanted.includes(value));
  return (
    among(types, letter.type) &&
    among(tags, letter.tag) &&
    among(topics, letter.topic) &&
    (ids === undefined || ids.includes(letter.id) || ids.includes(letter.place)) &&
    (since === undefined || letter.time >= since) &&
    (until === undefined || letter.time < until)
  );
};
