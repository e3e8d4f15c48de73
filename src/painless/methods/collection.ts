import { intArgument, stringArgument } from '../runtime/convert.ts';
import { javaEquals } from '../runtime/equality.ts';
import { classCast, outOfBounds, readOnly } from '../runtime/java-error.ts';
import { asNumber, double, numericType } from '../runtime/numbers.ts';
import { stringOf } from '../runtime/text.ts';
import { typeName } from '../runtime/type-name.ts';
import {
  type Entry,
  isList,
  itemsOf,
  type ListValue,
  ScriptArray,
  ScriptList,
  ScriptSet,
  type Value,
} from '../runtime/values.ts';
import { methodsOf } from './method.ts';

const contains = (items: readonly Value[], wanted: Value): boolean => items.some((item) => javaEquals(item, wanted));

const elements = (value: Value): readonly Value[] => {
  if (isList(value)) return itemsOf(value);
  if (value instanceof ScriptSet) return value.items;
  throw classCast(`class ${typeName(value)} cannot be cast to class java.util.Collection`);
};

const sum = (items: readonly Value[]): Value => {
  let total = 0;
  for (const item of items) {
    if (numericType(item) === undefined) throw classCast(`class ${typeName(item)} cannot be cast to java.lang.Number`);
    total += asNumber(item);
  }
  return double(total);
};

const at = (items: readonly Value[], index: number): Value => {
  if (index < 0 || index >= items.length) throw outOfBounds(`Index ${index} out of bounds for length ${items.length}`);
  return items[index]!;
};

/** The items of a list that may change: one that the script made. */
const own = (list: ListValue): Value[] => {
  if (list instanceof ScriptList) return list.items;
  throw readOnly();
};

export const LIST_METHODS = methodsOf<ListValue>({
  'add/1': (self, item) => {
    own(self).push(item);
    return true;
  },
  'add/2': (self, index, item) => {
    const items = own(self);
    const position = intArgument(index);
    if (position < 0 || position > items.length) throw outOfBounds(`Index: ${position}, Size: ${items.length}`);
    items.splice(position, 0, item);
    return null;
  },
  'addAll/1': (self, other) => {
    const added = elements(other);
    own(self).push(...added);
    return added.length > 0;
  },
  'clear/0': (self) => {
    own(self).length = 0;
    return null;
  },
  'contains/1': (self, item) => contains(itemsOf(self), item),
  'containsAll/1': (self, other) => elements(other).every((item) => contains(itemsOf(self), item)),
  'get/1': (self, index) => at(itemsOf(self), intArgument(index)),
  'getLength/0': (self) => itemsOf(self).length,
  'indexOf/1': (self, wanted) => itemsOf(self).findIndex((item) => javaEquals(item, wanted)),
  'isEmpty/0': (self) => itemsOf(self).length === 0,
  'join/1': (self, separator) => itemsOf(self).map(stringOf).join(stringArgument(separator)),
  'lastIndexOf/1': (self, wanted) => itemsOf(self).findLastIndex((item) => javaEquals(item, wanted)),
  'remove/1': (self, index) => {
    const items = own(self);
    const position = intArgument(index);
    const removed = at(items, position);
    items.splice(position, 1);
    return removed;
  },
  'set/2': (self, index, item) => {
    const items = own(self);
    const position = intArgument(index);
    const before = at(items, position);
    items[position] = item;
    return before;
  },
  'size/0': (self) => itemsOf(self).length,
  'subList/2': (self, begin, end) => {
    const items = itemsOf(self);
    const [from, to] = [intArgument(begin), intArgument(end)];
    if (from < 0 || to > items.length || from > to) throw outOfBounds(`fromIndex: ${from}, toIndex: ${to}`);
    return new ScriptList(items.slice(from, to));
  },
  'sum/0': (self) => sum(itemsOf(self)),
  'toArray/0': (self) => new ScriptArray([...itemsOf(self)], 'java.lang.Object'),
});

export const SET_METHODS = methodsOf<ScriptSet>({
  'contains/1': (self, item) => contains(self.items, item),
  'containsAll/1': (self, other) => elements(other).every((item) => contains(self.items, item)),
  'isEmpty/0': (self) => self.items.length === 0,
  'join/1': (self, separator) => self.items.map(stringOf).join(stringArgument(separator)),
  'size/0': (self) => self.items.length,
  'sum/0': (self) => sum(self.items),
  'toArray/0': (self) => new ScriptArray([...self.items], 'java.lang.Object'),
});

export const ENTRY_METHODS = methodsOf<Entry>({
  'getKey/0': (self) => self.key,
  'getValue/0': (self) => self.value,
});
