import { IngestDocument, type MetadataField } from '../../core/document.ts';
import { readJson } from '../../core/json/read.ts';
import { isObject, type JsonObject, type JsonValue } from '../../core/json/values.ts';
import { Refusal } from '../../core/refusal.ts';

/** Names of an action's metadata, and those that processors know them by. */
export const META_FIELDS: readonly (readonly [string, MetadataField])[] = [
  ['_index', '_index'],
  ['_id', '_id'],
  ['routing', '_routing'],
  ['version', '_version'],
  ['version_type', '_version_type'],
  ['if_seq_no', '_if_seq_no'],
  ['if_primary_term', '_if_primary_term'],
  ['dynamic_templates', '_dynamic_templates'],
];

/** @throws Refusal 400 for what is no JSON object */
export const ingestDocument = (source: Buffer, meta: Readonly<Record<string, unknown>>): IngestDocument => {
  const metadata: Partial<Record<MetadataField, JsonValue>> = {};
  for (const [name, field] of META_FIELDS) {
    const value = meta[name] ?? (name === 'routing' ? meta._routing : undefined);
    if (value !== undefined) metadata[field] = value as JsonValue;
  }
  let reading: ReturnType<typeof readJson>;
  try {
    reading = readJson(source);
  } catch {
    throw new Refusal(400, 'parse_exception', 'the document is not well-formed JSON');
  }
  if (!isObject(reading.value)) throw new Refusal(400, 'parse_exception', 'the document must be a JSON object');
  return new IngestDocument({
    source: reading.value as JsonObject,
    metadata,
    ...(reading.oneLine && { raw: source }),
  });
};

/** The metadata that a document has after its pipeline, by the names of an action's. */
export const metaOf = (document: IngestDocument): Record<string, unknown> => {
  const meta: Record<string, unknown> = {};
  for (const [name, field] of META_FIELDS) {
    const value = document.meta(field);
    if (value !== undefined && value !== null) meta[name] = value;
  }
  return meta;
};
