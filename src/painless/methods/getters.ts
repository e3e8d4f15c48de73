import type { ReceiverKind, ScriptArray, Value } from '../runtime/values.ts';
import { ENTRY_METHODS, LIST_METHODS, SET_METHODS } from './collection.ts';
import { MAP_METHODS } from './map.ts';
import type { Method, MethodTable } from './method.ts';
import { NUMBER_METHODS } from './number.ts';
import { STRING_METHODS } from './string.ts';

type Getter = (self: Value) => Value;

/** `x.empty` is `x.isEmpty()`, `x.key` is `x.getKey()`: methods without arguments named so. */
const gettersOf = (table: MethodTable): ReadonlyMap<string, Getter> => {
  const getters = new Map<string, Getter>();
  for (const [key, method] of table) {
    const property = /^(?:get|is)([A-Z])(\w*)\/0$/.exec(key);
    if (property !== null) getters.set(property[1]!.toLowerCase() + property[2]!, bound(method));
  }
  return getters;
};
const bound =
  (method: Method): Getter =>
  (self) =>
    method(self, null, null, null);

/** On a map a getter comes before the key of its name, as in Painless: `map.empty`. */
export const GETTERS: Readonly<Partial<Record<ReceiverKind, ReadonlyMap<string, Getter>>>> = {
  string: gettersOf(STRING_METHODS),
  list: gettersOf(LIST_METHODS),
  map: gettersOf(MAP_METHODS),
  set: gettersOf(SET_METHODS),
  entry: gettersOf(ENTRY_METHODS),
  number: gettersOf(NUMBER_METHODS),
  array: new Map([['length', (self: Value) => (self as ScriptArray).items.length]]),
};
