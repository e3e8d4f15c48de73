import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenize } from './lexer.ts';
import { PainlessError } from './painless-error.ts';

const kinds = (source: string): string[] =>
  tokenize(source)
    .slice(0, -1)
    .map(({ kind, text }) => `${kind} ${text}`);

test('numbers, with the suffixes and bases that Painless has', () => {
  assert.deepEqual(kinds('0 12 12L 1d 1.5f 1e5 1.5e-3 0x1FL 017'), [
    'integer 0',
    'integer 12',
    'integer 12L',
    'integer 1d',
    'decimal 1.5f',
    'decimal 1e5',
    'decimal 1.5e-3',
    'hex 0x1FL',
    'octal 017',
  ]);
});

test('behind a dot 0.1 is two shortcuts, and keywords are names', () => {
  assert.deepEqual(kinds('ctx.a.0.1?.if'), [
    'identifier ctx',
    'operator .',
    'dotid a',
    'operator .',
    'dotinteger 0',
    'operator .',
    'dotinteger 1',
    'operator ?.',
    'dotid if',
  ]);
});

test('a slash divides behind a value and begins a pattern elsewhere', () => {
  assert.deepEqual(kinds('a / b / c'), ['identifier a', 'operator /', 'identifier b', 'operator /', 'identifier c']);
  assert.deepEqual(kinds('(a) / 2'), ['operator (', 'identifier a', 'operator )', 'operator /', 'integer 2']);
  const [find, regex] = tokenize('=~ /a\\/b[/ims').slice(0, 2);
  assert.equal(find?.text, '=~');
  assert.deepEqual([regex?.kind, regex?.text, regex?.flags], ['regex', 'a\\/b[', 'ims']);
  assert.deepEqual(kinds('x /= 2'), ['identifier x', 'operator /=', 'integer 2']);
});

test('strings take both quotes, and escape only the backslash and their own', () => {
  assert.deepEqual(kinds(`'it\\'s' "a\\\\b"`), ["string it's", 'string a\\b']);
  assert.throws(() => tokenize(`'a\\n'`), /only escape sequences/);
  assert.throws(
    () => tokenize(`x == 'abc`),
    (error: unknown) => error instanceof PainlessError && error.column === 6,
  );
});

test('the longest operator wins', () => {
  assert.deepEqual(
    kinds('>>>= >>> === ==~ ?: ?.a').map((text) => text.split(' ')[1]),
    ['>>>=', '>>>', '===', '==~', '?:', '?.', 'a'],
  );
});

test('comments are skipped and positions count lines', () => {
  assert.deepEqual(kinds('a // b\n/* c\n*/ d // e'), ['identifier a', 'identifier d']);
  try {
    tokenize('a\n\n  #');
    assert.fail();
  } catch (error) {
    assert.ok(error instanceof PainlessError);
    assert.deepEqual([error.offset, error.line, error.column], [5, 3, 3]);
  }
});

test('tokens stand where they say, whatever the script', () => {
  const piece = fc.constantFrom('ctx', '.a', '[', ']', ' ', '1', "'x'", '==', '/', '(', ')', '?.b', '\n', '&&', 'null');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const source = pieces.join('');
      let end = 0;
      try {
        for (const token of tokenize(source)) {
          assert.ok(token.offset >= end);
          end = token.end;
        }
      } catch (error) {
        assert.ok(error instanceof PainlessError);
      }
    }),
  );
});
