import { z } from 'zod';
import { METADATA_FIELDS } from '../core/document.ts';
import { keysOf } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';

const fields = z.union([z.string(), z.array(z.string()).min(1)]);

export const remove = defineProcessor({
  type: 'remove',
  summary: 'Removes fields, or all fields but some.',
  options: z
    .strictObject({
      field: fields.optional().describe('Fields to remove. Templates.'),
      keep: fields.optional().describe('Fields to keep, in place of field: all others go.'),
      ignore_missing: z.boolean().default(false).describe('Do nothing for a field that is missing.'),
    })
    .refine(({ field, keep }) => field !== undefined || keep !== undefined, {
      path: ['field'],
      message: 'or [keep] must be specified',
    })
    .refine(({ field, keep }) => field === undefined || keep === undefined, {
      path: ['keep'],
      message: 'Too many fields specified: [field] or [keep]',
    }),
  example: { options: { field: 'a.b' }, before: { a: { b: 1, c: 2 } }, after: { a: { c: 2 } } },
  build: ({ field, keep, ignore_missing }) => {
    const paths = [field ?? keep!].flat().map((path) => compileTemplate(path));
    if (keep === undefined) {
      return {
        mode: 'sync',
        execute: (document) => {
          for (const template of paths) {
            const path = template.render(document);
            if (!ignore_missing || (path !== '' && document.has(path))) document.remove(path);
          }
          return 'keep';
        },
      };
    }
    return {
      mode: 'sync',
      execute: (document) => {
        const kept = paths.map((template) => template.render(document));
        // A field stays when it is kept itself, or holds or stands in one that is.
        const stays = (path: string) =>
          kept.some((other) => other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`));
        const prune = (prefix: string, names: readonly string[]) => {
          for (const name of names) {
            const path = prefix === '' ? name : `${prefix}.${name}`;
            if (!stays(path)) document.remove(path);
            else if (!kept.some((other) => other === path || path.startsWith(`${other}.`))) {
              const value = document.get(path);
              if (typeof value === 'object' && value !== null && !Array.isArray(value))
                prune(path, keysOf(value as never));
            }
          }
        };
        prune(
          '',
          keysOf(document.source).filter((name) => !(METADATA_FIELDS as readonly string[]).includes(name)),
        );
        return 'keep';
      },
    };
  },
});
