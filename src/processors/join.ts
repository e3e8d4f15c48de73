import { z } from 'zod';
import { cannotCast } from '../core/document.ts';
import { javaString } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { nullElement, presentValue } from './string-processor.ts';

export const join = defineProcessor({
  type: 'join',
  summary: 'Joins the elements of a list into a string.',
  options: z.strictObject({
    field: z.string().describe('The list to join.'),
    separator: z.string().describe('What stands between the elements.'),
    target_field: z.string().optional().describe('Where the string goes; default: field itself.'),
  }),
  example: { options: { field: 'a', separator: '-' }, before: { a: ['x', 1, true] }, after: { a: 'x-1-true' } },
  build: ({ field, separator, target_field }) => ({
    mode: 'sync',
    execute: (document) => {
      const value = presentValue(document, field, false, 'join')!;
      if (!Array.isArray(value)) throw cannotCast(field, value, 'java.util.List');
      if (value.includes(null)) throw nullElement('Object.toString()');
      document.set(target_field ?? field, value.map(javaString).join(separator));
      return 'keep';
    },
  }),
});
