import { hashCode, javaEquals } from '../runtime/equality.ts';
import { stringOf } from '../runtime/text.ts';
import type { ReceiverKind, Value } from '../runtime/values.ts';
import { ENTRY_METHODS, LIST_METHODS, SET_METHODS } from './collection.ts';
import { MAP_METHODS } from './map.ts';
import { type Method, type MethodTable, methodsOf } from './method.ts';
import { BOOLEAN_METHODS, CHAR_METHODS, NUMBER_METHODS } from './number.ts';
import { MATCHER_METHODS, PATTERN_METHODS } from './pattern.ts';
import { STRING_METHODS } from './string.ts';

/** What every object has. */
const OBJECT_METHODS = methodsOf<Value>({
  'equals/1': javaEquals,
  'hashCode/0': hashCode,
  'toString/0': stringOf,
});

const NONE: MethodTable = new Map();
const TABLES: Readonly<Record<ReceiverKind, MethodTable>> = {
  string: STRING_METHODS,
  number: NUMBER_METHODS,
  boolean: BOOLEAN_METHODS,
  char: CHAR_METHODS,
  list: LIST_METHODS,
  map: MAP_METHODS,
  set: SET_METHODS,
  array: NONE,
  entry: ENTRY_METHODS,
  pattern: PATTERN_METHODS,
  matcher: MATCHER_METHODS,
};

/** Methods that change their receiver. */
export const MUTATORS: ReadonlySet<string> = new Set([
  'add',
  'addAll',
  'clear',
  'compute',
  'computeIfAbsent',
  'computeIfPresent',
  'merge',
  'put',
  'putAll',
  'putIfAbsent',
  'remove',
  'removeAll',
  'removeIf',
  'retainAll',
  'set',
  'setValue',
  'sort',
]);

/** Of every kind of receiver the method that a call may mean. */
export type Overloads = Readonly<Partial<Record<ReceiverKind, Method>>>;

/** Undefined where no receiver has such a method. */
export const methodsNamed = (name: string, count: number): Overloads | undefined => {
  const key = `${name}/${count}`;
  const shared = OBJECT_METHODS.get(key);
  const found: Partial<Record<ReceiverKind, Method>> = {};
  for (const [kind, table] of Object.entries(TABLES)) {
    const method = table.get(key) ?? shared;
    if (method !== undefined) found[kind as ReceiverKind] = method;
  }
  return Object.keys(found).length === 0 ? undefined : found;
};
