import { z } from 'zod';
import { cannotCast, type IngestDocument } from '../core/document.ts';
import { illegalArgument, ProcessorError } from '../core/errors.ts';
import { type JsonValue, javaString, javaType } from '../core/json/values.ts';
import type { Execution } from '../pipeline/definition.ts';

/** Options of every processor that changes a string, or each string of a list. */
export const stringOptions = {
  field: z.string().describe('The field to change: a string, or a list of strings.'),
  target_field: z.string().optional().describe('Where the result goes; default: field itself.'),
  ignore_missing: z.boolean().default(false).describe('Do nothing where field is missing or null.'),
};

interface StringOptions {
  readonly field: string;
  readonly target_field?: string | undefined;
  readonly ignore_missing: boolean;
}

/** Elasticsearch's AbstractStringProcessor: strings, lists of strings, and its messages for everything else. */
export const stringExecution = (
  { field, target_field, ignore_missing }: StringOptions,
  change: (text: string) => JsonValue,
): Execution => ({
  mode: 'sync',
  execute: (document) => {
    const value = presentValue(document, field, ignore_missing, 'process it');
    if (value === undefined) return 'keep';
    document.set(target_field ?? field, changed(field, value, change));
    return 'keep';
  },
});

const changed = (field: string, value: JsonValue, change: (text: string) => JsonValue): JsonValue => {
  if (typeof value === 'string') return change(value);
  if (!Array.isArray(value)) throw cannotCast(field, value, 'java.lang.String');
  return value.map((item) => {
    if (typeof item === 'string') return change(item);
    if (item === null) throw nullElement('Object.getClass()');
    throw illegalArgument(
      `value [${javaString(item)}] of type [${javaType(item)}] in list field [${field}] cannot be cast to [java.lang.String]`,
    );
  });
};

/** What Elasticsearch says of a null in a list that must hold something else. */
export const nullElement = (call: string) =>
  new ProcessorError('null_pointer_exception', `Cannot invoke "${call}" because "value" is null`);

/** The field's value; undefined where it is missing or null and that is allowed. */
export const presentValue = (
  document: IngestDocument,
  field: string,
  ignoreMissing: boolean,
  purpose: string,
): JsonValue | undefined => {
  if (ignoreMissing) return document.find(field) ?? undefined;
  const value = document.get(field);
  if (value === null) throw illegalArgument(`field [${field}] is null, cannot ${purpose}.`);
  return value;
};
