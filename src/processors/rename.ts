import { z } from 'zod';
import { illegalArgument } from '../core/errors.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { templateOption } from './template-option.ts';

export const rename = defineProcessor({
  type: 'rename',
  summary: 'Moves a field to another name.',
  options: z.strictObject({
    field: templateOption().describe('The field to move. A template.'),
    target_field: templateOption().describe('Its new name. A template.'),
    ignore_missing: z.boolean().default(false).describe('Do nothing where field is missing.'),
    override: z.boolean().default(false).describe('Replace target_field where it is there.'),
  }),
  example: { options: { field: 'a', target_field: 'b.c' }, before: { a: 1 }, after: { b: { c: 1 } } },
  build: ({ field, target_field, ignore_missing, override }) => {
    const from = compileTemplate(field);
    const to = compileTemplate(target_field);
    return {
      mode: 'sync',
      execute: (document) => {
        const path = from.render(document);
        if (path === '' || !document.has(path, true)) {
          if (ignore_missing) return 'keep';
          throw illegalArgument(`field [${path}] doesn't exist`);
        }
        const target = to.render(document);
        // Asked before the move: an index beyond a list would fail after the field is gone.
        if (document.has(target, true) && !override) throw illegalArgument(`field [${target}] already exists`);
        const value = document.get(path);
        // Removed before the set: `a` may become `a.b`.
        document.remove(path);
        try {
          document.set(target, value);
        } catch (error) {
          document.set(path, value);
          throw error;
        }
        return 'keep';
      },
    };
  },
});
