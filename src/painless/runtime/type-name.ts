import { javaType } from '../../core/json/values.ts';
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

const NUM = { byte: 'java.lang.Byte', short: 'java.lang.Short', float: 'java.lang.Float', double: 'java.lang.Double' };

/** The Java class that messages show for a value. */
export const typeName = (value: Value): string => {
  // A script's bigint is a Long however small.
  if (typeof value !== 'object' || value === null) return javaType(value);
  if (value instanceof Num) return NUM[value.kind];
  if (value instanceof Char) return 'java.lang.Character';
  if (value instanceof ScriptList) return 'java.util.ArrayList';
  if (value instanceof ScriptMap) return 'java.util.HashMap';
  if (value instanceof ContextMap) return 'java.util.HashMap';
  if (value instanceof ScriptSet) return 'java.util.Set';
  if (value instanceof ScriptArray) return `${value.component}[]`;
  if (value instanceof Entry) return 'java.util.Map.Entry';
  if (value instanceof Pattern) return 'java.util.regex.Pattern';
  if (value instanceof Matcher) return 'java.util.regex.Matcher';
  return javaType(value);
};
