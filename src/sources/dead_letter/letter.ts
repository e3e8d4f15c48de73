import type { Codec, SourceRecord } from '../../core/contracts.ts';
import type { Origin } from '../../core/document.ts';
import { readJson } from '../../core/json/read.ts';
import { JsonMap, type JsonObject, type JsonValue, type PlainObject } from '../../core/json/values.ts';

/** A dead letter as sluice writes it, in the shape of Elasticsearch's failure store. */
export interface DeadLetter {
  /** Milliseconds since 1970; NaN where it does not say. */
  readonly time: number;
  readonly id: string;
  readonly type: string;
  readonly message: string;
  readonly processor: string | undefined;
  readonly tag: string | undefined;
  readonly pipeline: string | undefined;
  /** Where the record came from: `topic-partition@offset`, or `path@position`. */
  readonly place: string;
  readonly topic: string | undefined;
  readonly origin: PlainObject;
  /** The record's own bytes; null for a tombstone, undefined where only a part of what reads them again was kept. */
  readonly raw: Buffer | null | undefined;
  /** How the bytes are encoded, where the record itself said so. */
  readonly codec: JsonValue | undefined;
  /** All of it. */
  readonly json: JsonObject;
}

const text = (value: JsonValue | undefined): string | undefined =>
  value === undefined || value === null ? undefined : String(value);

/** @throws Error when the bytes are no dead letter */
export const readLetter = (bytes: Uint8Array): DeadLetter => {
  const { value } = readJson(bytes);
  if (!isPlain(value)) throw new Error('not an object');
  const { document, error, origin, raw, '@timestamp': timestamp } = value;
  if (!isPlain(document) || !isPlain(error) || !isPlain(origin)) throw new Error('no dead letter of sluice');
  const topic = text(origin.topic);
  return {
    time: Date.parse(String(timestamp)),
    id: text(document.id) ?? '',
    type: text(error.type) ?? '',
    message: text(error.message) ?? '',
    processor: text(error.processor_type),
    tag: text(error.processor_tag),
    pipeline: text(error.pipeline),
    place: topic !== undefined ? `${topic}-${origin.partition}@${origin.offset}` : `${origin.path}@${origin.position}`,
    topic,
    origin,
    raw: rawOf(raw),
    codec: isPlain(raw) ? raw.codec : undefined,
    json: value,
  };
};

const isPlain = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonMap);

const rawOf = (raw: unknown): Buffer | null | undefined => {
  if (!isPlain(raw)) return null;
  if (raw.cut === true || raw.codec_left_out === true || typeof raw.base64 !== 'string') return undefined;
  return Buffer.from(raw.base64, 'base64');
};

/**
 * The record as its source first gave it, with its own ids and metadata, so that going through again ends where it
 * would have ended. Positions are those of the dead letters.
 * @param codec that the record had for itself
 */
export const recordOfLetter = (outer: SourceRecord, letter: DeadLetter, codec: Codec | undefined): SourceRecord => {
  const { origin, raw = null, id } = letter;
  const { stream: _stream, source, ...fields } = origin;
  const { key, headers, timestamp } = fields;
  const given: Origin = {
    name: source === 'file' || source === 'elasticsearch' ? `_${source}` : '_kafka',
    fields: fields as Origin['fields'],
  };
  return {
    position: outer.position,
    next: outer.next,
    bytes: outer.bytes,
    value: raw,
    key: typeof key === 'string' ? Buffer.from(key) : null,
    headers: (isPlain(headers) ? headers : {}) as SourceRecord['headers'],
    timestamp: timestamp === undefined || timestamp === null ? undefined : Number(timestamp),
    defaultId: () => id,
    origin: () => given,
    ...(codec && { codec }),
  };
};
