import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readBulk } from './bulk-body.ts';

const read = (text: string) =>
  readBulk(Buffer.from(text)).map(({ action, meta, source }) => [action, meta, source?.toString()]);

test('actions and their documents, whatever ends a line', () => {
  assert.deepEqual(read('{"index":{"_id":"1"}}\r\n{"a":1}\r\n\n{"delete":{"_id":"2"}}\n{"create":{}}\n{"b":2}\n'), [
    ['index', { _id: '1' }, '{"a":1}'],
    ['delete', { _id: '2' }, undefined],
    ['create', {}, '{"b":2}'],
  ]);
});

test('what is no bulk is refused with its line, and nothing of it is quoted', () => {
  const refused = (text: string, words: RegExp) => assert.throws(() => read(text), words);
  refused('', /request body is required/);
  refused('{"index":{}}\n{"a":1}', /must be terminated by a newline/);
  refused('{"index":{}}\n', /line \[1\], the document of the last action is missing/);
  refused('{"delete":{}}\nsecret\n', /line \[2\], expected a JSON object$/);
  refused('{"index":{},"create":{}}\n{}\n', /expected one action/);
  refused('{"upsert":{}}\n{}\n', /expected one of \[index, create, update, delete\] but found \[upsert\]/);
  refused('{"index":[]}\n{}\n', /expected an object behind \[index\]/);
});

test('any documents come back as they were', () => {
  const document = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('index', 'create', 'update'), document), { minLength: 1 }), (all) => {
      const lines = all.map(([action, source]) => `${JSON.stringify({ [action]: {} })}\n${JSON.stringify(source)}\n`);
      assert.deepEqual(
        read(lines.join('')).map(([, , source]) => source),
        all.map(([, source]) => JSON.stringify(source)),
      );
    }),
  );
});
