import { z } from 'zod';
import { cannotCast } from '../core/document.ts';
import { compileRegex } from '../painless/regex/regex.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { presentValue } from './string-processor.ts';
import { patternOption } from './template-option.ts';

export const split = defineProcessor({
  type: 'split',
  summary: 'Splits a string into a list.',
  options: z.strictObject({
    field: z.string().describe('The field to split.'),
    separator: patternOption().describe("Java's regular expression between the parts, e.g. `,` or `\\s+`."),
    target_field: z.string().optional().describe('Where the list goes; default: field itself.'),
    ignore_missing: z.boolean().default(false).describe('Do nothing where field is missing or null.'),
    preserve_trailing: z.boolean().default(false).describe('Keep empty parts at the end.'),
  }),
  example: { options: { field: 'a', separator: ',' }, before: { a: 'x,y,,' }, after: { a: ['x', 'y'] } },
  build: ({ field, separator, target_field, ignore_missing, preserve_trailing }) => {
    const regex = compileRegex(separator, { flavour: 'java' });
    return {
      mode: 'sync',
      execute: (document) => {
        const value = presentValue(document, field, ignore_missing, 'split');
        if (value === undefined) return 'keep';
        if (typeof value !== 'string') throw cannotCast(field, value, 'java.lang.String');
        document.set(target_field ?? field, regex.split(value, preserve_trailing ? -1 : 0));
        return 'keep';
      },
    };
  },
});
