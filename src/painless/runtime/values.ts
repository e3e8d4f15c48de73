import type { IngestDocument, MetadataField } from '../../core/document.ts';
import { METADATA_FIELDS } from '../../core/document.ts';
import { Decimal, getKey, hasKey, isObject, type JsonObject, type JsonValue, keysOf } from '../../core/json/values.ts';
import type { Regex } from '../regex/regex.ts';

/**
 * What a script computes with. Values of documents come as they are; what JavaScript cannot tell apart gets a class:
 *
 * | Java | here |
 * |---|---|
 * | Integer | integral `number` of 32 bits |
 * | Long | `bigint`; from a document also an integral `number` beyond 32 bits |
 * | Double | fractional `number`, `Decimal`; computed and integral: `Num` |
 * | Float, Short, Byte | `Num` |
 * | Character | `Char` |
 * | List, Map of the document (read-only) | array, `JsonObject`; `ctx` itself: `ContextMap` |
 * | List, Map made by the script | `ScriptList`, `ScriptMap` |
 */
export type Value =
  | JsonValue
  | Char
  | Num
  | ScriptList
  | ScriptMap
  | ContextMap
  | ScriptSet
  | ScriptArray
  | Entry
  | Pattern
  | Matcher;

export class Char {
  readonly code: number;
  constructor(code: number) {
    this.code = code & 0xffff;
  }
}

export type NumKind = 'byte' | 'short' | 'float' | 'double';
/** A number whose Java type its value does not tell. */
export class Num {
  readonly kind: NumKind;
  readonly value: number;
  constructor(kind: NumKind, value: number) {
    this.kind = kind;
    this.value = value;
  }
}

export class ScriptList {
  readonly items: Value[];
  constructor(items: Value[]) {
    this.items = items;
  }
}
/** A Java array, which has a length and no methods. */
export class ScriptArray {
  readonly items: Value[];
  readonly component: string;
  constructor(items: Value[], component: string) {
    this.items = items;
    this.component = component;
  }
}
/** A view of keys or entries; scripts cannot make sets yet. */
export class ScriptSet {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}
export class Entry {
  readonly key: Value;
  readonly value: Value;
  constructor(key: Value, value: Value) {
    this.key = key;
    this.value = value;
  }
}
/** Keys may be any values; those that Java's `equals` holds for one share a text. */
export class ScriptMap {
  readonly entries = new Map<string, { readonly key: Value; value: Value }>();
}

export class Pattern {
  readonly regex: Regex;
  constructor(regex: Regex) {
    this.regex = regex;
  }
}
export class Matcher {
  readonly regex: Regex;
  readonly text: string;
  /** Where the next `find` begins. */
  from = 0;
  match: ReturnType<Regex['exec']> = null;
  constructor(regex: Regex, text: string) {
    this.regex = regex;
    this.text = text;
  }
}

const METADATA: ReadonlySet<string> = new Set<MetadataField>(METADATA_FIELDS);

/** `ctx`: the document with its metadata, and read-only what lies beside it. */
export class ContextMap {
  readonly document: IngestDocument;
  constructor(document: IngestDocument) {
    this.document = document;
  }
  get(key: string): JsonValue | undefined {
    return contextField(this.document, key);
  }
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }
  /** Without `_ingest` and the origin: Elasticsearch does not count them in either. */
  keys(): string[] {
    return [...keysOf(this.document.source), ...this.document.metadata.keys()];
  }
}

export const contextField = (document: IngestDocument, key: string): JsonValue | undefined => {
  if (key.charCodeAt(0) === 0x5f) {
    if (METADATA.has(key)) return document.metadata.get(key);
    if (key === '_ingest') return document.ingest;
    if (key === document.origin?.name) return document.origin.fields;
  }
  return getKey(document.source, key);
};

export type ListValue = JsonValue[] | ScriptList;
export type MapValue = JsonObject | ScriptMap | ContextMap;

/** What a receiver is, for the tables of methods. */
export type ReceiverKind =
  | 'string'
  | 'number'
  | 'boolean'
  | 'char'
  | 'list'
  | 'map'
  | 'set'
  | 'array'
  | 'entry'
  | 'pattern'
  | 'matcher';

/** Undefined for null. */
export const kindOf = (value: Value): ReceiverKind | undefined => {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
    case 'bigint':
      return 'number';
    case 'boolean':
      return 'boolean';
    default:
      return value === null ? undefined : kindOfObject(value);
  }
};

const kindOfObject = (value: object): ReceiverKind => {
  // By far the most frequent: an object of the document.
  if (Object.getPrototypeOf(value) === Object.prototype) return 'map';
  if (Array.isArray(value) || value instanceof ScriptList) return 'list';
  if (value instanceof Decimal || value instanceof Num) return 'number';
  if (value instanceof Char) return 'char';
  if (value instanceof ScriptSet) return 'set';
  if (value instanceof ScriptArray) return 'array';
  if (value instanceof Entry) return 'entry';
  if (value instanceof Pattern) return 'pattern';
  if (value instanceof Matcher) return 'matcher';
  return 'map';
};

export const isList = (value: Value): value is ListValue => Array.isArray(value) || value instanceof ScriptList;
export const itemsOf = (list: ListValue): readonly Value[] => (list instanceof ScriptList ? list.items : list);

export const isMapValue = (value: Value): value is MapValue => kindOf(value) === 'map';

export { getKey, hasKey, isObject, keysOf };
