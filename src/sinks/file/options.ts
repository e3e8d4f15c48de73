import { z } from 'zod';

export const fileSinkOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe(
      'The file; .gz and .zst are compressed. Written beside its place and renamed into it when the stream ends.',
    ),
  format: z
    .enum(['bulk', 'ndjson'])
    .default('bulk')
    .describe('bulk: the body of a `_bulk` request, action lines included. ndjson: the documents alone.'),
  index: z
    .string()
    .optional()
    .describe(
      'Index of the action lines, a template; without one the lines name none and the URL of the request decides.',
    ),
  id: z.string().optional().describe('Template of `_id`, as for the elasticsearch sink.'),
});
export type FileSinkOptions = z.output<typeof fileSinkOptions>;
