import { equalityKey } from './equality.ts';
import { ContextMap, getKey, hasKey, keysOf, type MapValue, ScriptMap, type Value } from './values.ts';

/** What scripts do with maps, whatever they are made of. Keys of documents are strings: any other key is not there. */
export const mapGet = (map: MapValue, key: Value): Value => {
  if (map instanceof ScriptMap) return map.entries.get(equalityKey(key))?.value ?? null;
  if (typeof key !== 'string') return null;
  return (map instanceof ContextMap ? map.get(key) : getKey(map, key)) ?? null;
};

export const mapHas = (map: MapValue, key: Value): boolean => {
  if (map instanceof ScriptMap) return map.entries.has(equalityKey(key));
  if (typeof key !== 'string') return false;
  return map instanceof ContextMap ? map.has(key) : hasKey(map, key);
};

export const mapPut = (map: ScriptMap, key: Value, value: Value): Value => {
  const text = equalityKey(key);
  const known = map.entries.get(text);
  if (known === undefined) {
    map.entries.set(text, { key, value });
    return null;
  }
  const before = known.value;
  known.value = value;
  return before;
};

export const mapKeys = (map: MapValue): Value[] => {
  if (map instanceof ScriptMap) return Array.from(map.entries.values(), ({ key }) => key);
  return map instanceof ContextMap ? map.keys() : keysOf(map);
};

export const mapEntries = (map: MapValue): [Value, Value][] =>
  map instanceof ScriptMap
    ? Array.from(map.entries.values(), ({ key, value }) => [key, value])
    : mapKeys(map).map((key) => [key, mapGet(map, key)]);
