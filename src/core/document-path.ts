import { illegalArgument } from './errors.ts';

/** A dotted path, split once. */
export interface DocumentPath {
  readonly text: string;
  readonly parts: readonly string[];
  /** True for `_ingest.…`, which lives beside the document. */
  readonly ingest: boolean;
}

const CACHE_SIZE = 1024;
const cache = new Map<string, DocumentPath>();

/** Splits `a.b.0.c`, with the `_source.` and `_ingest.` prefixes that Elasticsearch knows. */
export const parsePath = (text: string): DocumentPath => {
  const known = cache.get(text);
  if (known !== undefined) return known;
  if (text === '') throw illegalArgument('path cannot be null nor empty');
  const ingest = text.startsWith('_ingest.');
  const rest = ingest
    ? text.slice('_ingest.'.length)
    : text.startsWith('_source.')
      ? text.slice('_source.'.length)
      : text;
  const parts = rest.split('.');
  while (parts.length > 0 && parts.at(-1) === '') parts.pop();
  if (parts.length === 0) throw illegalArgument(`path [${text}] is not valid`);
  const path = { text, parts, ingest };
  // Paths may come from templates, so the cache must not grow with the data.
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(text, path);
  return path;
};

/** The messages of Elasticsearch's IngestDocument. */
export const notPresent = (path: string, key: string) =>
  illegalArgument(`field [${key}] not present as part of path [${path}]`);
export const cannotResolve = (path: string, key: string, type: string) =>
  illegalArgument(
    type === 'null'
      ? `cannot resolve [${key}] from null as part of path [${path}]`
      : `cannot resolve [${key}] from object of type [${type}] as part of path [${path}]`,
  );
export const cannotSet = (path: string, key: string, type: string) =>
  illegalArgument(
    type === 'null'
      ? `cannot set [${key}] with null parent as part of path [${path}]`
      : `cannot set [${key}] with parent object of type [${type}] as part of path [${path}]`,
  );
export const cannotRemove = (path: string, key: string, type: string) =>
  illegalArgument(
    type === 'null'
      ? `cannot remove [${key}] from null as part of path [${path}]`
      : `cannot remove [${key}] from object of type [${type}] as part of path [${path}]`,
  );
const notInteger = (path: string, key: string) =>
  illegalArgument(`[${key}] is not an integer, cannot be used as an index as part of path [${path}]`);
const outOfBounds = (path: string, index: number, length: number) =>
  illegalArgument(`[${index}] is out of bounds for array with length [${length}] as part of path [${path}]`);

/** The index that `key` names in an array of `length` items. */
export const arrayIndex = (path: string, key: string, length: number): number => {
  if (!/^[+-]?\d{1,10}$/.test(key)) throw notInteger(path, key);
  const index = Number(key);
  if (index < 0 || index >= length) throw outOfBounds(path, index, length);
  return index;
};
