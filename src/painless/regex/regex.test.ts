import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CONSTRUCTS } from './java-cases-constructs.ts';
import { ERRORS } from './java-cases-errors.ts';
import { SETS } from './java-cases-sets.ts';
import { compileRegex, type Regex } from './regex.ts';
import { RegexError } from './regex-error.ts';

const java = (pattern: string, flags = ''): Regex => compileRegex(pattern, { flavour: 'java', flags });

/** All matches, in the writing of the tables. */
const matches = (regex: Regex, text: string): string => {
  const found: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const match = regex.exec(text, at);
    if (match === null) break;
    const groups = match.groups.slice(1).map((group) => (group === undefined ? 'null' : `'${group}'`));
    found.push([`${match.start}-${match.end}`, ...groups].join(','));
    at = match.end > match.start ? match.end : match.end + (text.codePointAt(match.end)! > 0xffff ? 2 : 1);
  }
  return found.join(' ');
};

test('patterns match what they match in Java', () => {
  for (const [pattern, text, expected, pieces] of [...CONSTRUCTS, ...SETS]) {
    const regex = java(pattern);
    const label = `${pattern} on ${JSON.stringify(text)}`;
    assert.equal(matches(regex, text), expected, label);
    assert.deepEqual(regex.split(text), pieces, label);
    assert.equal(regex.find(text), expected !== '', label);
  }
});

/** Where we say more than Java does. */
const OWN_WORDS: readonly RegExp[] = [
  /is unknown or not supported/,
  /Unknown inline modifier/,
  /Unclosed/,
  /reference in a look-behind/,
];

test('patterns that Java refuses are refused, in its words', () => {
  for (const [pattern, description] of ERRORS) {
    assert.throws(
      () => java(pattern),
      (error: unknown) => {
        assert.ok(error instanceof RegexError, pattern);
        const known = error.message.includes(description) || OWN_WORDS.some((words) => words.test(error.message));
        assert.ok(known, `${pattern}: ${error.message}, not ${description}`);
        return true;
      },
      pattern,
    );
  }
});

const UNTRANSLATABLE: readonly (readonly [pattern: string, index: number, message: RegExp])[] = [
  ['a\\Gb', 1, /end of the previous match/],
  ['\\X', 0, /grapheme cluster/],
  ['\\N{DIGIT ONE}', 0, /character by name/],
  ['\\b{g}', 0, /\\b\{g\}/],
  ['(a)?b\\1', 5, /group 1, which may not have taken part/],
  ['(?:(a)|b)*\\1', 10, /group 1/],
  ['\\2(a)(b)', 0, /group 2/],
  ['(a\\1)', 2, /group 1/],
  ['(?<=(a)\\1)b', 0, /reference in a look-behind/],
  ['(?<=a++)b', 0, /possessive quantifier in look-behind/],
  ['\\p{InTibetan}', 2, /InTibetan/],
  ['(?c)a', 0, /canonical equivalence/],
];

test('what has no counterpart is refused by name', () => {
  for (const [pattern, index, message] of UNTRANSLATABLE) {
    assert.throws(
      () => java(pattern),
      (error: unknown) => error instanceof RegexError && message.test(error.message) && error.index === index,
      pattern,
    );
  }
  assert.throws(() => java('a', 'c'), /flag \[c\]/);
});

test('flags as behind a Painless literal', () => {
  assert.equal(java('abc', 'i').matches('aBC'), true);
  assert.equal(java('É', 'i').matches('é'), false);
  assert.equal(java('É', 'iu').matches('é'), true);
  assert.equal(java('^b$', 'm').find('a\nb\nc'), true);
  assert.equal(java('a.b', 's').matches('a\nb'), true);
  assert.equal(java(' a # x', 'x').matches('a'), true);
  assert.equal(java('\\w+', 'U').matches('äß'), true);
  assert.equal(java('a.(', 'l').find('xa.('), true);
});

test('replacements name groups as in Java', () => {
  const date = java('(?<y>\\d{4})-(\\d\\d)');
  assert.equal(date.replaceAll('2020-01 2021-02', `$2/\${y}`), '01/2020 02/2021');
  assert.equal(date.replaceFirst('2020-01 2021-02', '\\$1\\\\'), '$1\\ 2021-02');
  assert.equal(date.replaceAll('2020-01', '$21'), '011');
  assert.equal(java('(a++)(b)').replaceAll('aab', '[$2$1]'), '[baa]');
  assert.equal(java('a*').replaceAll('baac', 'X'), 'XbXXcX');
  assert.equal(java('(x)?').replaceAll('a', '<$1>'), '<>a<>');
});

const BAD_REPLACEMENTS: readonly (readonly [replacement: string, message: RegExp])[] = [
  ['$3', /No group 3/],
  ['$x', /Illegal group reference/],
  ['$', /group index is missing/],
  ['\\', /character to be escaped is missing/],
  [`\${z}`, /No group with name \{z\}/],
  [`\${y`, /missing trailing '}'/],
  [`\${1y}`, /starts with digit/],
];

test('replacements that name no group are refused, at the latest at the first match', () => {
  const regex = java('(?<y>a)(b)');
  for (const [replacement, message] of BAD_REPLACEMENTS) {
    assert.throws(() => regex.checkReplacement(replacement), message, replacement);
    assert.throws(() => regex.replaceAll('ab', replacement), message, replacement);
    assert.equal(regex.replaceAll('none', replacement), 'none');
  }
  assert.throws(() => java('(?:(a)|b)+').checkReplacement('$1'), /stands in a loop/);
});

test('split drops empty pieces at the end, unless a limit says otherwise', () => {
  const comma = java(',');
  assert.deepEqual(comma.split('a,b,,'), ['a', 'b']);
  assert.deepEqual(comma.split('a,b,,', -1), ['a', 'b', '', '']);
  assert.deepEqual(comma.split('a,b,,', 2), ['a', 'b,,']);
  assert.deepEqual(comma.split(',a'), ['', 'a']);
  assert.deepEqual(comma.split(''), ['']);
  assert.deepEqual(comma.split(','), []);
  assert.deepEqual(java('').split('ab'), ['a', 'b']);
});

test('the same pattern is compiled once, and a text without match comes back itself', () => {
  assert.equal(java('a+b'), java('a+b'));
  assert.notEqual(java('a+b'), java('a+b', 'i'));
  const text = 'x'.repeat(100);
  assert.equal(java('y').replaceAll(text, ''), text);
});

test('quoted text matches itself, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!text.includes('\\E'));
      assert.equal(java(`\\Q${text}\\E`).matches(text), true);
      assert.equal(java(text, 'l').matches(text), true);
    }),
  );
});

test('pieces and matches make up the text', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', ',', ' ') });
  fc.assert(
    fc.property(letters, (text) => {
      assert.equal(java(',').split(text, -1).join(','), text);
      assert.equal(java('[ab]+').replaceAll(text, '$0'), text);
    }),
  );
});
