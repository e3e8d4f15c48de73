import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IngestDocument } from '../core/document.ts';
import { readJson } from '../core/json/read.ts';
import type { JsonObject } from '../core/json/values.ts';
import { writeJson } from '../core/json/write.ts';
import { compileTemplate, compileValue, TemplateError } from './mustache.ts';

const SOURCE = `{
  "l":["x",1,1.0], "m":{"k":[1,2],"j":"q"}, "a.b":"literal", "a":{"b":"nested","c.d":"rest"},
  "s":"a\\"b\\u001bé/", "n":null, "d":1e30, "ll":[["a"],{"k":1}], "e":"", "z":0, "t":true, "f":false, "none":[],
  "people":[{"name":"Ada","tags":["p"]},{"name":"Bob"}], "name":"outer", "i":9007199254740993
}`;

const document = () =>
  new IngestDocument({
    source: readJson(Buffer.from(SOURCE)).value as JsonObject,
    metadata: { _index: 'news', _id: '7' },
    record: { origin: () => ({ name: '_kafka', fields: { topic: 'in', offset: 5 } }) },
    timestamp: 0,
  });

// What OpenSearch's mustache, the same code as Elasticsearch's, says for the same document.
const CASES: [template: string, expected: string][] = [
  ['{{l}}', '{0=x, 1=1, 2=1.0}'],
  ['{{{m}}}', '{k=[1, 2], j=q}'],
  ['{{ll}}', '{0=[a], 1={k=1}}'],
  ['{{a.b}}', 'literal'],
  ['{{_source.a.b}}', 'nested'],
  ['{{a.c.d}}', ''],
  ['{{m.k.1}} {{m.k.size}} {{l.0}}', '2 2 x'],
  ['{{s}}', 'a\\"b\\u001Bé/'],
  ['{{{s}}}|{{&s}}|{{& s }}', 'a"b\u001bé/|a"b\u001bé/|a"b\u001bé/'],
  ['[{{n}}{{absent}}{{absent.x.y}}]', '[]'],
  ['{{d}} {{i}} {{t}}', '1.0E30 9007199254740993 true'],
  ['{{#l}}({{.}}){{/l}}', '(x)(1)(1.0)'],
  ['{{#people}}{{name}}:{{#tags}}{{.}}{{name}}{{/tags}};{{/people}}', 'Ada:pAda;Bob:;'],
  ['{{#m}}{{j}}{{name}}{{/m}}', 'qouter'],
  ['{{^e}}empty{{/e}}{{#e}}x{{/e}}{{#z}}zero{{/z}}{{^f}}no{{/f}}{{#f}}f{{/f}}{{#t}}yes{{/t}}', 'emptyzeronoyes'],
  ['{{^none}}none{{/none}}{{#none}}x{{/none}}{{^absent}}absent{{/absent}}', 'noneabsent'],
  ['{{#join}}l{{/join}} {{#join}}s{{/join}}', 'x,1,1.0 s'],
  ["{{#join delimiter=' | '}}l{{/join delimiter=' | '}}", 'x | 1 | 1.0'],
  [
    '{{#toJson}}l{{/toJson}}{{#tojson}}m{{/tojson}}{{#toJson}}s{{/toJson}}',
    '["x",1,1.0]{"k":[1,2],"j":"q"}a"b\u001bé/',
  ],
  ['{{#toJson}}absent{{/toJson}}', ''],
  ["{{#url}}{{l.0}}!~*() 'é{{/url}}", 'x%21%7E*%28%29+%27%C3%A9'],
  ['a{{! a comment }}b', 'ab'],
  ['a\n{{#t}}\nx\n  {{/t}} \nb\n{{! c }}\nd', 'a\nx\nb\n\nd'],
  ['{{_index}}/{{_id}}/{{_routing}}/{{_ingest.timestamp}}', 'news/7//1970-01-01T00:00:00.000Z'],
  ['{{_kafka.topic}}-{{_kafka.offset}}', 'in-5'],
  ['{{constructor}}{{__proto__}}{{m.toString}}', ''],
  ['plain', 'plain'],
];

describe('templates', () => {
  for (const [template, expected] of CASES)
    test(template, () => assert.equal(compileTemplate(template).render(document()), expected));

  test('without tags are constant', () => {
    assert.equal(compileTemplate('x }} y').constant, 'x }} y');
    assert.equal(compileTemplate('{{x}}').constant, undefined);
  });

  test('escape by media type', () => {
    const render = (mediaType: 'text/plain' | 'application/x-www-form-urlencoded') =>
      compileTemplate('{{s}}', { mediaType }).render(document());
    assert.equal(render('text/plain'), 'a"b\u001bé/');
    assert.equal(render('application/x-www-form-urlencoded'), 'a%22b%1B%C3%A9%2F');
  });

  test('fail for an element that is not there, as in Elasticsearch', () => {
    assert.throws(() => compileTemplate('{{l.3}}').render(document()), {
      type: 'general_script_exception',
      message: 'Error running template: there is no element [3] in a list of length [3]',
    });
  });

  test('do not grow without end', () => {
    const template = '{{#l}}'.repeat(3) + 'x'.repeat(50_000) + '{{/l}}'.repeat(3);
    assert.throws(() => compileTemplate(template).render(document()), {
      message: 'Mustache script result size limit exceeded',
    });
  });
});

describe('broken templates are refused with their place', () => {
  const broken: [template: string, message: string, offset: number][] = [
    ['ab {{x', '[}}] is missing', 3],
    ['{{{x}}', '[}}}] is missing', 0],
    ['a {{#x}} b', '[{{#x}}] is never closed', 2],
    ['{{^x}}{{#y}}{{/y}}', '[{{^x}}] is never closed', 0],
    ['a {{/x}}', '[{{/x}}] closes nothing', 2],
    ['{{#a}}{{#b}}{{/a}}{{/b}}', '[{{/a}}] closes [b] of offset 6', 12],
    ['{{}}', 'an empty tag', 0],
    ['{{> other}}', 'partials and other delimiters are not supported', 0],
    ['{{#toJson}}{{a}}{{/toJson}}', 'Mustache function [toJson] must contain one and only one identifier', 0],
    ['{{#join}}{{/join}}', 'Mustache function [join] must contain one and only one identifier', 0],
    ['{{#a}}'.repeat(101), 'sections nest deeper than 100', 600],
  ];
  for (const [template, message, offset] of broken) {
    test(template.slice(0, 40), () =>
      assert.throws(
        () => compileTemplate(template),
        (error) =>
          error instanceof TemplateError &&
          error.message === `${message} at offset ${offset}` &&
          error.offset === offset,
      ),
    );
  }
});

describe('values', () => {
  test('are rendered in depth, keys too, and are fresh for each document', () => {
    const value = compileValue({ '{{name}}': ['{{l.0}}', 1, null, { x: '{{{s}}}' }], 7: 'seven' });
    const first = value(document());
    assert.equal(writeJson(first), '{"7":"seven","outer":["x",1,null,{"x":"a\\"b\\u001bé/"}]}');
    assert.notEqual(value(document()), first);
  });
});
