import { javaDouble, javaString } from '../../core/json/values.ts';
import { mapEntries } from './maps.ts';
import {
  Char,
  ContextMap,
  Entry,
  Matcher,
  Num,
  Pattern,
  ScriptArray,
  ScriptList,
  ScriptMap,
  ScriptSet,
  type Value,
} from './values.ts';

/** Java's `String.valueOf`. */
export const stringOf = (value: Value): string => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return javaString(value);
  if (value instanceof Char) return String.fromCharCode(value.code);
  if (value instanceof Num) return numText(value);
  if (value instanceof ScriptList || value instanceof ScriptSet) return `[${value.items.map(stringOf).join(', ')}]`;
  if (value instanceof ScriptArray) return `${value.component}[${value.items.length}]`;
  if (value instanceof Entry) return `${stringOf(value.key)}=${stringOf(value.value)}`;
  if (value instanceof Pattern || value instanceof Matcher) return value.regex.pattern;
  if (value instanceof ScriptMap || value instanceof ContextMap) {
    return `{${mapEntries(value)
      .map(([key, item]) => `${stringOf(key)}=${stringOf(item)}`)
      .join(', ')}}`;
  }
  return javaString(value);
};

const numText = ({ kind, value }: Num): string => {
  if (kind === 'double') return javaDouble(value);
  return kind === 'float' ? floatText(value) : String(value);
};

/** The shortest digits that give the same float. */
const floatText = (value: number): string => {
  if (!Number.isFinite(value)) return javaDouble(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return javaDouble(text);
  }
  return javaDouble(value);
};
