import { readJson } from '../core/json/read.ts';
import { getKey, isObject, type JsonObject, type JsonValue, keysOf } from '../core/json/values.ts';
import { findFiles, openFile } from '../sources/dump/files.ts';
import { LineSplitter } from '../sources/dump/lines.ts';

export interface EnrichedVector {
  readonly vector: readonly number[];
  /** UTF-16 positions in the text, where the vector stands for a part of it. */
  readonly start: number | undefined;
  readonly end: number | undefined;
}

/** What search and summary want of a document that sluice has written. */
export interface EnrichedDocument {
  readonly id: string | undefined;
  readonly title: string | undefined;
  /** The longest text of the document. */
  readonly text: string;
  readonly entities: readonly { readonly entity: string; readonly class_name: string }[];
  readonly vectors: readonly EnrichedVector[];
}

const MAX_LINE = 100 * 1024 * 1024;
const ACTIONS: ReadonlySet<string> = new Set(['index', 'create', 'update', 'delete']);

/** Reads the documents of a bulk body or of NDJSON, compressed or not. @throws SluiceError when the file cannot be read */
export async function* readEnriched(path: string): AsyncGenerator<EnrichedDocument> {
  const [file] = await findFiles([path]);
  const splitter = new LineSplitter(MAX_LINE);
  let action: JsonObject | undefined;
  const take = function* (bytes: Uint8Array): Generator<EnrichedDocument> {
    const { value } = readJson(bytes);
    if (!isObject(value)) return;
    const head = actionOf(value);
    if (action === undefined && head !== undefined) {
      // A delete has no document behind it.
      action = keysOf(value)[0] === 'delete' ? undefined : head;
      return;
    }
    yield enriched(value, action);
    action = undefined;
  };
  for await (const chunk of openFile(file!).stream)
    for (const { value } of splitter.push(chunk as Buffer)) yield* take(value);
  for (const { value } of splitter.end()) yield* take(value);
}

const actionOf = (value: JsonObject): JsonObject | undefined => {
  const keys = keysOf(value);
  const body = keys.length === 1 && ACTIONS.has(keys[0]!) ? getKey(value, keys[0]!) : undefined;
  return isObject(body) ? body : undefined;
};

const enriched = (document: JsonObject, action: JsonObject | undefined): EnrichedDocument => {
  const found = { entities: [] as { entity: string; class_name: string }[], vectors: [] as EnrichedVector[], text: '' };
  walk(document, found, 0);
  const text = (value: JsonValue | undefined) => (typeof value === 'string' ? value : undefined);
  const id = text(action && getKey(action, '_id')) ?? text(getKey(document, 'id'));
  return { id, title: text(getKey(document, 'title')), ...found };
};

/** Finds what inference wrote, wherever a pipeline put it. */
const walk = (
  value: JsonValue,
  found: { entities: { entity: string; class_name: string }[]; vectors: EnrichedVector[]; text: string },
  depth: number,
): void => {
  if (typeof value === 'string') {
    if (value.length > found.text.length) found.text = value;
    return;
  }
  if (depth > 20 || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (value.length >= 16 && value.every((item) => typeof item === 'number'))
      found.vectors.push({ vector: value as number[], start: undefined, end: undefined });
    else for (const item of value) walk(item, found, depth + 1);
    return;
  }
  if (!isObject(value)) return;
  const entity = getKey(value, 'entity');
  const className = getKey(value, 'class_name');
  if (typeof entity === 'string' && typeof className === 'string') {
    found.entities.push({ entity, class_name: className });
    return;
  }
  const embedding = getKey(value, 'embedding');
  const start = getKey(value, 'text_start');
  const end = getKey(value, 'text_end');
  if (Array.isArray(embedding) && typeof start === 'number' && typeof end === 'number') {
    found.vectors.push({ vector: embedding as number[], start, end });
    return;
  }
  for (const key of keysOf(value)) {
    // The annotated text repeats the document's own.
    if (key === 'predicted_value' && typeof getKey(value, key) === 'string') continue;
    walk(getKey(value, key)!, found, depth + 1);
  }
};
