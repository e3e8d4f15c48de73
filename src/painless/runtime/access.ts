import { GETTERS } from '../methods/getters.ts';
import { intArgument } from './convert.ts';
import { illegalArgument, nullPointer, outOfBounds, readOnly } from './java-error.ts';
import { mapGet, mapPut } from './maps.ts';
import { typeName } from './type-name.ts';
import {
  itemsOf,
  kindOf,
  type ListValue,
  type MapValue,
  ScriptArray,
  ScriptList,
  ScriptMap,
  type Value,
} from './values.ts';

/** `value.name`: a getter, else the key of a map or the index of a list. */
export const readField = (target: Value, name: string): Value => {
  const kind = kindOf(target);
  if (kind === 'map') return GETTERS.map?.get(name)?.(target) ?? mapGet(target as MapValue, name);
  if (kind === undefined) throw nullPointer();
  const getter = GETTERS[kind]?.get(name);
  if (getter !== undefined) return getter(target);
  if (kind === 'list') {
    if (!/^\d{1,10}$/.test(name)) throw illegalArgument(`Illegal list shortcut value [${name}].`);
    return itemAt(itemsOf(target as ListValue), Number(name));
  }
  throw illegalArgument(`Unable to find dynamic field [${name}] for class [${typeName(target)}].`);
};

const itemAt = (items: readonly Value[], index: number): Value => {
  if (index < 0 || index >= items.length) {
    throw outOfBounds(`Index ${index} out of bounds for length ${items.length}`);
  }
  return items[index]!;
};

/** Negative indices count from the end, in brackets only. */
const normalized = (items: readonly Value[], index: Value): number => {
  const at = intArgument(index);
  return at < 0 ? at + items.length : at;
};

/** `value[index]`. */
export const readIndex = (target: Value, index: Value): Value => {
  switch (kindOf(target)) {
    case 'map':
      return mapGet(target as MapValue, index);
    case 'list': {
      const items = itemsOf(target as ListValue);
      return itemAt(items, normalized(items, index));
    }
    case 'array': {
      const { items } = target as ScriptArray;
      return itemAt(items, normalized(items, index));
    }
    case undefined:
      throw nullPointer();
    default:
      throw illegalArgument(`Attempting to address a non-array-like type [${typeName(target)}] as an array.`);
  }
};

/** Stores into what the script made; documents are read-only. */
export const writeIndex = (target: Value, index: Value, value: Value): void => {
  if (target === null) throw nullPointer();
  if (target instanceof ScriptMap) mapPut(target, index, value);
  else if (target instanceof ScriptList || target instanceof ScriptArray) {
    const at = normalized(target.items, index);
    itemAt(target.items, at);
    target.items[at] = value;
  } else if (kindOf(target) === 'map' || kindOf(target) === 'list') throw readOnly();
  else throw illegalArgument(`Attempting to address a non-array-like type [${typeName(target)}] as an array.`);
};

export const writeField = (target: Value, name: string, value: Value): void => {
  if (target === null) throw nullPointer();
  if (target instanceof ScriptMap) mapPut(target, name, value);
  else if (kindOf(target) === 'map') throw readOnly();
  else if (kindOf(target) === 'list') writeIndex(target, /^\d{1,9}$/.test(name) ? Number(name) : name, value);
  else throw illegalArgument(`Unable to find dynamic field [${name}] for class [${typeName(target)}].`);
};
