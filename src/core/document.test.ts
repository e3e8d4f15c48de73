import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IngestDocument } from './document.ts';
import { readJson } from './json/read.ts';
import type { JsonObject } from './json/values.ts';

const documentOf = (text: string) =>
  new IngestDocument({
    source: readJson(Buffer.from(text)).value as JsonObject,
    raw: Buffer.from(text),
    metadata: { _index: 'news' },
    record: { origin: () => ({ name: '_kafka', fields: { topic: 't', offset: 7 } }) },
    timestamp: 0,
  });
const lineOf = (document: IngestDocument) => Buffer.from(document.toLine() as string).toString();

describe('paths', () => {
  test('walk objects, arrays, metadata, ingest metadata and the origin', () => {
    const document = documentOf('{"a":{"b":[{"c":1},2]},"_source":3}');
    assert.equal(document.get('a.b.0.c'), 1);
    assert.equal(document.get('_source.a.b.1'), 2);
    assert.equal(document.get('_index'), 'news');
    assert.equal(document.get('_ingest.timestamp'), '1970-01-01T00:00:00.000Z');
    assert.equal(document.get('_kafka.offset'), 7);
    assert.equal(document.has('a.b.2'), false);
    assert.equal(document.find('a.x.y'), undefined);
  });

  const failures: [string, (document: IngestDocument) => unknown, string][] = [
    ['a missing field', (document) => document.get('a.x'), 'field [x] not present as part of path [a.x]'],
    [
      'a scalar on the way',
      (document) => document.get('s.x'),
      'cannot resolve [x] from object of type [java.lang.String] as part of path [s.x]',
    ],
    ['null on the way', (document) => document.get('n.x'), 'cannot resolve [x] from null as part of path [n.x]'],
    [
      'an index beyond the end',
      (document) => document.get('l.5'),
      '[5] is out of bounds for array with length [2] as part of path [l.5]',
    ],
    [
      'a name in an array',
      (document) => document.get('l.x'),
      '[x] is not an integer, cannot be used as an index as part of path [l.x]',
    ],
    ['an empty path', (document) => document.get(''), 'path cannot be null nor empty'],
    ['a path of nothing', (document) => document.get('.'), 'path [.] is not valid'],
    [
      'a set below a scalar',
      (document) => document.set('s.x', 1),
      'cannot set [x] with parent object of type [java.lang.String] as part of path [s.x]',
    ],
    ['a set below null', (document) => document.set('n.x', 1), 'cannot set [x] with null parent as part of path [n.x]'],
    [
      'a removal from a scalar',
      (document) => document.remove('s.x'),
      'cannot remove [x] from object of type [java.lang.String] as part of path [s.x]',
    ],
    [
      'a wrong type',
      (document) => document.getString('l'),
      'field [l] of type [java.util.ArrayList] cannot be cast to [java.lang.String]',
    ],
    [
      'a write to the origin',
      (document) => document.set('_kafka.topic', 'x'),
      '[_kafka] is read-only: it tells where the document came from',
    ],
    [
      'a version that is no number',
      (document) => document.set('_version', 'x'),
      '_version [x] is wrong type, expected assignable to [java.lang.Number], not [java.lang.String]',
    ],
  ];
  for (const [name, act, message] of failures) {
    test(`${name} is told as Elasticsearch tells it`, () =>
      assert.throws(() => act(documentOf('{"a":{},"s":"text","n":null,"l":[1,2]}')), { message }));
  }
});

describe('writing', () => {
  test('an untouched document is written as it came', () => {
    const text = '{ "a" : 1.0,  "b":1e2 }';
    const document = documentOf(text);
    document.set('_id', 'x');
    document.set('_ingest.x', 1);
    assert.equal(lineOf(document), text);
    document.set('c', true);
    assert.equal(lineOf(document), '{"a":1.0,"b":1e2,"c":true}');
  });

  test('keys that JavaScript would move keep their place', () => {
    const document = documentOf('{"b":{"z":1}}');
    document.set('b.7', 'seven');
    document.set('b.3', 'three');
    document.set('9', { deep: {} });
    document.set('9.deep.__proto__', 1);
    assert.equal(lineOf(document), '{"b":{"z":1,"7":"seven","3":"three"},"9":{"deep":{"__proto__":1}}}');
    assert.equal(document.get('b.3'), 'three');
    document.remove('b.7');
    assert.equal(document.has('b.7'), false);
  });

  test('append makes arrays of scalars and leaves duplicates out when asked', () => {
    const document = documentOf('{"tag":"a"}');
    document.append('tag', ['b', 'a'], false);
    document.append('new.list', [1], true);
    document.append('one', [], true);
    document.append('twice', ['x', 'x'], false);
    assert.equal(lineOf(document), '{"tag":["a","b"],"new":{"list":[1]},"twice":["x"]}');
  });

  test('append leaves a scalar alone where everything is there already', () => {
    const document = documentOf('{"tag":"a"}');
    document.append('tag', ['a'], false);
    assert.equal(lineOf(document), '{"tag":"a"}');
  });

  test('an index beyond the end is a fault where the caller says so', () => {
    const document = documentOf('{"l":[1]}');
    assert.equal(document.has('l.1'), false);
    assert.equal(document.has('l.x', true), false);
    assert.throws(() => document.has('l.1', true), {
      message: '[1] is out of bounds for array with length [1] as part of path [l.1]',
    });
  });
});
