import { z } from 'zod';
import { type IngestDocument, METADATA_FIELDS } from '../core/document.ts';
import { entriesOf, isObject, type JsonObject } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { templateOption } from './template-option.ts';

const fields = () => z.union([templateOption(), z.array(templateOption())]);
const METADATA: ReadonlySet<string> = new Set(METADATA_FIELDS);

export const remove = defineProcessor({
  type: 'remove',
  summary: 'Removes fields, or all fields but some.',
  options: z
    .strictObject({
      field: fields().optional().describe('Field or list of fields to remove. Templates.'),
      keep: fields()
        .optional()
        .describe('Field or list of fields to keep, in place of field: all others go. Templates.'),
      ignore_missing: z.boolean().default(false).describe('Do nothing for a field that is missing.'),
    })
    .refine(({ field = [], keep = [] }) => field.length > 0 || keep.length > 0, {
      path: ['keep'],
      message: 'or [field] must be specified',
    })
    .refine(({ field = [], keep = [] }) => field.length === 0 || keep.length === 0, {
      path: ['keep'],
      message: 'and [field] cannot both be used in the same processor',
    }),
  example: { options: { field: 'a.b' }, before: { a: { b: 1, c: 2 } }, after: { a: { c: 2 } } },
  build: ({ field = [], keep = [], ignore_missing }) => {
    const keeps = keep.length > 0;
    const templates = [keeps ? keep : field].flat().map((path) => compileTemplate(path));
    return {
      mode: 'sync',
      execute: (document) => {
        const paths = templates.map((template) => template.render(document));
        if (keeps) removeAllBut(document, paths);
        else for (const path of paths) if (!ignore_missing || document.has(path)) document.remove(path);
        return 'keep';
      },
    };
  },
});

/** A field stays when it is kept itself, holds one that is, or stands in one. */
const removeAllBut = (document: IngestDocument, kept: readonly string[]): void => {
  const goes = allFields(document.source).filter(
    (path) =>
      !METADATA.has(path) &&
      !kept.some((other) => other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`)),
  );
  // One that stood in another is gone already.
  for (const path of goes) if (document.has(path)) document.remove(path);
};

const allFields = (object: JsonObject, prefix = ''): string[] =>
  entriesOf(object).flatMap(([key, value]) => [
    prefix + key,
    ...(isObject(value) ? allFields(value, `${prefix}${key}.`) : []),
  ]);
