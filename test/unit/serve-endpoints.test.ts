import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, errors } from '@elastic/elasticsearch';
import { importFolder } from '../../src/inference/store/import-folder.ts';
import { ModelStore } from '../../src/inference/store/store.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { serveSchema } from '../../src/server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../src/server/elasticsearch/server.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-endpoints-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const store = new ModelStore(join(folder, 'models'));
const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'day'];
const rows = (columns: number, said: Readonly<Record<string, readonly number[]>>) =>
  VOCABULARY.map((token) => said[token] ?? new Array<number>(columns).fill(0));

const start = async () => {
  const server = new ElasticsearchServer({
    config: serveSchema.parse({ port: 0, state: join(folder, 'state') }),
    store,
    table: PROCESSORS,
    version: 'test',
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: (message, fields) => assert.fail(`${message} ${JSON.stringify(fields)}`) },
  });
  const { port } = await server.start();
  await server.ready();
  return { server, client: new Client({ node: `http://127.0.0.1:${port}`, maxRetries: 0 }) };
};
const refused = (asked: Promise<unknown>, status: number, words: RegExp) =>
  assert.rejects(asked, (error) => {
    assert.ok(error instanceof errors.ResponseError, String(error));
    assert.equal(error.statusCode, status, JSON.stringify(error.body));
    assert.match(JSON.stringify(error.body), words);
    return true;
  });

describe('inference endpoints of sluice serve', () => {
  let running: Awaited<ReturnType<typeof start>>;
  before(async () => {
    const taken = { quantized: 'no', force: false, aliases: [], trial: false } as const;
    const reranker = writeTinyModel(join(folder, 'reranker'), {
      vocabulary: VOCABULARY,
      architecture: 'BertForSequenceClassification',
      labels: ['LABEL_0'],
      averaged: true,
      marked: true,
      rows: rows(1, { good: [6], bad: [-6] }),
    });
    await importFolder(store, reranker, { ...taken, id: 'reranker' });
    const splade = writeTinyModel(join(folder, 'splade'), {
      vocabulary: VOCABULARY,
      architecture: 'BertForMaskedLM',
      averaged: false,
      marked: true,
      rows: rows(VOCABULARY.length, { good: VOCABULARY.map((token) => (token === 'day' ? 3 : -1)) }),
    });
    await importFolder(store, splade, { ...taken, id: 'splade', task: 'text_expansion' });
    running = await start();
  });
  after(async () => {
    await running.client.close();
    await running.server.close();
  });

  test('are put with a model, answer in the shapes of Elasticsearch, and outlive the process', async () => {
    const { inference } = running.client;
    const service_settings = { model_id: 'minilm-l6-enrich-en', num_allocations: 1, num_threads: 1 };
    const made = await inference.put({
      task_type: 'text_embedding',
      inference_id: 'vectors',
      inference_config: { service: 'elasticsearch', service_settings },
    });
    assert.deepEqual([made.inference_id, made.task_type], ['vectors', 'text_embedding']);
    const answer = (await inference.textEmbedding({
      inference_id: 'vectors',
      input: ['Rome is old.', 'Oslo is cold.'],
    }))!;
    assert.deepEqual(
      answer.text_embedding!.map(({ embedding }) => embedding.length),
      [384, 384],
    );

    for (const [task_type, id, model_id] of [
      ['rerank', 'order', 'reranker'],
      ['sparse_embedding', 'tokens', 'splade'],
    ] as const)
      await inference.put({
        task_type,
        inference_id: id,
        inference_config: {
          service: 'elasticsearch',
          service_settings: { model_id, num_allocations: 1, num_threads: 1 },
        },
      });
    const { rerank } = await inference.rerank({
      inference_id: 'order',
      query: 'day',
      input: ['bad', 'good', 'day'],
      top_n: 2,
    } as never);
    assert.deepEqual(
      rerank.map(({ index, text }) => [index, text]),
      [
        [1, 'good'],
        [2, 'day'],
      ],
    );
    const sparse = await inference.sparseEmbedding({ inference_id: 'tokens', input: 'good' });
    assert.deepEqual(Object.keys(sparse.sparse_embedding[0]!.embedding), ['day']);
    await refused(
      inference.streamCompletion({ inference_id: 'tokens', input: 'good' }),
      400,
      /endpoint has type \[sparse_embedding\]/,
    );
    await refused(
      running.client.transport.request({ method: 'POST', path: '/_inference/tokens/_stream', body: { input: 'good' } }),
      405,
      /Streaming is not allowed for service \[elasticsearch\] and task \[sparse_embedding\]/,
    );
    const only = await inference.get({ task_type: 'rerank', inference_id: '_all' });
    assert.deepEqual(
      only.endpoints.map(({ inference_id }) => inference_id),
      ['order'],
    );

    await running.client.close();
    await running.server.close();
    running = await start();
    const { endpoints } = await running.client.inference.get({ inference_id: '_all' });
    assert.deepEqual(endpoints.map(({ inference_id }) => inference_id).sort(), ['order', 'tokens', 'vectors']);
    const again = (await running.client.inference.textEmbedding({ inference_id: 'vectors', input: 'Rome is old.' }))!;
    assert.equal(again.text_embedding![0]!.embedding.length, 384);
  });

  test('refuse what they cannot do, and leave nothing behind', async () => {
    const { inference } = running.client;
    const put = (task_type: never, inference_id: string, service_settings: object, service = 'elasticsearch') =>
      inference.put({ task_type, inference_id, inference_config: { service, service_settings } });
    await refused(
      put('rerank' as never, 'x', { model_id: 'splade', num_allocations: 1, num_threads: 1 }),
      400,
      /does not do \[text_similarity\]/,
    );
    assert.deepEqual(
      (await running.client.ml.getTrainedModelsStats({ model_id: 'splade' })).trained_model_stats.length,
      1,
    );
    await refused(put('completion' as never, 'x', { model_id: 'splade' }), 400, /does not do \[completion\]/);
    await refused(put('text_embedding' as never, 'x', {}), 400, /does not contain the required setting \[model_id\]/);
    await refused(put('text_embedding' as never, 'x', { model_id: 'nobody' }), 404, /nobody/);
    await refused(
      put('text_embedding' as never, 'vectors', { model_id: 'minilm-l6-enrich-en' }),
      400,
      /already exists/,
    );
    await refused(
      inference.textEmbedding({ inference_id: 'nobody', input: 'x' }),
      404,
      /Inference endpoint not found \[nobody\]/,
    );
    await refused(
      inference.rerank({ inference_id: 'vectors', query: 'q', input: 'x' } as never),
      400,
      /has type \[text_embedding\]/,
    );
    await running.client.ingest.putPipeline({
      id: 'uses',
      processors: [
        { inference: { model_id: 'vectors', input_output: { input_field: 'a', output_field: 'b' } } },
      ] as never,
    });
    await refused(inference.delete({ inference_id: 'vectors' }), 409, /referenced by pipelines: \[uses\]/);
    const { docs } = await running.client.ingest.simulate({ id: 'uses', docs: [{ _source: { a: 'Rome' } }] });
    assert.equal((docs[0]!.doc!._source.b as number[]).length, 384);
    await inference.delete({ inference_id: 'vectors', force: true });
    await refused(inference.get({ inference_id: 'vectors' }), 404, /not found/);
  });
});
