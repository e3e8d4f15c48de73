import { z } from 'zod';
import { deepCopy, type JsonValue } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate, compileValue } from '../pipeline/mustache.ts';
import { MEDIA_TYPES } from './set.ts';

export const append = defineProcessor({
  type: 'append',
  summary: 'Appends values to a list; a single value becomes a list first.',
  options: z
    .strictObject({
      field: z.string().describe('The list. A template.'),
      value: z.unknown().describe('One value, or a list of values; strings in it are templates.'),
      copy_from: z.string().optional().describe('Field whose values are appended, in place of value.'),
      allow_duplicates: z.boolean().default(true).describe('false leaves out values that are there already.'),
      ignore_empty_values: z.boolean().default(false).describe('Leave out null and empty strings.'),
      media_type: z.enum(MEDIA_TYPES).default('application/json').describe('How templates escape values.'),
    })
    .refine(({ value, copy_from }) => value !== undefined || copy_from !== undefined, {
      path: ['value'],
      message: 'required property is missing',
    })
    .refine(({ value, copy_from }) => value === undefined || copy_from === undefined, {
      path: ['copy_from'],
      message: 'cannot set both `copy_from` and `value` in the same processor',
    }),
  example: { options: { field: 'tags', value: ['b', 'c'] }, before: { tags: 'a' }, after: { tags: ['a', 'b', 'c'] } },
  build: ({ field, value, copy_from, allow_duplicates, ignore_empty_values, media_type }) => {
    const path = compileTemplate(field);
    const render = compileValue((value ?? null) as JsonValue, { mediaType: media_type });
    return {
      mode: 'sync',
      execute: (document) => {
        const result = copy_from === undefined ? render(document) : deepCopy(document.get(copy_from));
        const values = Array.isArray(result) ? result : [result];
        const wanted = ignore_empty_values ? values.filter((item) => item !== null && item !== '') : values;
        if (ignore_empty_values && wanted.length === 0) return 'keep';
        document.append(path.render(document), wanted, allow_duplicates);
        return 'keep';
      },
    };
  },
});
