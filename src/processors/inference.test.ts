import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compile, execute } from '../../test/ingest/run-pipeline.ts';
import type { InferenceClient } from '../core/inference.ts';
import type { PlainObject } from '../core/json/values.ts';

interface Call {
  readonly input: string;
  readonly text: string;
  readonly answer: (error: Error | undefined, result?: PlainObject) => void;
}

/** A model that answers when the test says so. */
const manualModel = () => {
  const calls: Call[] = [];
  const bound: string[] = [];
  const client: InferenceClient = {
    bind: (modelId, config, input) => {
      bound.push(`${modelId} ${Object.keys(config ?? {}).join()} ${input}`);
      return { infer: (_document, text, answer) => calls.push({ input, text, answer }) };
    },
  };
  return { client, calls, bound };
};

const pairs = {
  inference: {
    model_id: 'm',
    input_output: [
      { input_field: 'a', output_field: 'x' },
      { input_field: 'b', output_field: 'y' },
    ],
  },
};

describe('inference', () => {
  test('binds steps that read the same text to the same input', () => {
    const { client, bound } = manualModel();
    const step = (options: object) => ({ inference: { model_id: 'm', ...options } });
    compile(
      {
        processors: [
          step({ field_map: { body: 'text_field' }, inference_config: { ner: {} } }),
          step({ field_map: { body: 'text_field', lang: 'language' }, inference_config: { text_embedding: {} } }),
          step({}),
          step({ input_output: { input_field: 'body', output_field: 'x' } }),
        ],
      },
      {},
      client,
    );
    assert.deepEqual(bound, ['m ner body', 'm text_embedding body', 'm  text_field', 'm  body']);
  });

  test('sends all pairs together, and writes them in their order when the last one is there', async () => {
    const { client, calls } = manualModel();
    const running = execute(compile({ processors: [pairs] }, {}, client).pipeline, { a: 'A', b: 'B' });
    assert.deepEqual(
      calls.map(({ text }) => text),
      ['A', 'B'],
    );
    calls[1]!.answer(undefined, { predicted_value: 2, is_truncated: true });
    calls[0]!.answer(undefined, { predicted_value: 1 });
    const { document } = await running;
    assert.deepEqual(document.source, { a: 'A', b: 'B', x: 1, model_id: 'm', y: 2, is_truncated: true });
  });

  test('writes nothing of its pairs when one of them fails, and tells the first failure', async () => {
    const { client, calls } = manualModel();
    const running = execute(compile({ processors: [pairs] }, {}, client).pipeline, { a: 'A', b: 'B' });
    calls[1]!.answer(new Error('second'));
    calls[0]!.answer(new Error('first'));
    const { document, result } = await running;
    assert.equal(result.outcome === 'failed' && result.failure.message, 'first');
    assert.deepEqual(document.source, { a: 'A', b: 'B' });
  });

  test('names the main result as asked whatever the model calls it', async () => {
    const { client, calls } = manualModel();
    const running = execute(compile({ processors: [pairs] }, {}, client).pipeline, { a: 'A', b: null });
    calls[0]!.answer(undefined, { sparse_embedding: { token: 1 }, other: true });
    const { document } = await running;
    assert.deepEqual(document.source, { a: 'A', b: null, x: { token: 1 }, other: true, model_id: 'm' });
  });
});
