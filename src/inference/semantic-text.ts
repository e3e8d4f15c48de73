import { z } from 'zod';
import type { IngestDocument } from '../core/document.ts';
import type { FieldLayout } from '../core/inference.ts';
import { getKey, isObject, type JsonObject, type JsonValue, type PlainObject, withKey } from '../core/json/values.ts';
import type { ChunkingSettings } from './chunking.ts';
import type { LocalTask, Manifest } from './manifest-schema.ts';
import { sizeOfVector } from './tasks/text-embedding.ts';

export const semanticTextOptions = z.strictObject({
  inference_id: z.string().min(1).describe("The field's endpoint in the cluster, which searches: of the same model."),
  format: z
    .enum(['inference_fields', 'legacy'])
    .default('inference_fields')
    .describe(
      'inference_fields: as indices of 8.18 and later hold it, in _inference_fields. legacy: in the field itself, for older ones and for index.mapping.semantic_text.use_legacy_format.',
    ),
});
export type SemanticTextOptions = z.output<typeof semanticTextOptions>;

/** What Elasticsearch cuts the text of such a field into where nobody says otherwise. */
export const SEMANTIC_CHUNKS: ChunkingSettings = { strategy: 'sentence', max_chunk_size: 250, sentence_overlap: 1 };

/** Where the metadata of `semantic_text` fields stands in a document. */
const METADATA = '_inference_fields';

/**
 * Writes chunks as a `semantic_text` field holds them, so that the cluster takes them as they are in place of inferring
 * again. Undefined for a task whose results are no such thing.
 * https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/semantic-text
 */
export const semanticTextLayout = (
  { inference_id, format }: SemanticTextOptions,
  task: LocalTask,
  manifest: Manifest,
): FieldLayout | undefined => {
  const model_settings = settingsOf(task, manifest);
  if (model_settings === undefined) return undefined;
  return {
    write: (document, { input, output }, text, result) => {
      const chunks = (getKey(result, 'predicted_value') as readonly JsonObject[]).map((chunk) => ({
        start: getKey(chunk, 'text_start') as number,
        end: getKey(chunk, 'text_end') as number,
        embeddings: getKey(chunk, 'embedding')!,
      }));
      const inference = { inference_id, model_settings };
      if (format === 'legacy')
        return document.set(output, {
          text,
          inference: {
            ...inference,
            chunks: chunks.map(({ start, end, embeddings }) => ({ text: text.slice(start, end), embeddings })),
          },
        } as JsonValue);
      const own = chunks.map(({ start, end, embeddings }) => ({ start_offset: start, end_offset: end, embeddings }));
      writeMetadata(document, output, { inference: { ...inference, chunks: { [input]: own } } } as JsonValue);
    },
  };
};

/** The name of a field is one key there, dots and all. */
const writeMetadata = (document: IngestDocument, field: string, value: JsonValue): void => {
  const before = document.find(METADATA);
  document.set(METADATA, withKey(isObject(before) ? before : {}, field, value));
};

const settingsOf = (task: LocalTask, { tasks: { text_embedding } }: Manifest): PlainObject | undefined => {
  if (task === 'text_expansion') return { task_type: 'sparse_embedding' };
  if (task !== 'text_embedding' || text_embedding === undefined) return undefined;
  const { element_type, similarity } = text_embedding;
  return {
    task_type: 'text_embedding',
    dimensions: sizeOfVector(text_embedding),
    // Bits are compared by their distance only.
    similarity: element_type === 'bit' ? 'l2_norm' : similarity,
    element_type,
  };
};
