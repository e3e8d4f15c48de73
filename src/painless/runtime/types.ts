import { numericType } from './numbers.ts';
import { kindOf, type Value } from './values.ts';

/** The types that a script may name, by their name without package, with what `instanceof` asks. */
const is =
  (...kinds: readonly (string | undefined)[]) =>
  (value: Value): boolean =>
    value !== null && kinds.includes(kindOf(value));
const numeric =
  (...types: readonly string[]) =>
  (value: Value): boolean => {
    const type = numericType(value);
    return type !== undefined && types.includes(type);
  };
const never = (): boolean => false;

const LANG: ReadonlyMap<string, (value: Value) => boolean> = new Map<string, (value: Value) => boolean>([
  ['Object', (value) => value !== null],
  ['String', is('string')],
  ['CharSequence', is('string')],
  ['Comparable', is('string', 'number', 'boolean', 'char')],
  ['Number', is('number')],
  ['Boolean', is('boolean')],
  ['Character', is('char')],
  ['Byte', numeric('byte')],
  ['Short', numeric('short')],
  ['Integer', numeric('int')],
  ['Long', numeric('long')],
  ['Float', numeric('float')],
  ['Double', numeric('double')],
  ['Iterable', is('list', 'set')],
]);
const UTIL: ReadonlyMap<string, (value: Value) => boolean> = new Map<string, (value: Value) => boolean>([
  ['List', is('list')],
  ['ArrayList', is('list')],
  ['AbstractList', is('list')],
  ['LinkedList', never],
  ['Collection', is('list', 'set')],
  ['Set', is('set')],
  ['HashSet', is('set')],
  ['Map', is('map')],
  ['HashMap', is('map')],
  ['AbstractMap', is('map')],
  ['LinkedHashMap', never],
  ['TreeMap', never],
  ['Map.Entry', is('entry')],
]);
const REGEX: ReadonlyMap<string, (value: Value) => boolean> = new Map<string, (value: Value) => boolean>([
  ['Pattern', is('pattern')],
  ['Matcher', is('matcher')],
]);

const BOXES: ReadonlyMap<string, string> = new Map([
  ['boolean', 'Boolean'],
  ['byte', 'Byte'],
  ['short', 'Short'],
  ['char', 'Character'],
  ['int', 'Integer'],
  ['long', 'Long'],
  ['float', 'Float'],
  ['double', 'Double'],
]);

const PACKAGES: readonly (readonly [string, ReadonlyMap<string, (value: Value) => boolean>])[] = [
  ['java.lang.', LANG],
  ['java.util.', UTIL],
  ['java.util.regex.', REGEX],
];

/** The name without its package; undefined where no such type is known. Primitives and `def` stay. */
export const simpleTypeName = (name: string): string | undefined => {
  if (name === 'def' || BOXES.has(name)) return name;
  for (const [prefix, types] of PACKAGES) {
    const simple = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    if (types.has(simple)) return simple;
  }
  return undefined;
};

export const isPrimitive = (name: string): boolean => BOXES.has(name);

/** What `instanceof` asks about a type that `simpleTypeName` knows. */
export const instanceTest = (name: string): ((value: Value) => boolean) => {
  const boxed = BOXES.get(name) ?? (name === 'def' ? 'Object' : name);
  return LANG.get(boxed) ?? UTIL.get(boxed) ?? REGEX.get(boxed) ?? never;
};
