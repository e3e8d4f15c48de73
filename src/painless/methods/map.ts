import { equalityKey, javaEquals } from '../runtime/equality.ts';
import { readOnly } from '../runtime/java-error.ts';
import { mapEntries, mapGet, mapHas, mapKeys, mapPut } from '../runtime/maps.ts';
import { Entry, type MapValue, ScriptList, ScriptMap, ScriptSet, type Value } from '../runtime/values.ts';
import { methodsOf } from './method.ts';

/** A map that may change: one that the script made. */
const own = (map: MapValue): ScriptMap => {
  if (map instanceof ScriptMap) return map;
  throw readOnly();
};

export const MAP_METHODS = methodsOf<MapValue>({
  'clear/0': (self) => {
    own(self).entries.clear();
    return null;
  },
  'containsKey/1': mapHas,
  'containsValue/1': (self, wanted) => mapEntries(self).some(([, value]) => javaEquals(value, wanted)),
  'entrySet/0': (self) => new ScriptSet(mapEntries(self).map(([key, value]) => new Entry(key, value))),
  'get/1': mapGet,
  'getOrDefault/2': (self, key, otherwise) => (mapHas(self, key) ? mapGet(self, key) : otherwise),
  'isEmpty/0': (self) => mapKeys(self).length === 0,
  'keySet/0': (self) => new ScriptSet(mapKeys(self)),
  'put/2': (self, key, value) => mapPut(own(self), key, value),
  'putAll/1': (self, other) => {
    const map = own(self);
    for (const [key, value] of mapEntries(other as MapValue)) mapPut(map, key, value);
    return null;
  },
  'putIfAbsent/2': (self, key, value) => {
    const map = own(self);
    const before = mapGet(map, key);
    if (before === null) mapPut(map, key, value);
    return before;
  },
  'remove/1': (self, key) => {
    const map = own(self);
    const before: Value = mapGet(map, key);
    map.entries.delete(equalityKey(key));
    return before;
  },
  'size/0': (self) => mapKeys(self).length,
  'values/0': (self) => new ScriptList(mapEntries(self).map(([, value]) => value)),
});
