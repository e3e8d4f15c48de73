import { z } from 'zod';
import { illegalArgument, messageOf } from '../core/errors.ts';
import { readJson } from '../core/json/read.ts';
import { entriesOf, getKey, isObject, type JsonObject, type JsonValue, javaString } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';

export const json = defineProcessor({
  type: 'json',
  summary: 'Parses a string that holds JSON.',
  options: z
    .strictObject({
      field: z.string().describe('The string.'),
      target_field: z.string().optional().describe('Where the value goes; default: field itself.'),
      add_to_root: z.boolean().default(false).describe('Put the keys of the object into the document itself.'),
      add_to_root_conflict_strategy: z
        .enum(['replace', 'merge'])
        .default('replace')
        .describe('What happens to keys that are there: replaced, or objects merged.'),
      allow_duplicate_keys: z
        .boolean()
        .default(false)
        .describe('Take the last of several equal keys, in place of failing.'),
      strict_json_parsing: z.boolean().default(true).describe('false ignores what stands behind the first value.'),
    })
    .refine(({ target_field, add_to_root }) => !(add_to_root && target_field !== undefined), {
      path: ['target_field'],
      message: 'Cannot set a target field while also setting `add_to_root` to true',
    }),
  example: { options: { field: 'a' }, before: { a: '{"b":1.0}' }, after: { a: { b: 1.0 } } },
  build: ({
    field,
    target_field,
    add_to_root,
    add_to_root_conflict_strategy,
    allow_duplicate_keys,
    strict_json_parsing,
  }) => ({
    mode: 'sync',
    execute: (document) => {
      const value = parse(javaString(document.get(field)), allow_duplicate_keys, strict_json_parsing);
      if (!add_to_root) {
        document.set(target_field ?? field, value);
        return 'keep';
      }
      if (!isObject(value)) throw illegalArgument('cannot add non-map fields to root of document');
      for (const [key, item] of entriesOf(value)) {
        const there = getKey(document.source, key);
        // A key may hold dots, and is one key all the same.
        document.setRootKey(
          key,
          add_to_root_conflict_strategy === 'merge' && isObject(there ?? null) && isObject(item)
            ? merged(there as JsonObject, item)
            : item,
        );
      }
      return 'keep';
    },
  }),
});

const parse = (text: string, duplicates: boolean, strict: boolean): JsonValue => {
  const attempt = (part: string): JsonValue => {
    const bytes = Buffer.from(part);
    return duplicates ? (JSON.parse(part) as JsonValue) : readJson(bytes).value;
  };
  try {
    return attempt(text);
  } catch (error) {
    const first = strict
      ? undefined
      : /^\s*(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[^"\\]|\\.)*")\s/.exec(text)?.[1];
    if (first !== undefined) return attempt(first);
    // V8's message quotes the text.
    throw illegalArgument(duplicates ? 'the value is not JSON' : messageOf(error));
  }
};

const merged = (there: JsonObject, other: JsonObject): JsonObject => {
  let result = there;
  for (const [key, item] of entriesOf(other)) {
    const own = getKey(result, key);
    const value = isObject(own ?? null) && isObject(item) ? merged(own as JsonObject, item) : item;
    if (result instanceof Map) result.set(key, value);
    else result = { ...result, [key]: value };
  }
  return result;
};
