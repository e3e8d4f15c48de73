import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';

export const drop = defineProcessor({
  type: 'drop',
  summary: 'Ends the document here, without an error and without indexing it.',
  options: z.strictObject({}),
  example: { options: {}, before: { a: 1 }, after: {} },
  build: () => ({ mode: 'sync', execute: () => 'drop' }),
});
