import { RegexError } from '../regex/regex-error.ts';
import { intArgument, stringArgument } from '../runtime/convert.ts';
import { illegalArgument, JavaError, outOfBounds } from '../runtime/java-error.ts';
import { Matcher, type Pattern, ScriptArray, type Value } from '../runtime/values.ts';
import { methodsOf } from './method.ts';

const strings = (items: string[]): Value => new ScriptArray(items, 'java.lang.String');

export const PATTERN_METHODS = methodsOf<Pattern>({
  'matcher/1': (self, text) => new Matcher(self.regex, stringArgument(text)),
  'pattern/0': (self) => self.regex.pattern,
  'split/1': (self, text) => strings(self.regex.split(stringArgument(text))),
  'split/2': (self, text, limit) => strings(self.regex.split(stringArgument(text), intArgument(limit))),
});

const current = ({ match }: Matcher): NonNullable<Matcher['match']> => {
  if (match === null) throw new JavaError('illegal_state_exception', 'No match found');
  return match;
};

const find = (self: Matcher): boolean => {
  self.match = self.from > self.text.length ? null : self.regex.exec(self.text, self.from);
  // After a match of nothing the next one begins a place further on.
  if (self.match !== null) self.from = self.match.end === self.match.start ? self.match.end + 1 : self.match.end;
  return self.match !== null;
};

const group = (self: Matcher, index: number): Value => {
  const { groups } = current(self);
  if (index < 0 || index >= groups.length) throw outOfBounds(`No group ${index}`);
  return groups[index] ?? null;
};

const replacing = (replace: () => string): string => {
  try {
    return replace();
  } catch (error) {
    throw error instanceof RegexError ? illegalArgument(error.message) : error;
  }
};

export const MATCHER_METHODS = methodsOf<Matcher>({
  'end/0': (self) => current(self).end,
  'find/0': find,
  'group/0': (self) => group(self, 0),
  'group/1': (self, index) => group(self, intArgument(index)),
  'groupCount/0': (self) => self.regex.groupCount,
  'matches/0': (self) => {
    self.match = self.regex.execWhole(self.text);
    return self.match !== null;
  },
  'namedGroup/1': (self, name) => {
    const index = self.regex.groupNames.get(stringArgument(name));
    if (index === undefined) throw illegalArgument(`No group with name <${stringArgument(name)}>`);
    return group(self, index);
  },
  'replaceAll/1': (self, text) => replacing(() => self.regex.replaceAll(self.text, stringArgument(text))),
  'replaceFirst/1': (self, text) => replacing(() => self.regex.replaceFirst(self.text, stringArgument(text))),
  'reset/0': (self) => {
    self.from = 0;
    self.match = null;
    return self;
  },
  'start/0': (self) => current(self).start,
});
