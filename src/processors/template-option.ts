import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { JsonValue } from '../core/json/values.ts';
import { compileRegex } from '../painless/regex/regex.ts';
import { compileTemplate, compileValue, type MediaType } from '../pipeline/mustache.ts';

type Check<T> = (value: T) => unknown;

/** Reports what `check` throws as the mistake of this very option. */
export const checkedBy =
  <T>(check: Check<T>, prefix: (value: T) => string = () => '') =>
  (value: T, context: z.core.$RefinementCtx<T>): void => {
    try {
      check(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: `${prefix(value)}${messageOf(error)}` });
    }
  };

/** A string that may hold mustache tags. */
export const templateOption = () => z.string().superRefine(checkedBy((source) => compileTemplate(source)));

/** Any value; strings in it may hold mustache tags. */
export const valueOption = () =>
  z.unknown().superRefine(checkedBy((value) => (value === undefined ? undefined : compileValue(value as JsonValue))));

/** A regular expression of Java's. */
export const patternOption = () =>
  z.string().superRefine(
    checkedBy(
      (pattern) => compileRegex(pattern, { flavour: 'java' }),
      () => 'Invalid regex pattern. ',
    ),
  );

const MEDIA_TYPES = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
] as const satisfies MediaType[];

export const mediaTypeOption = () =>
  z
    .enum(MEDIA_TYPES, {
      error: ({ input }) => `property does not contain a supported media type [${String(input)}]`,
    })
    .default('application/json')
    .describe('How `{{value}}` is escaped in value.');
