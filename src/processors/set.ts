import { z } from 'zod';
import type { IngestDocument } from '../core/document.ts';
import { deepCopy, type JsonValue } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate, compileValue } from '../pipeline/mustache.ts';
import { mediaTypeOption, templateOption, valueOption } from './template-option.ts';

export const set = defineProcessor({
  type: 'set',
  summary: 'Sets a field to a value, or to a copy of another field.',
  options: z
    .strictObject({
      field: templateOption().describe('The field to set. A template.'),
      value: valueOption().optional().describe('The value; strings in it are templates.'),
      copy_from: z.string().optional().describe('Field to copy, in place of value.'),
      override: z.boolean().default(true).describe('false leaves a field that is there and not null as it is.'),
      ignore_empty_value: z
        .boolean()
        .default(false)
        .describe('Do nothing where a template gives an empty text, or copy_from null, an empty text or nothing.'),
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
  example: {
    options: { field: 'greeting', value: 'Hello {{{name}}}' },
    before: { name: 'Ada' },
    after: { name: 'Ada', greeting: 'Hello Ada' },
  },
  build: ({ field, value, copy_from, override, ignore_empty_value, media_type }) => {
    const path = compileTemplate(field);
    const render = compileValue((value ?? null) as JsonValue, { mediaType: media_type });
    // A value written as empty is meant so: only what a document gave may be ignored.
    const skipEmpty =
      ignore_empty_value && (copy_from !== undefined || (typeof value === 'string' && value.includes('{{')));
    const valueFor = (document: IngestDocument): JsonValue => {
      if (copy_from === undefined) return render(document);
      return deepCopy(ignore_empty_value ? (document.find(copy_from) ?? null) : document.get(copy_from));
    };
    return {
      mode: 'sync',
      execute: (document) => {
        const target = path.render(document);
        if (!override && document.has(target) && document.get(target) !== null) return 'keep';
        const result = valueFor(document);
        if (skipEmpty && (result === null || result === '')) return 'keep';
        document.set(target, result);
        return 'keep';
      },
    };
  },
});
