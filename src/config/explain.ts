import type { z } from 'zod';
import { nearest } from '../core/nearest.ts';
import type { Path } from './yaml-file.ts';

/** A mistake at a path of the file, before its line is known. */
export interface PathMistake {
  readonly path: Path;
  readonly message: string;
  /** True when the mistake is the key itself. */
  readonly key?: boolean;
}

/** What zod found, in words that help: the nearest valid key, the value that was expected. */
export const explainIssues = (error: z.ZodError, schema: z.ZodType, value: unknown): PathMistake[] =>
  error.issues.flatMap((issue) => explain(issue, schema, value));

const explain = (issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): PathMistake[] => {
  const path = issue.path as (string | number)[];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = keysAt(schema, path);
        const hint = nearest(key, known);
        return {
          path: [...path, key],
          key: true,
          message: `unknown key [${key}]${hint || (known.length > 0 && known.length <= 12 ? `; known are [${known.join(', ')}]` : '')}`,
        };
      });
    case 'invalid_type': {
      const missing = valueAt(value, path) === undefined;
      return [
        missing
          ? { path: path.slice(0, -1), message: `[${path.at(-1)}] is missing` }
          : { path, message: `[${path.at(-1) ?? ''}] must be ${article(issue.expected)}` },
      ];
    }
    case 'invalid_value':
      return [
        {
          path,
          message:
            valueAt(value, path) === undefined
              ? `[${path.at(-1)}] is missing`
              : `[${String(valueAt(value, path))}] is not one of [${issue.values.map(String).join(', ')}]${nearest(String(valueAt(value, path)), issue.values.map(String))}`,
        },
      ];
    case 'invalid_union':
      return explainUnion(issue, schema, value);
    default:
      return [{ path, message: issue.message }];
  }
};

/** Of a union's failed branches, the one that knows most of the keys, and came furthest into the value, was meant. */
const explainUnion = (issue: z.core.$ZodIssueInvalidUnion, schema: z.ZodType, value: unknown): PathMistake[] => {
  const path = issue.path as (string | number)[];
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map((inner) => inner.path.length + (inner.code === 'unrecognized_keys' ? 1 : 0)));
  const strange = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce(
      (sum, inner) => sum + (inner.code === 'unrecognized_keys' && inner.path.length === 0 ? inner.keys.length : 0),
      0,
    );
  const best = [...issue.errors].sort((a, b) => strange(a) - strange(b) || depth(b) - depth(a))[0];
  if (best === undefined || depth(best) === 0) {
    if (valueAt(value, path) === undefined)
      return [{ path: path.slice(0, -1), message: `[${path.at(-1)}] is missing` }];
    return [{ path, message: best?.[0]?.message ?? issue.message }];
  }
  return best.flatMap((inner) =>
    explain({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue, schema, value),
  );
};

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined),
    value,
  );

interface SchemaInside {
  readonly type?: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** Keys that the schema knows at a path; every branch of a union counts. */
const keysAt = (schema: z.ZodType, path: Path): string[] => {
  const { def } = schema as unknown as { def: SchemaInside };
  if (def.options !== undefined) return [...new Set(def.options.flatMap((option) => keysAt(option, path)))];
  const inner = def.innerType ?? def.in;
  if (inner !== undefined) return keysAt(inner, path);
  if (path.length === 0) return Object.keys(def.shape ?? {});
  const [first, ...rest] = path;
  const next = def.shape?.[String(first)] ?? def.element ?? def.valueType;
  return next === undefined ? [] : keysAt(next, rest);
};
