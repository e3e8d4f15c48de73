import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SluiceError } from '../../src/core/errors.ts';
import type { InferenceField } from '../../src/sinks/elasticsearch/mappings.ts';
import { allHits, count, documentOf, elastic, testSink } from './support/elasticsearch.ts';
import { clusters, uniqueName } from './support/servers.ts';

const vector = (sha256: string, windows = false): InferenceField => ({
  path: 'ml.body',
  results_field: 'predicted_value',
  task: 'text_embedding',
  element_type: 'float',
  model_id: 'minilm',
  sha256,
  pooling: 'mean',
  dims: 3,
  similarity: 'cosine',
  windows,
});
const entities = (sha256: string): InferenceField => ({ ...vector(sha256), path: 'ml.ner', task: 'ner' });

const inferenceProperties = (dims: number, similarity: string) => ({
  properties: {
    ml: {
      properties: {
        body: { properties: { predicted_value: { type: 'dense_vector', dims, index: true, similarity } } },
      },
    },
  },
});

interface Mapping {
  readonly mappings: {
    readonly _meta: Record<string, { vectors: Record<string, unknown> }>;
    readonly properties: Record<
      string,
      { properties: Record<string, { properties: Record<string, { type: string; dims: number }> }> }
    >;
  };
}

for (const { url, version } of await clusters()) {
  describe(`Elasticsearch ${version}: mappings`, () => {
    const opened = async (...parameters: Parameters<typeof testSink> extends [string, ...infer R] ? R : never) => {
      const sink = testSink(url, ...parameters);
      try {
        await sink.sink.open();
      } catch (error) {
        await sink.sink.close(false);
        throw error;
      }
      return sink;
    };
    const refused = (promise: Promise<unknown>, reason: RegExp) =>
      assert.rejects(promise, (error) => {
        assert.ok(error instanceof SluiceError, String(error));
        assert.equal(error.code, 'SLUICE_SINK_MAPPING');
        assert.match(error.message, reason);
        return true;
      });
    const mappingOf = async (index: string) =>
      (await elastic<Record<string, Mapping>>(url, 'GET', `/${index}/_mapping`))[index]!.mappings;

    test('auto creates the index with vectors that kNN finds, and says whose they are', async () => {
      const index = uniqueName('auto');
      const { write, sink } = await opened({ index, mappings: 'auto', id: '{{{id}}}' }, [vector('aa'), entities('aa')]);
      await write(
        documentOf({ id: 'east', ml: { body: { predicted_value: [1, 0.1, 0], model_id: 'minilm' } } }),
        documentOf({ id: 'north', ml: { body: { predicted_value: [0, 1, 0.1], model_id: 'minilm' } } }),
      );
      await sink.close(true);
      const { _meta, properties } = await mappingOf(index);
      assert.deepEqual(_meta.sluice!.vectors, {
        'ml.body': { model_id: 'minilm', sha256: 'aa', pooling: 'mean', dims: 3 },
      });
      const { type, dims } = properties.ml!.properties.body!.properties.predicted_value!;
      assert.deepEqual({ type, dims }, { type: 'dense_vector', dims: 3 });
      await elastic(url, 'POST', `/${index}/_refresh`);
      const found = await elastic<{ hits: { hits: { _id: string }[] } }>(url, 'POST', `/${index}/_search`, {
        knn: { field: 'ml.body.predicted_value', query_vector: [0, 0.9, 0], k: 1, num_candidates: 10 },
      });
      assert.deepEqual(
        found.hits.hits.map(({ _id }) => _id),
        ['north'],
      );
    });

    test('windows of long texts are nested, and kNN finds the document by its best one', async () => {
      const index = uniqueName('windows');
      const { write, sink } = await opened({ index, mappings: 'auto', id: '{{{id}}}' }, [vector('aa', true)]);
      const windows = (...vectors: number[][]) => ({
        ml: {
          body: { predicted_value: vectors.map((embedding, at) => ({ text_start: at, text_end: at + 1, embedding })) },
        },
      });
      await write(
        documentOf({ id: 'a', ...windows([1, 0, 0], [0, 1, 0]) }),
        documentOf({ id: 'b', ...windows([0, 0, 1]) }),
      );
      await sink.close(true);
      await elastic(url, 'POST', `/${index}/_refresh`);
      const found = await elastic<{ hits: { hits: { _id: string }[] } }>(url, 'POST', `/${index}/_search`, {
        query: {
          nested: {
            path: 'ml.body.predicted_value',
            query: { knn: { field: 'ml.body.predicted_value.embedding', query_vector: [0, 1, 0], num_candidates: 5 } },
          },
        },
        size: 1,
      });
      assert.deepEqual(
        found.hits.hits.map(({ _id }) => _id),
        ['a'],
      );
    });

    test('an index of another model is refused, unless mixing is allowed', async () => {
      const index = uniqueName('model');
      const first = await opened({ index, mappings: 'auto' }, [vector('aa')]);
      const again = await opened({ index, mappings: 'auto' }, [vector('aa')]);
      await refused(opened({ index, mappings: 'auto' }, [vector('bb')]), /come from the model \[minilm\]/);
      const mixed = await opened({ index, mappings: 'auto' }, [vector('bb')], true);
      for (const { sink } of [first, again, mixed]) await sink.close(true);
    });

    test('templated names and data streams refuse another model too, unless mixing is allowed', async () => {
      const prefix = uniqueName('mixed');
      const options = { index: `${prefix}-{{{kind}}}`, mappings: 'auto' };
      const { write, sink } = await opened(options, [vector('aa')]);
      await write(documentOf({ kind: 'a', ml: { body: { predicted_value: [1, 0, 0] } } }));
      await refused(opened(options, [vector('bb')]), /come from the model \[minilm\]/);
      // Another stream, whose template is not there yet.
      await refused(
        opened({ index: `${prefix}-a{{{kind}}}`, mappings: 'auto' }, [vector('bb')]),
        /come from the model \[minilm\]/,
      );
      const again = await opened(options, [vector('aa')]);
      const mixed = await opened(options, [vector('bb')], true);
      const stream = { index: uniqueName('vectors'), mappings: 'auto', data_stream: true };
      const first = await opened(stream, [vector('aa')]);
      await first.write(
        documentOf({ '@timestamp': '2026-01-01T00:00:00Z', ml: { body: { predicted_value: [1, 0, 0] } } }),
      );
      await refused(opened(stream, [vector('bb')]), /come from the model \[minilm\]/);
      for (const each of [sink, again.sink, mixed.sink, first.sink]) await each.close(true);
    });

    test('a mappings file is marked with the model, so that a second one is refused', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
      const mappings = join(folder, 'mappings.json');
      writeFileSync(
        mappings,
        JSON.stringify({ mappings: { _meta: { owner: 'us' }, ...inferenceProperties(3, 'cosine') } }),
      );
      const index = uniqueName('file');
      const { sink } = await opened({ index, mappings }, [vector('aa')]);
      const { _meta } = await mappingOf(index);
      assert.deepEqual([_meta.owner, Object.keys(_meta.sluice!.vectors)], ['us', ['ml.body']]);
      const again = await opened({ index, mappings }, [vector('aa')]);
      await refused(opened({ index, mappings }, [vector('bb')]), /come from the model \[minilm\]/);
      for (const each of [sink, again.sink]) await each.close(true);
      rmSync(folder, { recursive: true });
    });

    test('vectors of nobody knows which model are refused, unless there are none', async () => {
      const index = uniqueName('nobody');
      await elastic(url, 'PUT', `/${index}`, { mappings: inferenceProperties(3, 'cosine') });
      await elastic(url, 'PUT', `/${index}/_doc/a?refresh=true`, { ml: { body: { predicted_value: [1, 0, 0] } } });
      await refused(opened({ index, mappings: 'auto' }, [vector('aa')]), /nothing says which model/);
      const mixed = await opened({ index, mappings: 'auto' }, [vector('aa')], true);
      const empty = uniqueName('empty');
      await elastic(url, 'PUT', `/${empty}`, { mappings: inferenceProperties(3, 'cosine') });
      const fresh = await opened({ index: empty, mappings: 'auto' }, [vector('aa')]);
      assert.ok((await mappingOf(empty))._meta.sluice);
      for (const { sink } of [mixed, fresh]) await sink.close(true);
    });

    test('a vector of other dimensions or another similarity is named', async () => {
      for (const [dims, similarity, reason] of [
        [4, 'cosine', /has 4 dimensions, and the model 3/],
        [3, 'l2_norm', /compares by l2_norm, and the model by cosine/],
      ] as const) {
        const index = uniqueName('shape');
        await elastic(url, 'PUT', `/${index}`, { mappings: inferenceProperties(dims, similarity) });
        await refused(opened({ index, mappings: 'auto' }, [vector('aa')]), reason);
        await refused(opened({ index: `${index}{{{n}}}`, mappings: 'auto' }, [vector('aa')]), reason);
      }
    });

    test('an index that is there gets the missing fields; one that contradicts is refused', async () => {
      const index = uniqueName('existing');
      await elastic(url, 'PUT', `/${index}`, {
        mappings: { _meta: { owner: 'us' }, properties: { title: { type: 'text' } } },
      });
      const { sink } = await opened({ index, mappings: 'auto' }, [vector('aa')]);
      await sink.close(true);
      const mapping = await mappingOf(index);
      assert.equal(mapping._meta.owner as unknown, 'us');
      assert.ok(mapping._meta.sluice);
      assert.deepEqual(Object.keys(mapping.properties).sort(), ['ml', 'title']);
      const other = uniqueName('contradicts');
      await elastic(url, 'PUT', `/${other}`, {
        mappings: {
          properties: { ml: { properties: { body: { properties: { predicted_value: { type: 'float' } } } } } },
        },
      });
      await refused(
        opened({ index: other, mappings: 'auto' }, [vector('aa')]),
        /mapped as float, and the pipeline writes dense_vector/,
      );
    });

    test('a template in the index name: the index template maps whatever it becomes', async () => {
      const prefix = uniqueName('templated');
      const { write, sink } = await opened({ index: `${prefix}-{{{kind}}}`, mappings: 'auto' }, [vector('aa')]);
      await write(
        documentOf({ kind: 'a', ml: { body: { predicted_value: [1, 0, 0] } } }),
        documentOf({ kind: 'b' }),
        documentOf({ kind: 'a' }),
      );
      await sink.close(true);
      assert.deepEqual([await count(url, `${prefix}-a`), await count(url, `${prefix}-b`)], [2, 1]);
      const { properties } = await mappingOf(`${prefix}-b`);
      assert.equal(properties.ml!.properties.body!.properties.predicted_value!.type, 'dense_vector');
    });

    test('a data stream takes create, and knows what it has already', async () => {
      const index = uniqueName('logs');
      const sinks = await Promise.all(
        [1, 2].map(() => opened({ index, mappings: 'auto', data_stream: true }, [entities('aa')])),
      );
      const document = () => documentOf({ '@timestamp': '2026-01-01T00:00:00Z', message: 'x' });
      const [first, second] = sinks;
      assert.deepEqual(await first!.write(document(), document()), [
        { outcome: 'delivered' },
        { outcome: 'delivered' },
      ]);
      assert.deepEqual(await second!.write(document(), document(), document()), [
        { outcome: 'delivered', duplicate: true },
        { outcome: 'delivered', duplicate: true },
        { outcome: 'delivered' },
      ]);
      for (const { sink } of sinks) await sink.close(true);
      const hits = await allHits(url, index);
      assert.equal(hits.length, 3);
      assert.match(hits[0]!._index, /^\.ds-/);
    });
  });
}
