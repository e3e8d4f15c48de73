import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, errors } from '@elastic/elasticsearch';
import { ModelStore } from '../../src/inference/store/store.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { serveSchema } from '../../src/server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../src/server/elasticsearch/server.ts';
import { tinyOnnx } from '../support/tiny-onnx.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-uploads-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const store = new ModelStore(join(folder, 'models'));
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'day', '##s'];
const rows = vocabulary.map((token) => (token === 'good' ? [-4, 4] : token === 'bad' ? [4, -4] : [0, 0]));
const graph = Buffer.from(tinyOnnx({ rows, averaged: true }));
const config = {
  description: 'moods',
  inference_config: {
    text_classification: {
      classification_labels: ['sad', 'glad'],
      num_top_classes: 2,
      tokenization: { bert: { do_lower_case: true, max_sequence_length: 16 } },
    },
  },
};

describe('models that come over the interface in parts', () => {
  let server: ElasticsearchServer;
  let client: Client;
  let url: string;
  before(async () => {
    server = new ElasticsearchServer({
      config: serveSchema.parse({ port: 0 }),
      store,
      table: PROCESSORS,
      version: 'test',
      trial: undefined,
      journal: undefined,
      log: { info: () => {}, warn: () => {} },
    });
    url = `http://127.0.0.1:${(await server.start()).port}`;
    client = new Client({ node: url, maxRetries: 0 });
  });
  after(async () => {
    await client.close();
    await server.close();
  });
  const begin = (model_id: string, changes: object = {}) =>
    client.ml.putTrainedModel({ model_id, ...config, ...changes } as never);
  const send = (
    model_id: string,
    part: number,
    bytes: Buffer,
    total_parts: number,
    total_definition_length = graph.length,
  ) =>
    client.ml.putTrainedModelDefinitionPart({
      model_id,
      part,
      definition: bytes.toString('base64'),
      total_parts,
      total_definition_length,
    });
  const half = graph.length >> 1;
  const refused = (asked: Promise<unknown>, status: number, words: RegExp) =>
    assert.rejects(asked, (error) => {
      assert.ok(error instanceof errors.ResponseError, String(error));
      assert.equal(error.statusCode, status, JSON.stringify(error.body));
      assert.match(JSON.stringify(error.body), words);
      return true;
    });
  const stored = () =>
    store
      .list()
      .map(({ id }) => id)
      .filter((id) => id !== 'minilm-l6-enrich-en');

  test('is there once all of it has come, whatever came first, and runs', async () => {
    await begin('moods');
    await send('moods', 1, graph.subarray(half), 2);
    assert.deepEqual(stored(), []);
    await client.ml.putTrainedModelVocabulary({ model_id: 'moods', vocabulary });
    assert.deepEqual(stored(), []);
    await send('moods', 0, graph.subarray(0, half), 2);
    assert.deepEqual(stored(), ['moods']);
    const { trained_model_configs } = await client.ml.getTrainedModels({ model_id: 'moods' });
    assert.equal(trained_model_configs[0]!.description, 'moods');
    await client.ml.startTrainedModelDeployment({ model_id: 'moods', wait_for: 'started' });
    const { inference_results } = await client.ml.inferTrainedModel({
      model_id: 'moods',
      docs: [{ text_field: 'Good days' }],
    });
    const [result] = inference_results;
    assert.equal(result!.predicted_value, 'glad');
    // [CLS] good day ##s [SEP]
    assert.ok(Math.abs(result!.prediction_probability! - 1 / (1 + Math.exp(-8 / 5))) < 1e-5);
    assert.equal(result!.top_classes!.length, 2, 'the defaults of the configuration');
    await refused(begin('moods'), 400, /already exists/);
    await client.ml.deleteTrainedModel({ model_id: 'moods', force: true });
    assert.deepEqual(stored(), []);
  });

  test('leaves nothing of one that is not whole, or does not fit', async () => {
    await refused(send('nobody', 0, graph, 1), 404, /No known trained model with model_id \[nobody\]/);
    await begin('m');
    await refused(send('m', 2, graph, 2), 400, /\[part\] must be less than total_parts/);
    await refused(
      client.ml.putTrainedModelDefinitionPart({
        model_id: 'm',
        part: 0,
        definition: '%%%',
        total_parts: 1,
        total_definition_length: 1,
      }),
      400,
      /not base64/,
    );
    await send('m', 0, graph.subarray(0, half), 2);
    await send('m', 0, graph.subarray(0, half), 2);
    await refused(send('m', 1, graph.subarray(half), 3), 400, /others said 2/);
    await refused(
      client.ml.putTrainedModelVocabulary({ model_id: 'm', vocabulary: [...vocabulary, 'good'] }),
      400,
      /duplicate tokens/,
    );
    await refused(
      client.ml.putTrainedModelVocabulary({ model_id: 'm', vocabulary: ['good'] }),
      400,
      /missing required \[\[CLS\]\] token/,
    );
    assert.deepEqual(stored(), []);
    await client.ml.deleteTrainedModel({ model_id: 'm' });
    await refused(send('m', 1, graph.subarray(half), 2), 404, /No known trained model/);

    const whole = async (changes: object, bytes: Buffer, length?: number) => {
      await begin('m', changes);
      await client.ml.putTrainedModelVocabulary({ model_id: 'm', vocabulary });
      return send('m', 0, bytes, 1, length ?? bytes.length);
    };
    await refused(whole({}, graph, graph.length + 1), 400, /total_definition_length is/);
    await refused(whole({}, Buffer.from('PK\u0003\u0004 torch')), 400, /TorchScript archive/);
    await refused(whole({}, Buffer.from('no graph at all')), 400, /ONNX Runtime cannot load the graph/);
    const labels = { inference_config: { text_classification: { classification_labels: ['a', 'b', 'c'] } } };
    await refused(whole(labels, graph), 400, /Expected exactly \[3\] values in text classification result; got \[2\]/);
    await refused(
      whole({ inference_config: { ner: { classification_labels: ['O', 'B-PER'] } } }, graph),
      400,
      /the graph gives \[batch, 2\] where \[batch, sequence, labels\] is expected/,
    );
    await refused(begin('m', { inference_config: { nothing: {} } }), 400, /must name one task/);
    assert.deepEqual(stored(), []);
    const uploads = join(store.folder, '.uploads');
    assert.deepEqual(existsSync(uploads) ? readdirSync(uploads) : [], []);
  });

  test('names lead nowhere else', async () => {
    for (const id of ['..%2F..%2Fetc', '.aliases', 'a%2Fb', 'A']) {
      const answer = await fetch(`${url}/_ml/trained_models/${id}`, {
        method: 'PUT',
        body: JSON.stringify(config),
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(answer.status, 400, id);
    }
    assert.deepEqual(stored(), []);
  });
});
