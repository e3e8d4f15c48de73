import {
  arrayIndex,
  cannotRemove,
  cannotResolve,
  cannotSet,
  type DocumentPath,
  notPresent,
  parsePath,
} from './document-path.ts';
import { illegalArgument } from './errors.ts';
import {
  Decimal,
  deleteKey,
  getKey,
  hasKey,
  isObject,
  JsonMap,
  type JsonObject,
  type JsonValue,
  javaString,
  javaType,
  keysOf,
  type PlainObject,
  sizeOf,
  withKey,
} from './json/values.ts';
import { writeJson } from './json/write.ts';
import type { DocumentTrace } from './tracing.ts';

/** Metadata that a pipeline may read and set, beside the document itself. */
export const METADATA_FIELDS = [
  '_index',
  '_id',
  '_routing',
  '_version',
  '_version_type',
  '_if_seq_no',
  '_if_primary_term',
  '_op_type',
  '_dynamic_templates',
] as const;
export type MetadataField = (typeof METADATA_FIELDS)[number];
const METADATA: ReadonlySet<string> = new Set(METADATA_FIELDS);

/** Where a document came from: readable as `_kafka.…`, `_file.…` or `_elasticsearch.…`, never written, never indexed. */
export type Origin = { readonly name: '_kafka' | '_file' | '_elasticsearch'; readonly fields: PlainObject };

export interface DocumentInit {
  readonly source: JsonObject;
  readonly metadata?: Partial<Record<MetadataField, JsonValue>>;
  /** Asked for the origin once something reads it: most pipelines never do. */
  readonly record?: { origin(): Origin } | undefined;
  /** The bytes that `source` was read from, when they may stand as one line of a bulk body. */
  readonly raw?: Uint8Array | undefined;
  /** When processing began, in milliseconds since 1970; `_ingest.timestamp`. */
  readonly timestamp?: number;
}

let lastTime = Number.NaN;
let lastIso = '';
/** Many documents of one batch have one time. */
const isoTime = (ms: number): string => {
  if (ms !== lastTime) {
    lastIso = new Date(ms).toISOString();
    lastTime = ms;
  }
  return lastIso;
};

/**
 * A document on its way through a pipeline, with Elasticsearch's rules for paths: dots walk objects, integers index
 * arrays, `_ingest.` and metadata names lead beside the document.
 */
export class IngestDocument {
  source: JsonObject;
  /** Absent where nobody traces. */
  trace: DocumentTrace | undefined = undefined;
  /** What is under way for it elsewhere, to be taken back where whoever waits goes away; absent where nobody can. */
  underWay: Set<() => void> | undefined = undefined;
  #raw: Uint8Array | undefined;
  // What stands beside the document is built when something looks: tens of thousands a second pass by untouched.
  #metadata: JsonMap | undefined;
  #ingest: JsonObject | undefined;
  #pipeline: string | undefined;
  readonly #record: { origin(): Origin } | undefined;
  #origin: Origin | undefined;
  readonly #timestamp: number;

  constructor({ source, metadata, record, raw, timestamp }: DocumentInit) {
    this.source = source;
    this.#record = record;
    this.#raw = raw;
    this.#timestamp = timestamp ?? Date.now();
    if (metadata === undefined) return;
    for (const key of METADATA_FIELDS) if (metadata[key] !== undefined) this.metadata.set(key, metadata[key]);
  }

  get metadata(): JsonMap {
    this.#metadata ??= new JsonMap();
    return this.#metadata;
  }

  /** As `metadata.get`. */
  meta(field: MetadataField): JsonValue | undefined {
    return this.#metadata?.get(field);
  }

  /** `_ingest`. */
  get ingest(): JsonObject {
    this.#ingest ??= {
      timestamp: isoTime(this.#timestamp),
      ...(this.#pipeline !== undefined && { pipeline: this.#pipeline }),
    };
    return this.#ingest;
  }

  set ingest(ingest: JsonObject) {
    this.#ingest = ingest;
  }

  /** Sets `_ingest.pipeline`. */
  showPipeline(name: string): void {
    this.#pipeline = name;
    if (this.#ingest !== undefined) this.#ingest = withKey(this.#ingest, 'pipeline', name);
  }

  get origin(): Origin | undefined {
    this.#origin ??= this.#record?.origin();
    return this.#origin;
  }

  /** The document as one line of JSON: as it came where nothing touched it. */
  toLine(): Uint8Array | string {
    return this.#raw ?? writeJson(this.source);
  }

  /** To be called by whoever changes a value it got from `get` in place. */
  touch(): void {
    this.#raw = undefined;
  }

  /** @throws ProcessorError for an index beyond an array, where `failOutOfRange` asks for it */
  has(path: string, failOutOfRange = false): boolean {
    const { parts, ingest } = parsePath(path);
    let context: JsonValue | undefined = this.#root(parts[0]!, ingest);
    for (const part of parts) {
      if (Array.isArray(context)) {
        if (!/^[+-]?\d{1,10}$/.test(part)) return false;
        const index: number = failOutOfRange ? arrayIndex(path, part, context.length) : Number(part);
        if (index < 0 || index >= context.length) return false;
        context = context[index];
      } else if (isObject(context)) {
        if (!hasKey(context, part)) return false;
        context = getKey(context, part);
      } else return false;
    }
    return true;
  }

  /** @throws ProcessorError when the path leads nowhere, with Elasticsearch's message */
  get(path: string): JsonValue {
    const parsed = parsePath(path);
    return this.#walk(parsed, parsed.parts.length);
  }

  /** The value at the path, or undefined where it leads nowhere. */
  find(path: string): JsonValue | undefined {
    const { parts, ingest } = parsePath(path);
    let context: JsonValue | undefined = this.#root(parts[0]!, ingest);
    for (const part of parts) {
      if (Array.isArray(context)) context = /^\d{1,10}$/.test(part) ? context[Number(part)] : undefined;
      else if (isObject(context)) context = getKey(context, part);
      else return undefined;
    }
    return context;
  }

  /**
   * The value at the path as a string.
   * @throws ProcessorError when there is none, or it is something else
   */
  getString(path: string): string {
    const value = this.get(path);
    if (typeof value === 'string') return value;
    throw cannotCast(path, value, 'java.lang.String');
  }

  /** Sets a value, building the objects on the way. */
  set(path: string, value: JsonValue): void {
    const { parts, ingest } = parsePath(path);
    const trail = this.#makeParents(parts, ingest, path);
    this.#put(trail, parts, value, ingest, path);
  }

  /** Appends to the array at the path; a scalar there becomes an array first, unless nothing is left to append. */
  append(path: string, values: readonly JsonValue[], allowDuplicates: boolean): void {
    const { parts, ingest } = parsePath(path);
    const trail = this.#makeParents(parts, ingest, path);
    const parent = trail.at(-1)!;
    const leaf = parts.at(-1)!;
    let existing: JsonValue | undefined;
    if (Array.isArray(parent)) existing = parent[arrayIndex(path, leaf, parent.length)];
    else existing = getKey(parent, leaf);
    const list = Array.isArray(existing) ? existing : existing === undefined ? [] : [existing];
    const before = list.length;
    for (const value of values) if (allowDuplicates || !list.some((item) => sameValue(item, value))) list.push(value);
    if (list.length > before) this.#put(trail, parts, list, ingest, path);
  }

  /** @throws ProcessorError when there is nothing to remove */
  remove(path: string): void {
    const parsed = parsePath(path);
    const { parts } = parsed;
    const leaf = parts.at(-1)!;
    const parent = parts.length === 1 ? this.#root(leaf, parsed.ingest) : this.#walk(parsed, parts.length - 1);
    this.#guard(parts[0]!, parsed.ingest);
    if (Array.isArray(parent)) parent.splice(arrayIndex(path, leaf, parent.length), 1);
    else if (isObject(parent)) {
      if (!hasKey(parent, leaf)) throw notPresent(path, leaf);
      if (parent === this.#metadata && leaf === '_version') throw illegalArgument(`${leaf} cannot be removed`);
      deleteKey(parent, leaf);
    } else throw cannotRemove(path, leaf, javaType(parent));
    this.#raw = undefined;
  }

  /** Sets a top-level key as it is: dots in it lead nowhere. */
  setRootKey(key: string, value: JsonValue): void {
    this.source = withKey(this.source, key, value);
    this.#raw = undefined;
  }

  #root(first: string, ingest: boolean): JsonObject {
    if (ingest) return this.ingest;
    if (first.charCodeAt(0) !== 0x5f) return this.source;
    if (METADATA.has(first)) return this.metadata;
    if (first === '_ingest') return { _ingest: this.ingest };
    if (first === '_source') return { _source: this.source };
    if (first === this.origin?.name) return { [first]: this.origin.fields };
    return this.source;
  }

  #guard(first: string, ingest: boolean): void {
    if (ingest || first.charCodeAt(0) !== 0x5f) return;
    if (first === this.origin?.name)
      throw illegalArgument(`[${first}] is read-only: it tells where the document came from`);
    if (first === '_ingest' || first === '_source') throw illegalArgument(`cannot change [${first}] as a whole`);
  }

  #walk({ text, parts, ingest }: DocumentPath, length: number): JsonValue {
    let context: JsonValue = this.#root(parts[0]!, ingest);
    for (let i = 0; i < length; i += 1) {
      const part = parts[i]!;
      if (Array.isArray(context)) context = context[arrayIndex(text, part, context.length)]!;
      else if (isObject(context)) {
        const next = getKey(context, part);
        if (next === undefined) throw notPresent(text, part);
        context = next;
      } else throw cannotResolve(text, part, javaType(context));
    }
    return context;
  }

  /** The containers on the way to the leaf, missing ones created. */
  #makeParents(parts: readonly string[], ingest: boolean, path: string): (JsonObject | JsonValue[])[] {
    this.#guard(parts[0]!, ingest);
    const trail: (JsonObject | JsonValue[])[] = [this.#root(parts[0]!, ingest)];
    for (let i = 0; i < parts.length - 1; i += 1) {
      const part = parts[i]!;
      const context = trail[i]!;
      let next: JsonValue | undefined;
      if (Array.isArray(context)) next = context[arrayIndex(path, part, context.length)];
      else next = getKey(context, part);
      if (next === undefined) {
        next = {};
        this.#store(trail, parts, i, next, ingest);
      }
      if (!Array.isArray(next) && !isObject(next)) {
        const key = parts[i + 1]!;
        throw i === parts.length - 2 ? cannotSet(path, key, javaType(next)) : cannotResolve(path, key, javaType(next));
      }
      trail.push(next);
    }
    return trail;
  }

  #put(
    trail: (JsonObject | JsonValue[])[],
    parts: readonly string[],
    value: JsonValue,
    ingest: boolean,
    path: string,
  ): void {
    const parent = trail.at(-1)!;
    const leaf = parts.at(-1)!;
    if (parent === this.#metadata) checkMetadata(leaf, value);
    if (Array.isArray(parent)) parent[arrayIndex(path, leaf, parent.length)] = value;
    else this.#store(trail, parts, parts.length - 1, value, ingest);
    if (parent !== this.#metadata && !ingest) this.#raw = undefined;
  }

  /** Puts `value` under `parts[level]`; a parent that had to become another object is replaced where it stood. */
  #store(
    trail: (JsonObject | JsonValue[])[],
    parts: readonly string[],
    level: number,
    value: JsonValue,
    ingest: boolean,
  ): void {
    const parent = trail[level] as JsonObject;
    const stored = withKey(parent, parts[level]!, value);
    if (stored === parent) return;
    trail[level] = stored;
    if (level === 0) {
      if (ingest) this.ingest = stored;
      else this.source = stored;
      return;
    }
    const above = trail[level - 1]!;
    const key = parts[level - 1]!;
    if (Array.isArray(above)) above[Number(key)] = stored;
    else withKey(above, key, stored);
  }
}

export const cannotCast = (path: string, value: JsonValue, wanted: string) =>
  illegalArgument(`field [${path}] of type [${javaType(value)}] cannot be cast to [${wanted}]`);

const WANTED: Readonly<Record<string, string>> = {
  _version: 'java.lang.Number',
  _if_seq_no: 'java.lang.Number',
  _if_primary_term: 'java.lang.Number',
  _dynamic_templates: 'java.util.Map',
};

const checkMetadata = (key: string, value: JsonValue): void => {
  if (value === null) {
    if (key === '_version') throw illegalArgument(`${key} cannot be null`);
    return;
  }
  const wanted = WANTED[key] ?? 'java.lang.String';
  const shown = () => `[${javaString(value)}]`;
  if (!isOfType(value, wanted)) {
    throw illegalArgument(
      `${key} ${shown()} is wrong type, expected assignable to [${wanted}], not [${javaType(value)}]`,
    );
  }
  if (wanted === 'java.lang.Number' && typeof value !== 'bigint' && !Number.isInteger(Number(value))) {
    throw illegalArgument(
      `${key} may only be set to an int or a long but was ${shown()} with type [${javaType(value)}]`,
    );
  }
  const allowed = ALLOWED[key];
  if (allowed !== undefined && !allowed.includes(value as string)) {
    throw illegalArgument(
      `${key} must be a null or one of [${allowed.join(', ')}] but was ${shown()} with type [${javaType(value)}]`,
    );
  }
};

const isOfType = (value: JsonValue, wanted: string): boolean => {
  if (wanted === 'java.util.Map') return isObject(value);
  if (wanted === 'java.lang.String') return typeof value === 'string';
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal;
};

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  _op_type: ['index', 'create', 'update', 'delete'],
  _version_type: ['internal', 'external', 'external_gte'],
};

/** Equality as Java's `List.contains` sees it: 1 is not 1.0, and the order of keys does not matter. */
export const sameValue = (a: JsonValue, b: JsonValue): boolean => {
  if (a === b) return true;
  if (isDouble(a) && isDouble(b)) return Number(a) === Number(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameValue(item, b[index]!));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = keysOf(a);
  return (
    keys.length === sizeOf(b) && keys.every((key) => hasKey(b, key) && sameValue(getKey(a, key)!, getKey(b, key)!))
  );
};

const isDouble = (value: JsonValue): boolean =>
  value instanceof Decimal || (typeof value === 'number' && !Number.isInteger(value));
