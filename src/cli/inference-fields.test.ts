import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inferenceMappings } from '../sinks/elasticsearch/mappings.ts';
import { inferenceFields } from './inference-fields.ts';

const MANIFEST = {
  id: 'minilm',
  tasks: { ner: { output: 'l' }, text_embedding: { pooling: 'mean', dims: 3, similarity: 'dot_product' } },
};
let semantic = false;
const models = {
  files: (id: string) => (id === 'm' ? { folder: '', manifest: MANIFEST } : undefined),
  sha256: () => 'aa',
  longText: () => 'truncate',
  semanticText: (id: string) => (id === 'm' && semantic ? { inference_id: 'e5' } : undefined),
};
type Stream = Parameters<typeof inferenceFields>[0];
const fieldsOf = (config: object) =>
  inferenceFields({ config: { processors: [], pipelines: {}, ...config }, models } as unknown as Stream);
const embed = (options: object) => ({
  inference: { model_id: 'm', inference_config: { text_embedding: {} }, ...options },
});
const namesOf = (config: object) =>
  fieldsOf(config).map(({ path, results_field }) => [path, results_field].filter(Boolean).join('.'));

describe('the fields that a stream infers', () => {
  test('are below target_field, or where the tag says', () => {
    const processors = [
      embed({ target_field: 'a.b' }),
      embed({ tag: 't' }),
      embed({ inference_config: { ner: { results_field: 'x' } } }),
    ];
    assert.deepEqual(namesOf({ processors }), [
      'a.b.predicted_value',
      'ml.inference.t.predicted_value',
      'ml.inference.x',
    ]);
  });

  test('are the output fields of input_output themselves, vectors with their model', () => {
    const input_output = [
      { input_field: 'title', output_field: 'ml.title' },
      { input_field: 'body', output_field: 'body_vector' },
    ];
    const mapping = inferenceMappings(fieldsOf({ processors: [embed({ input_output })] })) as unknown as {
      _meta: { sluice: { vectors: object } };
      properties: Record<string, { type?: string; properties?: Record<string, { type?: string }> }>;
    };
    const vector = { type: 'dense_vector', dims: 3, index: true, similarity: 'dot_product' };
    assert.deepEqual(mapping.properties.body_vector, vector);
    assert.deepEqual(mapping.properties.ml?.properties?.title, vector);
    const from = { model_id: 'minilm', sha256: 'aa', pooling: 'mean', dims: 3 };
    assert.deepEqual(mapping._meta.sluice.vectors, { 'ml.title': from, body_vector: from });
    assert.deepEqual(namesOf({ processors: [embed({ input_output: input_output[0] })] }), ['ml.title']);
  });

  test('are semantic_text where the model writes that', () => {
    semantic = true;
    const input_output = { input_field: 'body', output_field: 'about.body' };
    const mapping = inferenceMappings(fieldsOf({ processors: [embed({ input_output })] }));
    semantic = false;
    assert.deepEqual(mapping.properties, {
      about: { properties: { body: { type: 'semantic_text', inference_id: 'e5' } } },
    });
  });

  test('may stand in foreach, on_failure and named pipelines, at any depth', () => {
    const at = (target_field: string) => embed({ target_field });
    const nested = { foreach: { field: 'x', processor: { foreach: { field: 'y', processor: at('a') } } } };
    const failing = { set: { field: 'x', value: 1, on_failure: [{ fail: { message: '', on_failure: [at('b')] } }] } };
    const config = {
      processors: [nested, failing],
      on_failure: [at('c')],
      pipelines: { more: { processors: [at('d')], on_failure: [at('e')] } },
    };
    assert.deepEqual(
      fieldsOf(config).map(({ path }) => path),
      ['a', 'b', 'c', 'd', 'e'],
    );
  });

  test('leave out what has no name to map, and models that run elsewhere', () => {
    const processors = [
      embed({ target_field: '{{{where}}}' }),
      embed({ input_output: { input_field: 'a', output_field: '_ingest._value.vector' } }),
      embed({ model_id: 'elsewhere' }),
      null,
    ];
    assert.deepEqual(fieldsOf({ processors }), []);
  });
});
