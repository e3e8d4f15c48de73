import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';
import { stringExecution, stringOptions } from './string-processor.ts';

/** Java's `String.trim` removes everything up to the blank, and no other white space. */
const javaTrim = (text: string): string => {
  let from = 0;
  let to = text.length;
  while (from < to && text.charCodeAt(from) <= 0x20) from += 1;
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to -= 1;
  return text.slice(from, to);
};

export const trim = defineProcessor({
  type: 'trim',
  summary: 'Removes white space at both ends of a string, or of each string of a list.',
  options: z.strictObject(stringOptions),
  example: { options: { field: 'a' }, before: { a: ' b\t' }, after: { a: 'b' } },
  build: (options) => stringExecution(options, javaTrim),
});
