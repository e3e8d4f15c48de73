import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';
import { stringExecution, stringOptions } from './string-processor.ts';

export const lowercase = defineProcessor({
  type: 'lowercase',
  summary: 'Makes a string, or each string of a list, lower case.',
  options: z.strictObject(stringOptions),
  example: { options: { field: 'a' }, before: { a: 'ÄB' }, after: { a: 'äb' } },
  build: (options) => stringExecution(options, (text) => text.toLowerCase()),
});
