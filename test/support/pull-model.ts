import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Hub } from '../../src/connections/model_files/hub.ts';
import { hubSettings, type Patience } from '../../src/connections/model_files/settings.ts';
import type { SluiceError } from '../../src/core/errors.ts';
import { type PullOptions, pullFromHub } from '../../src/inference/store/pull-hub.ts';
import { ModelStore } from '../../src/inference/store/store.ts';
import { filesOf, ModelHub } from './model-hub.ts';
import { writeTinyModel } from './tiny-model.ts';

export const TOKEN = 'hf_0123456789secret';
export const base = mkdtempSync(join(tmpdir(), 'sluice-pull-'));
export const server = await ModelHub.start();
export const closeHub = () => {
  server.close();
  rmSync(base, { recursive: true });
};

export const patience: Patience = { answer_ms: 2000, idle_ms: 1000, tries: 3, retry_ms: 5, longest_wait_ms: 100 };
let stores = 0;
export const emptyStore = () => new ModelStore(join(base, `store-${++stores}`));
export const PULL: PullOptions = {
  quantized: 'auto',
  token: undefined,
  patience,
  max_size: 1e9,
  progress: { start: () => {}, update: () => {}, stop: () => {} },
  trial: false,
  force: false,
};
export const pull = (
  store: ModelStore,
  name: string,
  options: Partial<PullOptions> = {},
  env: Readonly<Record<string, string>> = {},
) => {
  const settings = hubSettings({ HF_ENDPOINT: server.endpoint, ...env });
  return pullFromHub(store, new Hub(settings, patience), name, { ...PULL, token: settings.token, ...options });
};

export const tiny = filesOf(
  writeTinyModel(join(base, 'tiny'), {
    vocabulary: ['[UNK]', 'Ada', 'visits', 'Rome'],
    architecture: 'BertForTokenClassification',
    labels: ['O', 'B-PER', 'B-LOC'],
    averaged: false,
    rows: [
      [9, 0, 0],
      [0, 9, 0],
      [9, 0, 0],
      [0, 0, 9],
    ],
  }),
);
/** Weights that nobody loads, as large as is needed. */
export const large = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7919) % 251));
export const fake: Record<string, Buffer> = {
  ...tiny,
  'onnx/model.onnx': large,
  'onnx/model_quantized.onnx': large.subarray(0, 300_000),
};

export const refused = async (pulling: Promise<unknown>, code: string, message: RegExp): Promise<SluiceError> => {
  const error = await pulling.then(
    () => assert.fail('it was pulled'),
    (thrown: SluiceError) => thrown,
  );
  assert.equal(error.code, code, inspect(error));
  assert.match(error.message, message);
  assert.ok(error.place, 'it says where');
  assert.ok(error.hint, 'it says the way out');
  assert.ok(!inspect(error, { depth: 9 }).includes(TOKEN), 'it does not tell the token');
  assert.ok(!inspect(error, { depth: 9 }).includes('secret-of-the-store'), 'it does not tell a signature');
  return error;
};
export const empty = (store: ModelStore) =>
  assert.deepEqual(
    store.list().filter(({ bundled }) => !bundled),
    [],
  );
