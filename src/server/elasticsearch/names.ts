import { Refusal } from '../../core/refusal.ts';

/** Those that an expression means: names and wildcards with commas between them, or `_all`. */
export const matchNames = <T>(
  expression: string | undefined,
  all: readonly T[],
  namesOf: (one: T) => readonly string[],
): T[] => {
  if (expression === undefined || expression === '' || expression === '_all' || expression === '*') return [...all];
  const tests = expression.split(',').map((name) => test(name.trim()));
  return all.filter((one) => namesOf(one).some((name) => tests.some((fits) => fits(name))));
};

const test = (pattern: string): ((name: string) => boolean) => {
  if (!pattern.includes('*')) return (name) => name === pattern;
  const parts = pattern.split('*');
  return (name) => {
    if (!name.startsWith(parts[0]!)) return false;
    let at = parts[0]!.length;
    for (const part of parts.slice(1, -1)) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    const last = parts.at(-1)!;
    return name.length - last.length >= at && name.endsWith(last);
  };
};

/** True where an expression names one thing, which then has to be there. */
export const isExact = (expression: string | undefined): expression is string =>
  expression !== undefined && expression !== '_all' && !expression.includes('*') && !expression.includes(',');

/** A parameter that is true, false or not there. @throws Refusal 400 */
export const booleanOf = (query: URLSearchParams, name: string, otherwise: boolean): boolean => {
  const value = query.get(name);
  if (value === null) return otherwise;
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new Refusal(
    400,
    'illegal_argument_exception',
    `Failed to parse value [${value}] as only [true] or [false] are allowed.`,
  );
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time like `30s` in milliseconds. @throws Refusal 400 */
export const timeOf = (query: URLSearchParams, name: string, otherwise: number): number => {
  const value = query.get(name);
  if (value === null) return otherwise;
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(value);
  if (match === null)
    throw new Refusal(
      400,
      'illegal_argument_exception',
      `failed to parse setting [${name}] with value [${value}] as a time value: unit is missing or unrecognized`,
    );
  return Number(match[1]) * UNITS[match[2]!]!;
};

/** @throws Refusal 400 */
export const countOf = (query: URLSearchParams, name: string, otherwise: number): number => {
  const value = query.get(name);
  if (value === null) return otherwise;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new Refusal(400, 'illegal_argument_exception', `Failed to parse int parameter [${name}] with value [${value}]`);
};
