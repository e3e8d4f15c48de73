import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';
import { stringExecution, stringOptions } from './string-processor.ts';

export const uppercase = defineProcessor({
  type: 'uppercase',
  summary: 'Makes a string, or each string of a list, upper case.',
  options: z.strictObject(stringOptions),
  example: { options: { field: 'a' }, before: { a: ['äb', 'c'] }, after: { a: ['ÄB', 'C'] } },
  build: (options) => stringExecution(options, (text) => text.toUpperCase()),
});
