import { Decimal, type JsonValue, NeedsExactWriter } from './values.ts';

/** Writes a value as one line of JSON: fast where `JSON.stringify` is exact, with the exact writer elsewhere. */
export const writeJson = (value: JsonValue): string => {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // A bigint makes JSON.stringify throw a TypeError; Decimal and JsonMap throw NeedsExactWriter.
    if (!(error instanceof NeedsExactWriter) && !(error instanceof TypeError)) throw error;
    return writeExactJson(value);
  }
};

export const writeExactJson = (value: JsonValue): string => {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  // NaN and infinities have no JSON form; Elasticsearch refuses them, JSON.stringify writes null.
  if (value instanceof Decimal) return /^-?\d/.test(value.text) ? value.text : 'null';
  if (Array.isArray(value)) return `[${value.map(writeExactJson).join(',')}]`;
  const parts: string[] = [];
  if (value instanceof Map)
    for (const [key, item] of value) parts.push(`${JSON.stringify(key)}:${writeExactJson(item)}`);
  else for (const key of Object.keys(value)) parts.push(`${JSON.stringify(key)}:${writeExactJson(value[key]!)}`);
  return `{${parts.join(',')}}`;
};
