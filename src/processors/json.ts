import { z } from 'zod';
import { type IngestDocument, METADATA_FIELDS, type MetadataField } from '../core/document.ts';
import { illegalArgument, ProcessorError } from '../core/errors.ts';
import { JsonSyntaxError, parseFirstJson } from '../core/json/parse.ts';
import {
  entriesOf,
  getKey,
  isObject,
  type JsonObject,
  type JsonValue,
  javaString,
  withKey,
} from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';

export const json = defineProcessor({
  type: 'json',
  summary: 'Parses a string that holds JSON.',
  options: z
    .strictObject({
      field: z.string().describe('The string. With add_to_root, the name of a top-level field.'),
      target_field: z.string().optional().describe('Where the value goes; default: field itself.'),
      add_to_root: z.boolean().default(false).describe('Put the keys of the object into the document itself.'),
      add_to_root_conflict_strategy: z
        .string()
        .toLowerCase()
        .pipe(
          z.enum(['replace', 'merge'], {
            error: ({ input }) => `conflict strategy [${String(input)}] not supported, cannot convert field.`,
          }),
        )
        .optional()
        .meta({
          description: 'What happens to keys that are there: `replace` (default), or `merge` for objects.',
          examples: ['replace', 'merge'],
        }),
      allow_duplicate_keys: z.boolean().default(false).describe('Take the last of several equal keys.'),
      strict_json_parsing: z.boolean().default(true).describe('false ignores what stands behind the first value.'),
    })
    .refine(({ target_field, add_to_root }) => !(add_to_root && target_field !== undefined), {
      path: ['target_field'],
      message: 'Cannot set a target field while also setting `add_to_root` to true',
    })
    .refine(({ add_to_root, add_to_root_conflict_strategy: strategy }) => add_to_root || strategy === undefined, {
      path: ['add_to_root_conflict_strategy'],
      message: 'Cannot set `add_to_root_conflict_strategy` if `add_to_root` is false',
    }),
  example: { options: { field: 'a' }, before: { a: '{"b":[1,2]}' }, after: { a: { b: [1, 2] } } },
  build: (options) => {
    const { field, target_field, add_to_root, allow_duplicate_keys, strict_json_parsing } = options;
    const parse = (value: JsonValue) => parseText(javaString(value), allow_duplicate_keys, strict_json_parsing);
    if (add_to_root) {
      const merge = options.add_to_root_conflict_strategy === 'merge';
      return {
        mode: 'sync',
        execute: (document) => {
          // As in Elasticsearch, the field is a key here, not a path.
          addToRoot(document, parse(getKey(document.source, field) ?? null), merge);
          return 'keep';
        },
      };
    }
    return {
      mode: 'sync',
      execute: (document) => {
        document.set(target_field ?? field, parse(document.get(field)));
        return 'keep';
      },
    };
  },
});

const parseText = (text: string, allowDuplicateKeys: boolean, strict: boolean): JsonValue => {
  // No token at all is no value, and no fault.
  if (/^[ \t\r\n]*$/.test(text)) return null;
  try {
    const { value, end } = parseFirstJson(text, { allowDuplicateKeys });
    const number = typeof value !== 'string' && typeof value !== 'boolean' && value !== null && !isContainer(value);
    if (number && end < text.length && !/[ \t\r\n]/.test(text[end - 1]!))
      throw new JsonSyntaxError('expected a space between values', end);
    if (strict && end < text.length)
      throw illegalArgument(`The input ${text} is not valid JSON and the strict_json_parsing parameter is true`);
    return value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    const what = error.message.replace(/ at offset \d+$/, '');
    throw new ProcessorError('x_content_parse_exception', `[${before.length}:${before.at(-1)!.length + 1}] ${what}`);
  }
};

const isContainer = (value: JsonValue): boolean => Array.isArray(value) || isObject(value);

const METADATA: ReadonlySet<string> = new Set(METADATA_FIELDS);

const addToRoot = (document: IngestDocument, value: JsonValue, merge: boolean): void => {
  if (!isObject(value)) throw illegalArgument('cannot add non-map fields to root of document');
  for (const [key, item] of entriesOf(value)) {
    if (METADATA.has(key)) {
      document.set(key as MetadataField, item);
      continue;
    }
    const there = getKey(document.source, key);
    // A key may hold dots, and is one key all the same.
    document.setRootKey(key, merge && isObject(there) && isObject(item) ? merged(there, item) : item);
  }
};

const merged = (there: JsonObject, other: JsonObject): JsonObject => {
  let result = there;
  for (const [key, item] of entriesOf(other)) {
    const own = getKey(result, key);
    result = withKey(result, key, isObject(own) && isObject(item) ? merged(own, item) : item);
  }
  return result;
};
