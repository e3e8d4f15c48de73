import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { IngestDocument } from '../../core/document.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { localModelOptions } from '../options.ts';
import { runTrial } from '../trial.ts';
import { TransformersEngine } from './engine.ts';
import type { TransformersTask } from './protocol.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-transformers-'));
after(() => rmSync(folder, { recursive: true }));

const VOCABULARY = ['[UNK]', '[PAD]', '[MASK]', 'good', 'bad', 'day'];
const sentiment = writeTinyModel(join(folder, 'sentiment'), {
  vocabulary: VOCABULARY,
  architecture: 'BertForSequenceClassification',
  labels: ['NEGATIVE', 'POSITIVE'],
  averaged: true,
  rows: [
    [0, 0],
    [0, 0],
    [0, 0],
    [-2, 2],
    [2, -2],
    [0, 0],
  ],
  length: 8,
});
/** Whatever stands at the masked place: `good` is likeliest. */
const masked = writeTinyModel(join(folder, 'masked'), {
  vocabulary: VOCABULARY,
  architecture: 'BertForMaskedLM',
  averaged: false,
  rows: VOCABULARY.map((_, row) => (row === 2 ? [0, 0, 0, 3, 2, 1] : [0, 0, 0, 0, 0, 0])),
});

const start = async (path: string, task: TransformersTask) => {
  const engine = new TransformersEngine({
    id: task,
    folder: path,
    task,
    options: localModelOptions.parse({ path, engine: 'transformers_js', task_type: task }),
    allocations: 1,
    log: { info: () => {}, warn: () => {} },
  });
  await engine.start(runTrial, undefined);
  const document = new IngestDocument({ source: {} });
  return {
    engine,
    infer: (text: string, config?: InferenceConfig) =>
      new Promise<PlainObject>((resolve, reject) =>
        engine.bind(config).infer(document, text, (error, fields) => (error ? reject(error) : resolve(fields!))),
      ),
  };
};

const near = (found: unknown, wanted: number) => assert.ok(Math.abs((found as number) - wanted) < 1e-5, `${found}`);
/** Softmax of two logits that differ by `difference`. */
const sigmoid = (difference: number) => 1 / (1 + Math.exp(-difference));

test('text_classification has the fields of NlpClassificationInferenceResults and the exact numbers', async () => {
  const { engine, infer } = await start(sentiment, 'text_classification');
  try {
    const plain = await infer('good day');
    assert.deepEqual(Object.keys(plain), ['predicted_value', 'prediction_probability']);
    assert.equal(plain.predicted_value, 'POSITIVE');
    near(plain.prediction_probability, sigmoid(2));

    const all = await infer('bad', {
      text_classification: { num_top_classes: -1, classification_labels: ['sad', 'glad'], results_field: 'mood' },
    });
    assert.equal(all.mood, 'sad');
    const top = all.top_classes as { class_name: string; class_probability: number; class_score: number }[];
    assert.deepEqual(
      top.map(({ class_name }) => class_name),
      ['sad', 'glad'],
    );
    near(top[1]!.class_probability, sigmoid(-4));
    near(top[1]!.class_score, sigmoid(-4));

    const long = 'good '.repeat(9).trim();
    assert.equal((await infer(long)).is_truncated, true);
    await assert.rejects(infer(long, { text_classification: { tokenization: { bert: { truncate: 'none' } } } }), {
      type: 'illegal_argument_exception',
      message: 'Input too large. The tokenized input length [9] exceeds the maximum sequence length [8]',
    });
    assert.equal(engine.stats!.counters.inference_count, 3);
  } finally {
    await engine.close();
  }
});

test('fill_mask names the token, the others and the whole sequence; a text without a mask is at fault itself', async () => {
  const { engine, infer } = await start(masked, 'fill_mask');
  try {
    const fields = await infer('[MASK] day', { fill_mask: { num_top_classes: 2 } });
    assert.equal(fields.predicted_value, 'good');
    assert.equal(fields.predicted_value_sequence, 'good day');
    near(fields.prediction_probability, Math.exp(3) / (3 + Math.exp(3) + Math.exp(2) + Math.exp(1)));
    assert.deepEqual(
      (fields.top_classes as { class_name: string }[]).map(({ class_name }) => class_name),
      ['good', 'bad'],
    );
    await assert.rejects(infer('good day'), { message: 'no [MASK] token could be found in the input' });
  } finally {
    await engine.close();
  }
});

test('what the task or the model does not have is named before anything runs', async () => {
  const { engine } = await start(sentiment, 'text_classification');
  await engine.close();
  assert.throws(() => engine.bind({ ner: {} }), /transformers_js does not run \[ner\]/);
  assert.throws(() => engine.bind({ fill_mask: {} }), /task_type is \[text_classification\], not \[fill_mask\]/);
  assert.throws(() => engine.bind({ text_classification: { span: 1 } }), /Unrecognized key/);
  await assert.rejects(start(folder, 'fill_mask'), { code: 'SLUICE_MODEL_MISSING' });
});
