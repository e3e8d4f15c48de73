import { z } from 'zod';
import type { IngestDocument } from '../core/document.ts';
import { deepCopy, type JsonValue } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate, compileValue } from '../pipeline/mustache.ts';
import { mediaTypeOption, templateOption, valueOption } from './template-option.ts';

export const append = defineProcessor({
  type: 'append',
  summary: 'Appends values to a list; a single value becomes a list first.',
  options: z
    .strictObject({
      field: templateOption().describe('The list. A template.'),
      value: valueOption().optional().describe('One value, or a list of values; strings in it are templates.'),
      copy_from: z.string().optional().describe('Field whose values are appended, in place of value.'),
      allow_duplicates: z.boolean().default(true).describe('false leaves out values that are there already.'),
      ignore_empty_values: z.boolean().default(false).describe('Leave out null and empty texts.'),
      media_type: mediaTypeOption(),
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
    const valueFor = (document: IngestDocument): JsonValue => {
      if (copy_from === undefined) return render(document);
      return deepCopy(ignore_empty_values ? (document.find(copy_from) ?? null) : document.get(copy_from));
    };
    return {
      mode: 'sync',
      execute: (document) => {
        const target = path.render(document);
        const values = [valueFor(document)].flat();
        const wanted = ignore_empty_values ? values.filter((item) => item !== null && item !== '') : values;
        document.append(target, wanted, allow_duplicates);
        return 'keep';
      },
    };
  },
});
