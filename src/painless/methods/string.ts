import { intArgument, stringArgument } from '../runtime/convert.ts';
import { stringOutOfBounds } from '../runtime/java-error.ts';
import { Char, ScriptArray, type Value } from '../runtime/values.ts';
import { methodsOf } from './method.ts';

const codePointAt = (self: string, at: number): number => {
  if (at < 0 || at >= self.length) throw stringOutOfBounds(`Index ${at} out of bounds for length ${self.length}`);
  return self.codePointAt(at)!;
};

const substring = (self: string, begin: number, end: number): string => {
  if (begin < 0 || begin > end || end > self.length) {
    throw stringOutOfBounds(`begin ${begin}, end ${end}, length ${self.length}`);
  }
  return self.slice(begin, end);
};

/** By UTF-16 units, as Java compares. */
export const compareStrings = (left: string, right: string): number => {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    const difference = left.charCodeAt(i) - right.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
};

/** Java folds unit by unit, first up and then down. */
const folded = (text: string): string =>
  Array.from({ length: text.length }, (_, i) => foldUnit(text.charAt(i))).join('');
const foldUnit = (unit: string): string => {
  const upper = unit.toUpperCase();
  const lower = (upper.length === 1 ? upper : unit).toLowerCase();
  return lower.length === 1 ? lower : unit;
};

/** Unlike Java's `split`, keeps empty pieces at the end. */
const splitOnToken = (self: string, token: string, limit: number): Value => {
  if (self === '' || token === '' || self.length < token.length) return strings([self]);
  const pieces = self.split(token);
  if (limit < 1 || pieces.length <= limit) return strings(pieces);
  return strings([...pieces.slice(0, limit - 1), pieces.slice(limit - 1).join(token)]);
};
const strings = (items: string[]): Value => new ScriptArray(items, 'java.lang.String');

/** `trim` takes everything up to the space, and nothing beyond. */
const trim = (self: string): string => self.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '');

const startsWith = (self: string, prefix: string, at: number): boolean =>
  at >= 0 && at <= self.length - prefix.length && self.startsWith(prefix, at);

const indexOf = (self: string, wanted: Value, from: number): number => self.indexOf(stringArgument(wanted), from);

export const STRING_METHODS = methodsOf<string>({
  'charAt/1': (self, at) => {
    const index = intArgument(at);
    if (index < 0 || index >= self.length) {
      throw stringOutOfBounds(`Index ${index} out of bounds for length ${self.length}`);
    }
    return new Char(self.charCodeAt(index));
  },
  'codePointAt/1': (self, at) => codePointAt(self, intArgument(at)),
  'codePointCount/2': (self, begin, end) => Array.from(substring(self, intArgument(begin), intArgument(end))).length,
  'compareTo/1': (self, other) => compareStrings(self, stringArgument(other)),
  'compareToIgnoreCase/1': (self, other) => compareStrings(folded(self), folded(stringArgument(other))),
  'concat/1': (self, other) => self + stringArgument(other),
  'contains/1': (self, other) => self.includes(stringArgument(other)),
  'contentEquals/1': (self, other) => self === stringArgument(other),
  'decodeBase64/0': (self) => Buffer.from(self, 'base64').toString('utf8'),
  'encodeBase64/0': (self) => Buffer.from(self, 'utf8').toString('base64'),
  'endsWith/1': (self, other) => self.endsWith(stringArgument(other)),
  'equalsIgnoreCase/1': (self, other) => typeof other === 'string' && folded(self) === folded(other),
  'indexOf/1': (self, other) => indexOf(self, other, 0),
  'indexOf/2': (self, other, from) => indexOf(self, other, intArgument(from)),
  'isEmpty/0': (self) => self === '',
  'lastIndexOf/1': (self, other) => self.lastIndexOf(stringArgument(other)),
  'lastIndexOf/2': (self, other, from) => {
    const at = intArgument(from);
    return at < 0 ? -1 : self.lastIndexOf(stringArgument(other), at);
  },
  'length/0': (self) => self.length,
  'replace/2': (self, from, to) => self.replaceAll(stringArgument(from), () => stringArgument(to)),
  'splitOnToken/1': (self, token) => splitOnToken(self, stringArgument(token), -1),
  'splitOnToken/2': (self, token, limit) => splitOnToken(self, stringArgument(token), intArgument(limit)),
  'startsWith/1': (self, prefix) => self.startsWith(stringArgument(prefix)),
  'startsWith/2': (self, prefix, at) => startsWith(self, stringArgument(prefix), intArgument(at)),
  'subSequence/2': (self, begin, end) => substring(self, intArgument(begin), intArgument(end)),
  'substring/1': (self, begin) => substring(self, intArgument(begin), self.length),
  'substring/2': (self, begin, end) => substring(self, intArgument(begin), intArgument(end)),
  'toLowerCase/0': (self) => self.toLowerCase(),
  'toUpperCase/0': (self) => self.toUpperCase(),
  'trim/0': trim,
});
