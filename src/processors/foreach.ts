import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';

export const foreach = defineProcessor({
  type: 'foreach',
  summary: 'Runs a processor for each element of a list or object, as `_ingest._value` (and `_ingest._key`).',
  options: z.strictObject({
    field: z.string().describe('The list or object.'),
    processor: z
      .record(z.string(), z.unknown())
      .describe('The processor, e.g. { uppercase: { field: _ingest._value } }.'),
    ignore_missing: z.boolean().default(false).describe('Do nothing where field is missing or null.'),
  }),
  example: {
    options: { field: 'a', processor: { uppercase: { field: '_ingest._value' } } },
    before: { a: ['x', 'y'] },
    after: { a: ['X', 'Y'] },
  },
  build: ({ field, processor, ignore_missing }, context) => {
    if (Object.keys(processor).length !== 1) throw new Error('[processor] Must specify exactly one processor type');
    return { mode: 'foreach', field, ignoreMissing: ignore_missing, step: context.step(processor, ['processor']) };
  },
});
