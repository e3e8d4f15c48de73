import { z } from 'zod';
import { duration } from '../../config/units.ts';
import { elasticsearchConnection } from '../../connections/elasticsearch/options.ts';

export const elasticsearchSourceOptions = z.strictObject({
  ...elasticsearchConnection,
  index: z
    .string()
    .min(1)
    .describe('Index, alias, data stream or pattern; its documents are read once, shard by shard.'),
  query: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Only documents that match, in the query DSL; default: all.'),
  size: z.number().int().min(1).max(10_000).default(1000).describe('Documents of a page.'),
  keep_alive: duration().default(300_000).describe('How long the point in time outlives a page that is not asked for.'),
  changed: z
    .enum(['read', 'skip'])
    .optional()
    .describe(
      'Of a run that is resumed: documents that were changed since it first began are read in their new version, or skipped. Default: skip where the sink updates (those are its own updates), read elsewhere.',
    ),
  checkpoint: z
    .string()
    .optional()
    .describe('File that keeps how far reading came, for `--resume`. `sluice replay` sets one by itself.'),
});
export type ElasticsearchSourceOptions = z.output<typeof elasticsearchSourceOptions>;
