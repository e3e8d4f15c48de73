import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IngestDocument } from '../../core/document.ts';
import type { JsonValue } from '../../core/json/values.ts';
import { type ActionTemplates, bulkAction, bulkBody } from './action.ts';

const TEMPLATES: ActionTemplates = {
  index: () => 'news',
  id: undefined,
  routing: undefined,
  version: undefined,
  versionType: 'external',
  opType: 'index',
  docAsUpsert: false,
  retryOnConflict: undefined,
  requireAlias: undefined,
  dynamicTemplates: undefined,
};

const action = (templates: Partial<ActionTemplates>, metadata: Readonly<Record<string, JsonValue>> = {}) => {
  const document = new IngestDocument({ source: { a: 1 } });
  for (const [key, value] of Object.entries(metadata)) document.metadata.set(key, value);
  return bulkAction(document, { defaultId: () => 'topic-0-7-1' }, { ...TEMPLATES, ...templates });
};
const head = (...parameters: Parameters<typeof action>) =>
  JSON.parse(action(...parameters).head) as Record<string, object>;

test('the action line carries what the sink and the document ask for', () => {
  assert.deepEqual(head({}), { index: { _index: 'news', _id: 'topic-0-7-1' } });
  assert.deepEqual(head({ requireAlias: true, dynamicTemplates: { 'a.b': 'keywords' }, routing: () => 'r' }), {
    index: {
      _index: 'news',
      _id: 'topic-0-7-1',
      routing: 'r',
      require_alias: true,
      dynamic_templates: { 'a.b': 'keywords' },
    },
  });
  assert.deepEqual(head({}, { _op_type: 'create', _index: 'other', _id: 'x', _dynamic_templates: { a: 't' } }), {
    create: { _index: 'other', _id: 'x', dynamic_templates: { a: 't' } },
  });
  assert.deepEqual(head({ opType: 'update', retryOnConflict: 3, id: () => 'x' }), {
    update: { _index: 'news', _id: 'x', retry_on_conflict: 3 },
  });
  assert.deepEqual(head({}, { _if_seq_no: 4, _if_primary_term: 1 }), {
    index: { _index: 'news', _id: 'topic-0-7-1', if_seq_no: 4, if_primary_term: 1 },
  });
});

test('external versions are exact, and refused where they cannot hold', () => {
  assert.match(
    action({ version: () => '9007199254740993' }).head,
    /"version":9007199254740993,"version_type":"external"/,
  );
  assert.equal(action({ version: () => '7' }).externalVersion, true);
  for (const opType of ['update', 'create'] as const)
    assert.throws(() => action({ version: () => '7', opType, id: () => 'x' }), /does not hold with/);
  assert.throws(() => action({ version: () => '7' }, { _op_type: 'create' }), /does not hold with \[create\]/);
  assert.throws(() => action({ version: () => '1.5' }), /is not a number/);
});

test('what cannot be addressed is the document’s own failure', () => {
  assert.throws(() => action({ index: () => '' }), /index name is empty/);
  assert.throws(() => action({ id: () => '' }), /_id is empty/);
  assert.throws(() => action({ opType: 'delete' }), /\[delete\] needs an _id/);
  assert.throws(() => action({ id: () => 'é'.repeat(257) }), /no longer than 512 bytes but was: 514/);
});

test('a body is what its actions say they take, to the byte', () => {
  const actions = [
    action({}),
    action({ opType: 'update', docAsUpsert: true, id: () => 'ü' }),
    action({}, { _op_type: 'delete', _id: 'x' }),
  ];
  const body = bulkBody(actions).toString();
  assert.deepEqual(body.split('\n').slice(1), [
    '{"a":1}',
    '{"update":{"_index":"news","_id":"ü"}}',
    '{"doc":{"a":1},"doc_as_upsert":true}',
    '{"delete":{"_index":"news","_id":"x"}}',
    '',
  ]);
  assert.equal(
    Buffer.byteLength(body),
    actions.reduce((sum, { bytes }) => sum + bytes, 0),
  );
});
