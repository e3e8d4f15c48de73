import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeTinyModel } from '../../test/support/tiny-model.ts';
import { IngestDocument } from '../core/document.ts';
import type { InferenceConfig } from '../core/inference.ts';
import type { PlainObject } from '../core/json/values.ts';
import { readModel } from './manifest.ts';
import { ModelSet } from './model-set.ts';
import { localModelOptions } from './options.ts';
import { runTrial } from './trial.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-two-models-'));
after(() => rmSync(folder, { recursive: true }));

const VOCABULARY = ['[UNK]', '[PAD]', 'Ada', 'visits', 'Rome'];
const entities = {
  vocabulary: VOCABULARY,
  architecture: 'BertForTokenClassification',
  labels: ['O', 'B-PER', 'B-LOC'],
  averaged: false,
  rows: [
    [9, 0, 0],
    [9, 0, 0],
    [0, 9, 0],
    [9, 0, 0],
    [0, 0, 9],
  ],
};
const vectors = {
  vocabulary: VOCABULARY,
  architecture: 'BertModel',
  averaged: false,
  output: 'last_hidden_state',
  rows: [
    [0, 0],
    [0, 0],
    [3, 0],
    [0, 0],
    [0, 4],
  ],
};

const log = { info: () => {}, warn: () => {} };
const start = async (models: Readonly<Record<string, Record<string, unknown>>>) => {
  const set = new ModelSet(log);
  for (const [id, options] of Object.entries(models)) set.addLocal(id, localModelOptions.parse(options), 'test.yaml');
  const client = set.client();
  const bind = (id: string, config?: InferenceConfig) => {
    const step = client.bind(id, config, 'text');
    return (document: IngestDocument, text: string) =>
      new Promise<PlainObject>((resolve, reject) =>
        step.infer(document, text, (error, fields) => (error ? reject(error) : resolve(fields!))),
      );
  };
  return { set, bind };
};

test('two models without manifests, one for entities and one for vectors, work side by side', async () => {
  const { set, bind } = await start({
    ner: { path: writeTinyModel(join(folder, 'ner'), entities), number_of_allocations: 1 },
    vec: { path: writeTinyModel(join(folder, 'vec'), vectors), number_of_allocations: 1 },
  });
  const ner = bind('ner');
  const vec = bind('vec', { text_embedding: {} });
  await set.start(runTrial);
  try {
    const text = 'Ada visits Rome';
    const document = new IngestDocument({ source: {} });
    const [found, vector] = await Promise.all([ner(document, text), vec(document, text)]);
    assert.equal(found.predicted_value, '[Ada](PER&Ada) visits [Rome](LOC&Rome)');
    // The mean of (3,0), (0,0) and (0,4), at length one.
    const [x, y] = vector.predicted_value as [number, number];
    assert.ok(Math.abs(x - 0.6) < 1e-6 && Math.abs(y - 0.8) < 1e-6, `${x}, ${y}`);
  } finally {
    await set.close();
  }
});

test('two tasks of one model and text are one pass, and the same text comes from the cache', async () => {
  const { set, bind } = await start({ enrich: { path: 'models/minilm-l6-enrich-en', number_of_allocations: 1 } });
  const ner = bind('enrich', { ner: {} });
  const vec = bind('enrich', { text_embedding: {} });
  await set.start(undefined);
  const inferred = () => set.stats.get('enrich')!.counters.inference_count;
  try {
    const document = new IngestDocument({ source: {} });
    await ner(document, 'Marie Curie worked in Paris.');
    const { predicted_value } = await vec(document, 'Marie Curie worked in Paris.');
    assert.equal((predicted_value as number[]).length, 384);
    assert.equal(inferred(), 1);
    await ner(new IngestDocument({ source: {} }), 'Marie Curie worked in Paris.');
    assert.equal(inferred(), 1);
    // Asked for at the same moment by many documents, a text is still inferred once.
    await Promise.all(
      Array.from({ length: 20 }, () => ner(new IngestDocument({ source: {} }), 'Niels Bohr lived in Copenhagen.')),
    );
    assert.equal(inferred(), 2);
  } finally {
    await set.close();
  }
});

test('a tokenizer of another model stops the start, in the trial and in the deployment', async () => {
  const path = writeTinyModel(join(folder, 'mixed'), { ...vectors, vocabulary: [...VOCABULARY, 'more', 'words'] });
  writeTinyModel(join(folder, 'small'), vectors);
  copyFileSync(join(folder, 'small', 'config.json'), join(path, 'config.json'));
  const wrong = { code: 'SLUICE_MODEL_INVALID', message: /belongs to another model/ };
  for (const trial of [runTrial, undefined]) {
    const { set } = await start({ vec: { path, number_of_allocations: 1 } });
    await assert.rejects(set.start(trial), wrong);
    await set.close();
  }
});

test('what the files do not fit is told: labels, dims and a damaged graph', async () => {
  const labels = writeTinyModel(join(folder, 'labels'), { ...entities, labels: ['O', 'B-PER'] });
  await assert.rejects(
    (await start({ m: { path: labels } })).set.start(runTrial),
    /3 logits a token, and the model's labels are 2/,
  );
  const damaged = writeTinyModel(join(folder, 'damaged'), vectors);
  const { manifest } = readModel(damaged);
  const graph = join(damaged, manifest.graph);
  writeFileSync(graph, readFileSync(graph).subarray(0, 60));
  await assert.rejects((await start({ m: { path: damaged } })).set.start(runTrial), { code: 'SLUICE_MODEL_INVALID' });
});
