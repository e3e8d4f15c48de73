import { z } from 'zod';
import { deepCopy, type JsonValue } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate, compileValue } from '../pipeline/mustache.ts';

export const MEDIA_TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded'] as const;

export const set = defineProcessor({
  type: 'set',
  summary: 'Sets a field to a value, or to a copy of another field.',
  options: z
    .strictObject({
      field: z.string().describe('The field to set. A template.'),
      value: z.unknown().describe('The value; strings in it are templates.'),
      copy_from: z.string().optional().describe('Field to copy, in place of value.'),
      override: z.boolean().default(true).describe('false leaves a field that is there and not null as it is.'),
      ignore_empty_value: z.boolean().default(false).describe('Do nothing when a template gives an empty value.'),
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
  example: { options: { field: 'count', value: 1 }, before: {}, after: { count: 1 } },
  build: ({ field, value, copy_from, override, ignore_empty_value, media_type }) => {
    const path = compileTemplate(field);
    const render = compileValue((value ?? null) as JsonValue, { mediaType: media_type });
    const templated = typeof value === 'string' && value.includes('{{');
    return {
      mode: 'sync',
      execute: (document) => {
        const target = path.render(document);
        if (!override && document.has(target) && document.get(target) !== null) return 'keep';
        const result = copy_from === undefined ? render(document) : deepCopy(document.get(copy_from));
        if (ignore_empty_value && (templated || copy_from !== undefined) && (result === null || result === ''))
          return 'keep';
        document.set(target, result);
        return 'keep';
      },
    };
  },
});
