import { messageOf, ProcessorError } from '../../core/errors.ts';
import { readJson } from '../../core/json/read.ts';
import { entriesOf, getKey, hasKey, isObject, type JsonObject, type PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import { fileJsonCodec, noDocument } from './file-codec.ts';
import type { DumpRecord, RecordReader } from './records.ts';

/** What stands around a document in a dump that keeps its metadata; `_file._id` and so on in templates. */
export type Envelope = PlainObject;

export const ACTIONS = ['index', 'create', 'update', 'delete'] as const;

/** Names as they stand in bulk bodies and search hits, and the metadata field that each is. */
const FIELDS: Readonly<Record<string, string>> = {
  _index: '_index',
  _id: '_id',
  _routing: '_routing',
  routing: '_routing',
  _version: '_version',
  version: '_version',
  _seq_no: '_seq_no',
  _primary_term: '_primary_term',
};

const envelopeOf = (fields: JsonObject): Envelope =>
  Object.fromEntries(
    entriesOf(fields).flatMap(([key, value]) =>
      Object.hasOwn(FIELDS, key) && value !== null ? [[FIELDS[key]!, value]] : [],
    ),
  );

const PARTIAL = noDocument(
  'an [update] action holds a part of a document or a script, not a document: it cannot go through a pipeline',
);

/** The body of a `_bulk` request: action lines, and below them the documents. */
export class BulkBody implements RecordReader {
  readonly #lines: RecordReader;
  #action: { readonly name: string; readonly envelope: Envelope; readonly position: number } | undefined;

  constructor(lines: RecordReader) {
    this.#lines = lines;
  }

  push(chunk: Buffer): AsyncIterable<DumpRecord[]> {
    return this.#pair(this.#lines.push(chunk));
  }

  async *end(): AsyncGenerator<DumpRecord[]> {
    yield* this.#pair(this.#lines.end());
    if (this.#action !== undefined)
      throw new Error(`the bulk body is cut off: the action at byte ${this.#action.position} has no document`);
  }

  async *#pair(read: AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>): AsyncGenerator<DumpRecord[]> {
    for await (const lines of read) {
      const records: DumpRecord[] = [];
      try {
        for (const line of lines) this.#take(line, records);
      } finally {
        // What lies before a damage is whole.
        yield records;
      }
    }
  }

  #take(line: DumpRecord, records: DumpRecord[]): void {
    const action = this.#action;
    if (action === undefined) return this.#begin(line, records);
    this.#action = undefined;
    const { envelope, position, name } = action;
    const codec = name === 'update' ? PARTIAL : fileJsonCodec;
    records.push({ value: line.value, position, next: line.next, codec, envelope: () => envelope });
  }

  #begin({ value, position, next }: DumpRecord, records: DumpRecord[]): void {
    const action = readAction(value!);
    // Which lines are documents is not known any more.
    if (action === undefined)
      throw new Error(`the bulk body is damaged at byte ${position}: an action line was expected`);
    const { name, fields } = action;
    const envelope = { ...envelopeOf(fields), _op_type: name };
    if (name === 'delete') records.push({ value: null, position, next, envelope: () => envelope });
    else this.#action = { name, envelope, position };
  }
}

export const readAction = (line: Uint8Array): { name: string; fields: JsonObject } | undefined => {
  let value: unknown;
  try {
    ({ value } = readJson(line));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const [entry, ...more] = entriesOf(value);
  if (entry === undefined || more.length > 0 || !(ACTIONS as readonly string[]).includes(entry[0])) return undefined;
  return isObject(entry[1]) ? { name: entry[0], fields: entry[1] } : undefined;
};

/** Lines of search hits, as elasticdump writes them: the document is their `_source`. */
export class HitLines implements RecordReader {
  readonly #lines: RecordReader;

  constructor(lines: RecordReader) {
    this.#lines = lines;
  }

  push(chunk: Buffer): AsyncIterable<DumpRecord[]> {
    return this.#hits(this.#lines.push(chunk));
  }

  end(): AsyncIterable<DumpRecord[]> {
    return this.#hits(this.#lines.end());
  }

  async *#hits(read: AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>): AsyncGenerator<DumpRecord[]> {
    for await (const lines of read) yield lines.map(hitOf);
  }
}

/** The value is the document alone, so that a dead letter of it can be sent through again as what it is. */
const hitOf = (line: DumpRecord): DumpRecord => {
  const hit = readHit(line.value!);
  if (hit instanceof Error) return { ...line, codec: noDocument(hit.message), envelope: () => ({}) };
  const envelope = envelopeOf(hit);
  const value = Buffer.from(writeJson(getKey(hit, '_source')!));
  return { ...line, value, codec: fileJsonCodec, envelope: () => envelope };
};

const readHit = (line: Uint8Array): JsonObject | Error => {
  try {
    const { value } = readJson(line);
    if (!isObject(value) || !isObject(getKey(value, '_source')))
      return new ProcessorError('parse_exception', 'the line is no hit with _source');
    return value;
  } catch (error) {
    return new ProcessorError('parse_exception', `the value is not JSON: ${messageOf(error)}`);
  }
};

const HIT_KEYS = new Set([
  ...Object.keys(FIELDS),
  ...['_source', '_type', '_score', '_ignored', 'fields', 'sort', 'ignored_field_values'],
]);

/** The first key of an object, without parsing the rest: a first line may be as long as a document may be. */
const firstKey = (line: Uint8Array): string | undefined =>
  /^\{\s*"([^"\\]*)"/.exec(
    Buffer.from(line.buffer, line.byteOffset, Math.min(line.length, 256)).toString('latin1'),
  )?.[1];

export const isHit = (line: Uint8Array): boolean => {
  if (!HIT_KEYS.has(firstKey(line) ?? '')) return false;
  const hit = readHit(line);
  if (hit instanceof Error) return false;
  return (hasKey(hit, '_id') || hasKey(hit, '_index')) && entriesOf(hit).every(([key]) => HIT_KEYS.has(key));
};

export const isAction = (line: Uint8Array): boolean => {
  if (!(ACTIONS as readonly string[]).includes(firstKey(line) ?? '')) return false;
  const action = readAction(line);
  return action !== undefined && entriesOf(action.fields).every(([key]) => ACTION_KEYS.has(key));
};

const ACTION_KEYS = new Set([
  ...Object.keys(FIELDS),
  ...['_type', 'pipeline', 'require_alias', 'version_type', 'dynamic_templates', 'retry_on_conflict'],
  ...['if_seq_no', 'if_primary_term', 'require_data_stream', '_version_type', 'op_type'],
]);
