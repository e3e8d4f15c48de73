import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type TinyModel, writeTinyModel } from '../../../test/support/tiny-model.ts';
import { IngestDocument } from '../../core/document.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { ModelSet } from '../model-set.ts';
import { localModelOptions } from '../options.ts';
import { TransformersEngine } from '../transformers_js/engine.ts';
import type { TransformersTask } from '../transformers_js/protocol.ts';
import { runTrial } from '../trial.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-tasks-'));
after(() => rmSync(folder, { recursive: true }));
const silent = { info: () => {}, warn: () => {} };

const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'day', 'rome', 'oslo', 'where', 'a.b'];
const id = (token: string) => VOCABULARY.indexOf(token);
/** A row for each token, zeros where nothing is said. */
const rows = (columns: number, said: Readonly<Record<string, readonly number[]>>) =>
  VOCABULARY.map((token) => said[token] ?? new Array<number>(columns).fill(0));

type Infer = (text: string, config?: InferenceConfig) => Promise<PlainObject>;
const opened: { close(): Promise<void> }[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

const inferWith =
  (bind: (config: InferenceConfig | undefined) => ReturnType<TransformersEngine['bind']>): Infer =>
  (text, config) =>
    new Promise((resolve, reject) => {
      try {
        bind(config).infer(new IngestDocument({ source: {} }), text, (error, fields) =>
          error ? reject(error) : resolve(fields!),
        );
      } catch (error) {
        reject(error);
      }
    });

const model = (name: string, tiny: Omit<TinyModel, 'vocabulary' | 'rows'> & Partial<TinyModel>): string =>
  writeTinyModel(join(folder, name), { vocabulary: VOCABULARY, rows: [[0]], marked: true, ...tiny });

/** The model in sluice's own engine, tried in a process of its own as every new model is. */
const start = async (path: string, options: object = {}): Promise<Infer> => {
  const models = new ModelSet(silent);
  models.addLocal(
    'm',
    localModelOptions.parse({ path, number_of_allocations: 1, file: 'onnx/model.onnx', ...options }),
    '.',
  );
  opened.push(models);
  await models.start(runTrial);
  return inferWith((config) => models.client().bind('m', config, 'text'));
};
/** The same in @huggingface/transformers. */
const oracle = async (path: string, task: TransformersTask): Promise<Infer> => {
  const options = localModelOptions.parse({ path, engine: 'transformers_js', task_type: task, dtype: 'fp32' });
  const engine = new TransformersEngine({ id: task, folder: path, task, options, allocations: 1, log: silent });
  opened.push(engine);
  await engine.start(undefined, undefined);
  return inferWith((config) => engine.bind(config));
};

const near = (found: unknown, wanted: number) =>
  assert.ok(Math.abs((found as number) - wanted) < 1e-5, `${found}, not ${wanted}`);
/** Equal in all but the last digits of numbers. */
const same = (found: unknown, wanted: unknown): void => {
  if (typeof wanted === 'number') return near(found, wanted);
  if (typeof wanted !== 'object' || wanted === null) return assert.equal(found, wanted);
  assert.deepEqual(Object.keys(found as object), Object.keys(wanted));
  for (const [key, value] of Object.entries(wanted)) same((found as Record<string, unknown>)[key], value);
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const classes = (fields: PlainObject) =>
  (fields.top_classes as { class_name: string; class_probability: number }[]).map(
    ({ class_name, class_probability }) => [class_name, Number(class_probability.toFixed(5))],
  );

describe('text_classification', () => {
  const path = model('sentiment', {
    architecture: 'BertForSequenceClassification',
    labels: ['NEGATIVE', 'POSITIVE'],
    averaged: true,
    rows: rows(2, { good: [-4, 4], bad: [4, -4] }),
    length: 8,
  });

  test('gives what transformers gives, in the fields of Elasticsearch', async () => {
    const [own, theirs] = [await start(path), await oracle(path, 'text_classification')];
    // That library cuts the mark at the end away with a long text, so none is among them.
    for (const text of ['good day', 'bad', 'a good bad good day', '']) {
      const config = { text_classification: { num_top_classes: 2 } };
      same(await own(text, config), await theirs(text, config));
    }
    const plain = await own('good day');
    assert.deepEqual(Object.keys(plain), ['predicted_value', 'prediction_probability']);
    // Four tokens, the marks included, of which one says something.
    near(plain.prediction_probability, sigmoid(2));
    const named = await own('bad', {
      text_classification: { num_top_classes: -1, classification_labels: ['sad', 'glad'], results_field: 'mood' },
    });
    assert.equal(named.mood, 'sad');
    assert.deepEqual(classes(named)[0], ['sad', Number(sigmoid(8 / 3).toFixed(5))]);
  });

  test('of a long text the head decides, or its first window', async () => {
    const own = await start(path);
    const long = `${'good '.repeat(6)}${'bad '.repeat(6)}`;
    assert.equal((await own(long)).is_truncated, true);
    const cut = (bert: object) => ({ text_classification: { tokenization: { bert } } });
    assert.deepEqual(await own(long, cut({ truncate: 'none', span: 2 })), {
      predicted_value: 'POSITIVE',
      prediction_probability: (await own(long)).prediction_probability,
    });
    await assert.rejects(own(long, cut({ truncate: 'none' })), /exceeds the maximum sequence length \[8\]/);
    await assert.rejects(own(long, cut({ span: 2 })), /\[span\] must not be provided when \[truncate\] is \[first\]/);
  });

  test('of several true classes each has a probability of its own', async () => {
    const several = model('topics', {
      architecture: 'BertForSequenceClassification',
      labels: ['a', 'b'],
      averaged: true,
      rows: rows(2, { good: [4, 4] }),
      config: { problem_type: 'multi_label_classification' },
    });
    const fields = await (await start(several))('good', { text_classification: { num_top_classes: 2 } });
    assert.deepEqual(classes(fields), [
      ['a', Number(sigmoid(4 / 3).toFixed(5))],
      ['b', Number(sigmoid(4 / 3).toFixed(5))],
    ]);
  });

  test('labels that do not fit the logits are found out before the first document', async () => {
    const wrong = model('wrong', {
      architecture: 'BertForSequenceClassification',
      labels: ['a', 'b', 'c'],
      averaged: true,
      rows: rows(2, {}),
    });
    await assert.rejects(start(wrong), /Expected exactly \[3\] values in text classification result; got \[2\]/);
  });

  test('numbers that are not finite are no result', async () => {
    const broken = model('broken', {
      architecture: 'BertForSequenceClassification',
      labels: ['a', 'b'],
      averaged: true,
      rows: rows(2, { bad: [Number.NaN, 0] }),
    });
    const own = await start(broken);
    near((await own('good')).prediction_probability, 0.5);
    await assert.rejects(own('bad'), /numbers that are not finite/);
  });
});

test('zero_shot_classification gives what transformers gives, for one label and for several', async () => {
  const path = model('nli', {
    architecture: 'BertForSequenceClassification',
    labels: ['contradiction', 'neutral', 'entailment'],
    averaged: true,
    rows: rows(3, { good: [-1, 0.5, 2], bad: [3, 0, -2], day: [0.2, 0.1, 0.4], rome: [-2, 1, 1] }),
  });
  const [own, theirs] = [await start(path), await oracle(path, 'zero_shot_classification')];
  for (const options of [
    { labels: ['good', 'bad', 'rome'] },
    { labels: ['good', 'bad'], multi_label: true },
    { labels: ['bad'], multi_label: true, hypothesis_template: 'day {} day' },
  ])
    same(
      await own('good day', { zero_shot_classification: options }),
      await theirs('good day', { zero_shot_classification: options }),
    );
  await assert.rejects(own('x', { zero_shot_classification: {} }), /labels/);
});

test('fill_mask gives what transformers gives, whatever a token is called', async () => {
  const path = model('masked', {
    architecture: 'BertForMaskedLM',
    averaged: false,
    rows: VOCABULARY.map((_, at) => VOCABULARY.map((__, column) => (at === id('[MASK]') ? column * 0.3 : 0))),
  });
  const [own, theirs] = [await start(path), await oracle(path, 'fill_mask')];
  for (const num_top_classes of [0, 3, 5, -1]) {
    const config = { fill_mask: { num_top_classes } };
    same(await own('good [MASK] day', config), await theirs('good [MASK] day', config));
  }
  assert.equal((await own('good [MASK]')).predicted_value_sequence, 'good a.b');
  await assert.rejects(own('good day'), /no \[MASK\] token could be found in the input/);
  await assert.rejects(own('[MASK] [MASK]'), /only one \[MASK\] token should exist in the input/);
});

describe('question_answering', () => {
  const values = (said: Readonly<Record<string, number>>) => VOCABULARY.map((token) => said[token] ?? 0);
  const path = model('reader', {
    architecture: 'BertForQuestionAnswering',
    averaged: false,
    heads: {
      start_logits: values({ rome: 5, oslo: 3, good: 1 }),
      end_logits: values({ rome: 2, day: 4, oslo: 3 }),
    },
    length: 12,
  });
  const ask = (text: string, options: object = {}) => ({
    text,
    config: { question_answering: { question: 'where rome', ...options } } as InferenceConfig,
  });

  test('finds the likeliest piece of the text, never one of the question', async () => {
    const own = await start(path);
    const { text, config } = ask('bad rome day bad', { num_top_classes: 2 });
    const fields = await own(text, config);
    // Over the first token and the text's four: those of the question have no part in it.
    const begins = Math.exp(5) / (4 + Math.exp(5));
    const ends = (logit: number) => Math.exp(logit) / (3 + Math.exp(2) + Math.exp(4));
    same(fields, {
      predicted_value: 'rome day',
      start_offset: 4,
      end_offset: 12,
      top_classes: [
        { answer: 'rome day', start_offset: 4, end_offset: 12, score: begins * ends(4) },
        { answer: 'rome', start_offset: 4, end_offset: 8, score: begins * ends(2) },
      ],
      prediction_probability: begins * ends(4),
    });
    const short = await own(text, ask('', { max_answer_length: 1 }).config);
    assert.equal(short.predicted_value, 'rome');
    assert.deepEqual(Object.keys(short), ['predicted_value', 'start_offset', 'end_offset', 'prediction_probability']);
  });

  test('reads a long text in windows that overlap, or cuts it as it is told', async () => {
    const own = await start(path);
    const text = `😀 ${'bad '.repeat(30)}oslo ${'bad '.repeat(20)}rome day`;
    const cut = (bert: object) => ask(text, { tokenization: { bert } }).config;
    const windows = await own(text, cut({ truncate: 'none', span: 2 }));
    assert.deepEqual([windows.predicted_value, windows.is_truncated], ['rome day', undefined]);
    assert.equal(text.slice(windows.start_offset as number, windows.end_offset as number), 'rome day');
    const head = await own(text, cut({ truncate: 'second' }));
    assert.equal(head.is_truncated, true);
    assert.ok((head.end_offset as number) < 40);
    await assert.rejects(
      own(text, cut({ truncate: 'first' })),
      /Attempting truncation \[first\] but input is too large/,
    );
    await assert.rejects(own(text, cut({ truncate: 'none' })), /exceeds the maximum sequence length \[12\]/);
    await assert.rejects(own(text, cut({ truncate: 'none', span: 20 })), /Unable to do sequence pair tokenization/);
  });

  test('wants a question', async () => {
    await assert.rejects(async () => (await start(path))('rome', { question_answering: {} }), /desired \[question\]/);
  });
});

test('text_similarity scores a text beside another one, and combines windows', async () => {
  const path = model('reranker', {
    architecture: 'BertForSequenceClassification',
    labels: ['LABEL_0'],
    averaged: true,
    rows: rows(1, { good: [6], bad: [-6] }),
    length: 8,
  });
  const own = await start(path);
  const config = (options: object) => ({ text_similarity: { text: 'day', ...options } }) as InferenceConfig;
  // [CLS] day [SEP] good day [SEP]
  assert.deepEqual(Object.keys(await own('good day', config({}))), ['predicted_value']);
  near((await own('good day', config({}))).predicted_value, 1);
  const long = 'good good good good bad bad bad bad';
  const spans = { tokenization: { bert: { truncate: 'none', span: 0 } } };
  near((await own(long, config(spans))).predicted_value, 3);
  near((await own(long, config({ ...spans, span_score_combination_function: 'mean' }))).predicted_value, 0);
  same(await own('good day', { rerank: { text: 'day' } }), { predicted_value: 1 });
});

test('text_expansion gives the weights of tokens, the heaviest first', async () => {
  const weights = (said: Readonly<Record<string, number>>) => VOCABULARY.map((token) => said[token] ?? -1);
  const tiny = {
    architecture: 'BertForMaskedLM',
    rows: rows(VOCABULARY.length, {
      good: weights({ good: 3, day: 1 }),
      bad: weights({ 'a.b': 2, day: 4 }),
    }),
  };
  const splade = await start(model('splade', { ...tiny, averaged: false }), { task_type: 'text_expansion' });
  const fields = await splade('good bad');
  assert.deepEqual(Object.keys(fields.predicted_value as object), ['day', 'good', 'a__b']);
  same(fields.predicted_value, { day: Math.log1p(4), good: Math.log1p(3), a__b: Math.log1p(2) });
  assert.deepEqual((await splade('rome')).predicted_value, {});
  const path = model('elser', { ...tiny, averaged: true });
  writeFileSync(
    join(path, 'sluice.json'),
    JSON.stringify({
      id: 'elser',
      tasks: { text_expansion: { output: 'logits' } },
      prefix_strings: { ingest: 'bad ' },
    }),
  );
  const elser = await start(path);
  // Five tokens with the prefix: [CLS] bad good good [SEP]
  same((await elser('good good')).predicted_value, { day: (2 * 1 + 4) / 5, good: (2 * 3 - 1) / 5 } as never);
});

test('pass_through gives the output as it is', async () => {
  const path = model('raw', {
    architecture: 'BertModel',
    averaged: false,
    rows: rows(2, { good: [1, 2], day: [3, 4] }),
  });
  const own = await start(path, { task_type: 'pass_through' }).catch((error: unknown) => error);
  // The graph's output is called logits, which is what the task looks for.
  assert.equal(typeof own, 'function', String(own));
  assert.deepEqual((await (own as Infer)('good day')).predicted_value, [
    [0, 0],
    [1, 2],
    [3, 4],
    [0, 0],
  ]);
});

describe('text_embedding', () => {
  const said = { good: [3, 4, 0, 0], bad: [0, 0, 1, 0], '[CLS]': [0, 2, 0, 0], '[SEP]': [0, 0, 0, 5] };
  const embedder = (name: string, pooling?: object): string => {
    const path = model(name, {
      architecture: 'BertModel',
      averaged: false,
      output: 'last_hidden_state',
      rows: rows(4, said),
      config: { hidden_size: 4 },
    });
    if (pooling === undefined) return path;
    mkdirSync(join(path, '1_Pooling'), { recursive: true });
    writeFileSync(join(path, '1_Pooling/config.json'), JSON.stringify(pooling));
    return path;
  };

  test('pools as the folder says: mean, cls, last token, max', async () => {
    const of = async (path: string) => (await (await start(path, { normalize: false }))('good bad')).predicted_value;
    assert.deepEqual(await of(embedder('mean')), [0.75, 1.5, 0.25, 1.25]);
    assert.deepEqual(await of(embedder('cls', { pooling_mode_cls_token: true })), [0, 2, 0, 0]);
    assert.deepEqual(await of(embedder('last', { pooling_mode_lasttoken: true })), [0, 0, 0, 5]);
    assert.deepEqual(await of(embedder('max', { pooling_mode_max_tokens: true })), [3, 4, 1, 5]);
  });

  test('cuts, normalises and quantises', async () => {
    const path = embedder('small');
    const of = async (options: object) => (await (await start(path, options))('good')).predicted_value;
    // [CLS] good [SEP]: [3, 6, 0, 5] / 3
    const length = Math.hypot(3, 6, 5);
    same(await of({}), [3 / length, 6 / length, 0, 5 / length]);
    same(await of({ dimensions: 2 }), [3 / Math.hypot(3, 6), 6 / Math.hypot(3, 6)]);
    assert.deepEqual(
      await of({ element_type: 'byte' }),
      [3, 6, 0, 5].map((value) => Math.round((127 * value) / length)),
    );
    assert.deepEqual(await of({ element_type: 'bit' }), [-48]);
    await assert.rejects(start(path, { dimensions: 5 }), /dimensions is 5, and the model gives 4 numbers/);
    const own = await start(path);
    await assert.rejects(own('good', { text_embedding: { embedding_size: 3 } }), /embedding_size is 3/);
  });

  test('of a long text in chunks, a vector each with its place', async () => {
    const path = embedder('chunks');
    const text = 'good good good good good good good good good good bad bad. bad';
    const chunking = { strategy: 'word', max_chunk_size: 10, overlap: 0 };
    const { predicted_value } = await (await start(path, { long_text: chunking }))(text);
    const chunks = predicted_value as { text_start: number; text_end: number; embedding: number[] }[];
    assert.deepEqual(
      chunks.map(({ text_start, text_end }) => text.slice(text_start, text_end)),
      ['good good good good good good good good good good', ' bad bad. bad'],
    );
    assert.equal(chunks[0]!.embedding.length, 4);
  });
});
