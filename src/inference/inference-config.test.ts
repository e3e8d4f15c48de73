import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readInferenceConfig } from './inference-config.ts';
import { readModel } from './manifest.ts';

const manifest = readModel(new URL('../../models/minilm-l6-enrich-en', import.meta.url).pathname).manifest;
const read = (config: Record<string, Record<string, unknown>> | undefined) =>
  readInferenceConfig(config, 'enrich', manifest);
const cut = (options: object) => read({ ner: { tokenization: { bert: options } } });

test('how long texts are cut is read from the tokenizer that is named, whichever it is', () => {
  assert.equal(read({ ner: {} }).truncate, 'first');
  assert.equal(cut({ truncate: 'none' }).truncate, 'none');
  assert.equal(cut({ truncate: 'first', span: -1 }).truncate, 'first');
  assert.equal(read({ text_embedding: { tokenization: { mpnet: { truncate: 'none' } } } }).truncate, 'none');
});

test('what these tasks do not have is refused with the reason', () => {
  assert.throws(() => cut({ truncate: 'second' }), /takes one text: truncate can be first or none, not second/);
  assert.throws(
    () => cut({ span: 16 }),
    /\[ner\] does not support windowing long text sequences; configured span \[16\]; for the whole text set long_text/,
  );
  assert.throws(() => read({ ner: { tokenization: { bert: {}, roberta: {} } } }), /one tokenizer/);
  assert.throws(() => read({ ner: { tokenization: { gpt: {} } } }), /tokenization/);
});

test('options that would change nothing are not accepted in silence', () => {
  assert.throws(
    () => read({ ner: { classification_labels: ['A'] } }),
    /the model has 9 labels, and classification_labels names 1/,
  );
  assert.throws(() => read({ ner: { num_top_classes: 3 } }), /num_top_classes/);
  assert.throws(() => cut({ do_lower_case: true }), /do_lower_case/);
  assert.throws(() => read({ ner: {}, text_embedding: {} }), /one task only/);
  assert.throws(() => read(undefined), /does several tasks/);
});
