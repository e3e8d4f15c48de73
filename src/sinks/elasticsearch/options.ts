import { z } from 'zod';
import { bytes, duration } from '../../config/units.ts';
import { elasticsearchConnection } from '../../connections/elasticsearch/options.ts';

export const elasticsearchSinkOptions = z.strictObject({
  ...elasticsearchConnection,
  index: z
    .string()
    .min(1)
    .describe(
      'Index, alias or data stream; may be a template like `news-{{{category}}}`. A document that sets `_index` decides for itself.',
    ),
  id: z
    .string()
    .optional()
    .describe(
      'Template of `_id`. Default: topic-partition-offset-timestamp, for dumps a hash of the record, so that a redelivery overwrites itself.',
    ),
  op_type: z
    .enum(['index', 'create', 'update', 'delete'])
    .default('index')
    .describe('What to do; a document that sets `_op_type` decides for itself. Data streams take create.'),
  data_stream: z
    .boolean()
    .default(false)
    .describe('The index is a data stream: op_type is create, and documents need @timestamp.'),
  routing: z.string().optional().describe('Template of the routing value.'),
  version: z
    .string()
    .optional()
    .describe(
      'Template of an external version, e.g. `{{{updated_at_ms}}}`: an older version never replaces a newer one.',
    ),
  version_type: z.enum(['external', 'external_gte']).default('external'),
  pipeline: z
    .string()
    .optional()
    .describe('Ingest pipeline that the cluster runs with the bulk: its work is pushed down.'),
  doc_as_upsert: z.boolean().default(false).describe('update: index the document where there is none.'),
  retry_on_conflict: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('update: how often the cluster retries a version conflict.'),
  require_alias: z.boolean().optional().describe('Refuse to write where the name is not an alias.'),
  dynamic_templates: z
    .record(z.string(), z.string())
    .optional()
    .describe('Dynamic template for each field path, as in the bulk API.'),
  mappings: z
    .string()
    .default('auto')
    .describe(
      'auto creates the index or template with what the pipeline writes, off leaves it alone, a path is a JSON file with the body of the create-index request.',
    ),
  batch: z
    .strictObject({
      max_documents: z.number().int().positive().default(1000),
      max_bytes: bytes().default(8 * 1024 * 1024),
      max_age: duration().default(200),
      max_in_flight: z
        .number()
        .int()
        .positive()
        .default(4)
        .describe(
          'Bulk requests at the same time, at most: a 429, 502 to 504 or a timeout halves them, answers raise them again.',
        ),
      target_latency: duration()
        .default(10_000)
        .describe(
          'Bulk requests that take longer are made smaller, by a quarter each time, down to a 64th of the above.',
        ),
    })
    .prefault({}),
});
export type ElasticsearchSinkOptions = z.output<typeof elasticsearchSinkOptions>;
