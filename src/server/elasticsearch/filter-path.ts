type Json = unknown;

/**
 * `filter_path`: only what a pattern leads to, or all but what one with a minus leads to. `*` stands for any name or a
 * part of one, `**` for any number of them.
 * https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options#common-options-response-filtering
 */
export const filterPath = (body: Json, patterns: readonly string[]): Json => {
  const parsed = patterns.map((pattern) => pattern.trim()).filter(Boolean);
  const leave = parsed.filter((pattern) => pattern.startsWith('-')).map((pattern) => pattern.slice(1).split('.'));
  const keep = parsed.filter((pattern) => !pattern.startsWith('-')).map((pattern) => pattern.split('.'));
  const kept = keep.length === 0 ? body : include(body, keep);
  return (leave.length === 0 ? kept : exclude(kept, leave)) ?? {};
};

type Pattern = readonly string[];

/** What is left of the patterns behind a name; undefined among them where one ends here. */
const behind = (patterns: readonly Pattern[], name: string): (Pattern | undefined)[] =>
  patterns.flatMap((pattern): (Pattern | undefined)[] => {
    const [first = '', ...rest] = pattern;
    if (first === '**') return [pattern, ...behind([rest], name)];
    if (!matches(first, name)) return [];
    return [rest.length === 0 ? undefined : rest];
  });

const matches = (pattern: string, name: string): boolean => {
  if (!pattern.includes('*')) return pattern === name;
  const parts = pattern.split('*');
  if (!name.startsWith(parts[0]!) || !name.endsWith(parts.at(-1)!)) return false;
  let at = parts[0]!.length;
  for (const part of parts.slice(1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
};

const include = (value: Json, patterns: readonly Pattern[]): Json | undefined => {
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => include(item, patterns) ?? []);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
    const left = behind(patterns, name);
    if (left.includes(undefined)) return [[name, inner]];
    const below = left.length === 0 ? undefined : include(inner, left as Pattern[]);
    return below === undefined ? [] : [[name, below]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
};

const exclude = (value: Json, patterns: readonly Pattern[]): Json => {
  if (Array.isArray(value)) return value.map((item) => exclude(item, patterns));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
      const left = behind(patterns, name);
      if (left.includes(undefined)) return [];
      return [[name, left.length === 0 ? inner : exclude(inner, left as Pattern[])]];
    }),
  );
};
