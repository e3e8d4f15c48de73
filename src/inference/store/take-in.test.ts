import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { filesOf, ModelHub } from '../../../test/support/model-hub.ts';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { PATIENCE } from '../../connections/model_files/settings.ts';
import { type ImportOptions, importFolder } from './import-folder.ts';
import type { PullOptions } from './pull-hub.ts';
import { pullFromUrl } from './pull-url.ts';
import { ModelStore } from './store.ts';
import { verifyModel } from './verify.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-take-in-'));
const server = await ModelHub.start();
after(() => {
  server.close();
  rmSync(base, { recursive: true });
});
let count = 0;
const emptyStore = () => new ModelStore(join(base, `store-${++count}`));
const TAKE: ImportOptions = { quantized: 'auto', trial: true, force: false };
const folder = (architecture = 'BertModel') =>
  writeTinyModel(join(base, `Tiny Model ${++count}`), {
    vocabulary: ['[UNK]', 'Ada', 'Rome'],
    architecture,
    labels: architecture === 'BertModel' ? [] : ['bad', 'good'],
    averaged: architecture !== 'BertModel',
    output: architecture === 'BertModel' ? 'last_hidden_state' : 'logits',
    rows: [
      [0, 0],
      [3, 0],
      [0, 4],
    ],
  });
const empty = (store: ModelStore) =>
  assert.deepEqual(
    store.list().filter(({ bundled }) => !bundled),
    [],
  );

describe('sluice models import', () => {
  test('copies what the model needs, under a version that its content gives', async () => {
    const store = emptyStore();
    const from = folder();
    writeFileSync(join(from, 'README.md'), '---\nlicense: mit\n---\n# A model\n');
    writeFileSync(join(from, 'notes.txt'), 'not needed');
    const { model } = await importFolder(store, from, { ...TAKE, aliases: ['vectors'] });
    assert.match(model.id, /^tiny-model-\d+$/);
    assert.match(model.version!, /^[0-9a-f]{12}$/);
    assert.equal(model.manifest!.license, 'mit');
    assert.ok(!Object.keys(model.manifest!.sha256).includes('notes.txt'));
    assert.deepEqual((await verifyModel(store.find('vectors'))).problems, []);
    assert.equal((await importFolder(store, from, TAKE)).already, true);
    writeFileSync(join(from, 'README.md'), 'changed');
    const second = (await importFolder(store, from, TAKE)).model;
    assert.notEqual(second.version, model.version);
    assert.deepEqual(store.versions(model.id).length, 2);
    assert.deepEqual(readdirSync(join(store.folder, '.partial')), []);
  });

  test('mends a damaged version with force', async () => {
    const store = emptyStore();
    const from = folder();
    const { model } = await importFolder(store, from, TAKE);
    writeFileSync(join(model.folder, 'config.json'), '{"hidden_size":3}');
    assert.equal((await verifyModel(store.find(model.id))).problems.length, 1);
    await importFolder(store, from, { ...TAKE, force: true });
    assert.deepEqual((await verifyModel(store.find(model.id))).problems, []);
  });

  test('follows the links of a hub cache, and takes what another engine runs', async () => {
    const store = emptyStore();
    const from = folder('BertForSequenceClassification');
    const blobs = join(base, 'blobs');
    mkdirSync(blobs);
    renameSync(join(from, 'tokenizer.json'), join(blobs, 'a'));
    symlinkSync(join(blobs, 'a'), join(from, 'tokenizer.json'));
    const options = { inference_config: { text_classification: { num_top_classes: 2 } }, trial: false, id: 'mood' };
    const { model } = await importFolder(store, from, { ...TAKE, ...options });
    const { task_type, tasks, inference_config } = model.manifest!;
    assert.deepEqual(
      [task_type, Object.keys(tasks), inference_config],
      ['text_classification', ['text_classification'], options.inference_config],
    );
  });

  test('refuses what is no model, and leaves nothing of it', async () => {
    const store = emptyStore();
    const lacking = folder();
    rmSync(join(lacking, 'tokenizer.json'));
    const broken = folder();
    for (const file of readdirSync(join(broken, 'onnx'))) writeFileSync(join(broken, 'onnx', file), 'no graph');
    const damaged = folder();
    writeFileSync(join(damaged, 'config.json'), '{"architectures": 7');
    const other = folder();
    writeFileSync(
      join(other, 'config.json'),
      readFileSync(join(other, 'config.json'), 'utf8').replace('"hidden_size":2', '"hidden_size":3'),
    );
    for (const [path, code, message] of [
      [join(base, 'nowhere'), 'SLUICE_MODEL_MISSING', /cannot be read/],
      [lacking, 'SLUICE_MODEL_MISSING', /no tokenizer.json/],
      [broken, 'SLUICE_MODEL_INVALID', /does not run: ONNX Runtime cannot load the graph/],
      [damaged, 'SLUICE_MODEL_INVALID', /not a model's config.json/],
      [other, 'SLUICE_MODEL_INVALID', /vectors of 2 numbers, and the model's files say 3/],
    ] as const)
      await assert.rejects(importFolder(store, path, TAKE), { code, message });
    await assert.rejects(importFolder(store, folder(), { ...TAKE, id: 'minilm-l6-enrich-en' }), {
      code: 'SLUICE_USAGE',
    });
    empty(store);
  });
});

describe('sluice models pull from an address', () => {
  const PULL: PullOptions = {
    ...TAKE,
    token: 'hf_secret',
    patience: { ...PATIENCE, tries: 2, retry_ms: 5 },
    max_size: 1e9,
    progress: { start: () => {}, update: () => {}, stop: () => {} },
  };
  /** A model with a `sluice.json`, as a store has it. */
  const prepared = async () => {
    const { model } = await importFolder(emptyStore(), folder(), { ...TAKE, id: 'prepared' });
    const files = filesOf(model.folder);
    const serve = (changes: object = {}) => {
      const manifest = { ...(JSON.parse(files['sluice.json']!.toString()) as object), ...changes };
      const commit = server.push('web/model', { ...files, 'sluice.json': JSON.stringify(manifest) });
      server.reset();
      return `${server.endpoint}/web/model/resolve/${commit}`;
    };
    return { model, files, serve };
  };

  test('fetches what its sluice.json names, and sends no token', async () => {
    const store = emptyStore();
    const { model, serve } = await prepared();
    const address = serve();
    const pulled = await pullFromUrl(store, `${address}/`, false, PULL);
    assert.deepEqual(
      [pulled.model.id, pulled.model.manifest!.source],
      ['prepared', { kind: 'url', from: `${address}/` }],
    );
    assert.deepEqual(pulled.model.manifest!.sha256, model.manifest!.sha256);
    assert.ok(server.asked.every(({ authorization }) => authorization === undefined));
    server.reset();
    assert.equal((await pullFromUrl(store, address, false, PULL)).already, true);
    assert.deepEqual(
      server.asked.map(({ path }) => path.split('/').at(-1)),
      ['sluice.json'],
    );
  });

  test('refuses a manifest that names too little, leads elsewhere or is none', async () => {
    const store = emptyStore();
    const { model, serve } = await prepared();
    const { sha256 } = model.manifest!;
    const zeros = '0'.repeat(64);
    for (const [changes, code, message] of [
      [{ sha256: {} }, 'SLUICE_MODEL_INVALID', /no sha256 of \[config.json, tokenizer.json/],
      [{ sha256: { ...sha256, '../x': zeros } }, 'SLUICE_MODEL_INVALID', /"\.\.\/x" is refused/],
      [{ sha256: { ...sha256, 'config.json': zeros } }, 'SLUICE_MODEL_INVALID', /config.json is not what/],
      [{ tasks: 7 }, 'SLUICE_MODEL_INVALID', /not a sluice.json/],
      [{ id: '../x' }, 'SLUICE_USAGE', /cannot be the id/],
    ] as const)
      await assert.rejects(pullFromUrl(store, serve(changes), false, PULL), { code, message });
    for (const address of ['https://me:word@host/x/', 'https://host/x/?key=1'])
      await assert.rejects(pullFromUrl(store, address, false, PULL), { code: 'SLUICE_USAGE' });
    await assert.rejects(pullFromUrl(store, serve(), true, PULL), {
      code: 'SLUICE_MODEL_MISSING',
      message: /no server is asked/,
    });
    empty(store);
  });
});
