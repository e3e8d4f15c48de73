import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type ItemResult, RequestError } from '../../src/core/contracts.ts';
import { allHits, count, documentOf, elastic, type TestSink, testSink } from './support/elasticsearch.ts';
import { clusters, uniqueName } from './support/servers.ts';

const outcomes = (results: readonly ItemResult[]) =>
  results.map((result) =>
    result.outcome === 'delivered'
      ? result.duplicate
        ? 'duplicate'
        : 'delivered'
      : `${result.outcome} ${result.fault.type}`,
  );

for (const { url, version } of await clusters()) {
  describe(`Elasticsearch ${version}`, () => {
    const opened: TestSink[] = [];
    const open = async (...parameters: Parameters<typeof testSink> extends [string, ...infer R] ? R : never) => {
      const sink = testSink(url, ...parameters);
      opened.push(sink);
      await sink.sink.open();
      return sink;
    };
    after(() => Promise.all(opened.map(({ sink }) => sink.close(true))));

    test('is spoken to in its own version of the API', async () => {
      const { connection } = await open({ index: uniqueName('version') });
      assert.equal(connection.version, Number(version.split('.')[0]));
    });

    test('index, create, update and delete', async () => {
      const index = uniqueName('actions');
      const { write } = await open({ index, id: '{{{id}}}', retry_on_conflict: 3 });
      const results = await write(
        documentOf({ id: 'a', text: 'eins', n: 1 }),
        documentOf({ id: 'b', text: 'zwei' }, { _op_type: 'create' }),
        documentOf({ id: 'c', text: 'drei' }),
      );
      assert.deepEqual(outcomes(results), ['delivered', 'delivered', 'delivered']);
      const more = await write(
        documentOf({ id: 'a', text: 'changed' }, { _op_type: 'update' }),
        documentOf({ id: 'b' }, { _op_type: 'delete' }),
        documentOf({ id: 'nobody' }, { _op_type: 'delete' }),
        documentOf({ id: 'nobody', x: 1 }, { _op_type: 'update' }),
      );
      assert.deepEqual(outcomes(more), ['delivered', 'delivered', 'delivered', 'document document_missing_exception']);
      const hits = await allHits(url, index);
      assert.deepEqual(hits.map(({ _id, _source }) => [_id, _source]).sort(), [
        ['a', { id: 'a', text: 'changed', n: 1 }],
        ['c', { id: 'c', text: 'drei' }],
      ]);
    });

    test('update with doc_as_upsert, routing, and ids and indices that the document names', async () => {
      const index = uniqueName('upsert');
      const { write } = await open({ index, op_type: 'update', doc_as_upsert: true, routing: '{{{tenant}}}' });
      const results = await write(
        documentOf({ tenant: 'x', n: 1 }, { _id: 'Ä 1/"' }),
        documentOf({ tenant: 'x', m: 2 }, { _id: 'Ä 1/"' }),
        documentOf({ tenant: 'y' }, { _id: 'other', _index: `${index}-b`, _op_type: 'index', _routing: 'z' }),
      );
      assert.deepEqual(outcomes(results), ['delivered', 'delivered', 'delivered']);
      const [merged] = await allHits(url, index);
      assert.deepEqual(merged!._source, { tenant: 'x', n: 1, m: 2 });
      const [other] = (await allHits(url, `${index}-b`)) as unknown as { _routing: string }[];
      assert.equal(other!._routing, 'z');
    });

    test('an external version: an older one never replaces a newer one, and counts as there already', async () => {
      const index = uniqueName('versions');
      const { write } = await open({ index, id: '{{{id}}}', version: '{{{v}}}' });
      assert.deepEqual(outcomes(await write(documentOf({ id: 'a', v: 5 }))), ['delivered']);
      assert.deepEqual(outcomes(await write(documentOf({ id: 'a', v: 4 }), documentOf({ id: 'a', v: 5 }))), [
        'duplicate',
        'duplicate',
      ]);
      // Above 2^53, where a JavaScript number would not hold it.
      const big = '9007199254740993';
      assert.deepEqual(outcomes(await write(documentOf({ id: 'a', v: big }))), ['delivered']);
      const { _version } = await fetch(`${url}/${index}/_doc/a`).then(async (answer) => ({
        _version: /"_version":(\d+)/.exec(await answer.text())?.[1],
      }));
      assert.equal(_version, big);
    });

    test('create of what is there: a duplicate under an _id of sluice, a conflict under one of the document', async () => {
      const index = uniqueName('create');
      const first = await open({ index, op_type: 'create' });
      const again = await open({ index, op_type: 'create' });
      assert.deepEqual(outcomes(await first.write(documentOf({ n: 1 }), documentOf({ n: 2 }))), [
        'delivered',
        'delivered',
      ]);
      assert.deepEqual(outcomes(await again.write(documentOf({ n: 1 }), documentOf({ n: 2 }), documentOf({ n: 3 }))), [
        'duplicate',
        'duplicate',
        'delivered',
      ]);
      const { write } = await open({ index, op_type: 'create', id: '{{{id}}}' });
      assert.deepEqual(outcomes(await write(documentOf({ id: 'x' }), documentOf({ id: 'x' }))), [
        'delivered',
        'document version_conflict_engine_exception',
      ]);
      assert.equal(await count(url, index), 4);
    });

    test('what only the one document causes: mapping and parsing', async () => {
      const index = uniqueName('mapping');
      await elastic(url, 'PUT', `/${index}`, {
        mappings: { dynamic: 'strict', properties: { n: { type: 'integer' }, day: { type: 'date' } } },
      });
      const { write } = await open({ index });
      const results = await write(
        documentOf({ n: 1 }),
        documentOf({ n: 'many' }),
        documentOf({ day: 'yesterday' }),
        documentOf({ unknown: true }),
        documentOf({ n: 2 }),
      );
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['delivered', 'document', 'document', 'document', 'delivered'],
      );
      assert.deepEqual(outcomes(results).slice(1, 4), [
        'document document_parsing_exception',
        'document document_parsing_exception',
        'document strict_dynamic_mapping_exception',
      ]);
      const [, many] = results;
      assert.ok(many?.outcome === 'document');
      assert.match(many.fault.reason, /failed to parse field \[n\] of type \[integer\].*For input string: \\?"many/);
      assert.equal(await count(url, index), 2);
    });

    test('what the destination causes: index missing, closed, blocked', async () => {
      const missing = uniqueName('missing');
      const { write } = await open({ index: missing, require_alias: true });
      assert.deepEqual(outcomes(await write(documentOf({}))), ['destination index_not_found_exception']);
      const index = uniqueName('blocked');
      await elastic(url, 'PUT', `/${index}`);
      const blocked = await open({ index });
      await elastic(url, 'PUT', `/${index}/_settings`, { 'index.blocks.write': true });
      assert.deepEqual(outcomes(await blocked.write(documentOf({}), documentOf({}))), [
        'destination cluster_block_exception',
        'destination cluster_block_exception',
      ]);
      await elastic(url, 'PUT', `/${index}/_settings`, { 'index.blocks.write': null });
      assert.deepEqual(outcomes(await blocked.write(documentOf({}))), ['delivered']);
      // As the cluster does it when the disk is full.
      await elastic(url, 'PUT', `/${index}/_settings`, { 'index.blocks.read_only_allow_delete': true });
      const full = await blocked.write(documentOf({}));
      assert.notEqual(full[0]!.outcome, 'document');
      assert.notEqual(full[0]!.outcome, 'delivered');
      await elastic(url, 'PUT', `/${index}/_settings`, { 'index.blocks.read_only_allow_delete': null });
      await elastic(url, 'POST', `/${index}/_close`);
      assert.deepEqual(outcomes(await blocked.write(documentOf({}))), ['destination index_closed_exception']);
    });

    test('a request above http.max_content_length is to be split', async () => {
      const { nodes } = await elastic<{ nodes: Record<string, { http: { max_content_length_in_bytes: number } }> }>(
        url,
        'GET',
        '/_nodes/http',
      );
      const limit = Object.values(nodes)[0]!.http.max_content_length_in_bytes;
      const index = uniqueName('large');
      const { write } = await open({ index });
      const text = 'x'.repeat(1_000_000);
      const documents = Array.from({ length: Math.ceil(limit / text.length) + 1 }, () => documentOf({ text }));
      await assert.rejects(write(...documents), (error) => {
        assert.ok(error instanceof RequestError, String(error));
        assert.equal(error.kind, 'split', error.message);
        return true;
      });
      assert.deepEqual(outcomes(await write(documents[0]!)), ['delivered']);
    });

    test('nobody there: the request is tried again, and the start says what to check', async () => {
      const { sink, write } = testSink('http://127.0.0.1:9', { index: 'x', connect_timeout: 100 });
      await assert.rejects(write(documentOf({})), (error) => error instanceof RequestError && error.kind === 'retry');
      await assert.rejects(sink.open(), /did not answer within 5 s[\s\S]*/);
      await sink.close(false);
    });

    test('numbers, keys and text arrive as they were, untouched documents byte for byte', async () => {
      const index = uniqueName('exact');
      await elastic(url, 'PUT', `/${index}`, { mappings: { enabled: false } });
      const { sink } = await open({ index });
      const line = '{"big":9007199254740993,"d":1.0,"e":1e400,"__proto__":{"x":1},"ü":"😀\\u2028\\ud83d","":null}';
      const { value } = await import('../../src/core/json/read.ts').then(({ readJson }) => readJson(Buffer.from(line)));
      const { IngestDocument } = await import('../../src/core/document.ts');
      const document = new IngestDocument({ source: value as never });
      const [result] = await sink.write(
        [sink.prepare(document, { defaultId: () => 'a' } as never)],
        AbortSignal.timeout(10_000),
      );
      assert.deepEqual(result, { outcome: 'delivered' });
      const stored = await fetch(`${url}/${index}/_source/a`).then((answer) => answer.text());
      assert.equal(stored.includes('9007199254740993') && stored.includes('"d":1.0'), true, stored);
      assert.ok(stored.includes('"__proto__":{"x":1}'), stored);
    });
  });
}
