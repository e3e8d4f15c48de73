import type { z } from 'zod';
import { type JsonValue, javaType } from '../core/json/values.ts';
import { nearest } from '../core/nearest.ts';
import type { Path, Problem } from './problem.ts';

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'a boolean',
  int: 'an int',
  number: 'a number',
  object: 'a map',
  record: 'a map',
  string: 'a string',
};

/** Says what zod found in Elasticsearch's words. `known` are the options there are. */
export const explainIssue = (
  issue: z.core.$ZodIssue,
  type: string,
  here: Path,
  options: unknown,
  known: readonly string[],
): Problem => {
  const steps = issue.path as (string | number)[];
  const path = [...here, ...steps];
  const field = steps.join('.');
  const own = (message: string) => ({ path, message: field === '' ? message : `[${field}] ${message}` });
  const value = steps.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], options);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const keys = issue.keys.map((key) => `[${key}]${steps.length === 0 ? nearest(key, known) : ''}`).join(', ');
      return {
        path: [...path, issue.keys[0]!],
        message: `processor [${type}] doesn't support one or more provided configuration parameters ${keys}`,
      };
    }
    case 'custom':
      // An option that is not there has no place of its own.
      return { ...own(issue.message), path: value === undefined ? path.slice(0, -1) : path };
    case 'invalid_union': {
      // The kind of value that was meant tells most: its mistake lies deeper than the others' wrong type.
      const meant = issue.errors.find((branch) =>
        branch.some((inner) => inner.path.length > 0 || inner.code !== 'invalid_type'),
      );
      const inner = meant?.[0];
      if (inner === undefined) break;
      return explainIssue({ ...inner, path: [...issue.path, ...inner.path] }, type, here, options, known);
    }
  }
  if (value === undefined || value === null)
    return { path: path.slice(0, -1), message: `[${field}] required property is missing` };
  const wanted = expectedBy(issue);
  if (wanted !== undefined) return own(`property isn't ${wanted}, but of type [${javaType(value as JsonValue)}]`);
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid '))
    return own(`must be one of [${issue.values.join(', ')}], but was [${String(value)}]`);
  return own(issue.message);
};

const expectedBy = (issue: z.core.$ZodIssue): string | undefined => {
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? `of type ${issue.expected}`;
  if (issue.code !== 'invalid_union') return undefined;
  const kinds = issue.errors.flatMap(([first]) => (first === undefined ? [] : (expectedBy(first) ?? [])));
  return kinds.length === 0 ? undefined : kinds.join(' or ');
};
