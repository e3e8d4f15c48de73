import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { filesOf, ModelHub, type Trouble } from '../../../test/support/model-hub.ts';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { Hub } from '../../connections/model_files/hub.ts';
import { hubSettings, type Patience } from '../../connections/model_files/settings.ts';
import type { SluiceError } from '../../core/errors.ts';
import { removeModel } from './changes.ts';
import { type PullOptions, pullFromHub } from './pull-hub.ts';
import { ModelStore } from './store.ts';
import { verifyModel } from './verify.ts';

const TOKEN = 'hf_0123456789secret';
const base = mkdtempSync(join(tmpdir(), 'sluice-pull-'));
const server = await ModelHub.start();
after(() => {
  server.close();
  rmSync(base, { recursive: true });
});

const patience: Patience = { answer_ms: 2000, idle_ms: 1000, tries: 3, retry_ms: 5, longest_wait_ms: 100 };
let stores = 0;
const emptyStore = () => new ModelStore(join(base, `store-${++stores}`));
const PULL: PullOptions = {
  quantized: 'auto',
  token: undefined,
  patience,
  max_size: 1e9,
  progress: { start: () => {}, update: () => {}, stop: () => {} },
  trial: false,
  force: false,
};
const pull = (
  store: ModelStore,
  name: string,
  options: Partial<PullOptions> = {},
  env: Readonly<Record<string, string>> = {},
) => {
  const settings = hubSettings({ HF_ENDPOINT: server.endpoint, ...env });
  return pullFromHub(store, new Hub(settings, patience), name, { ...PULL, token: settings.token, ...options });
};

const tiny = filesOf(
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
const large = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7919) % 251));
const fake: Record<string, Buffer> = {
  ...tiny,
  'onnx/model.onnx': large,
  'onnx/model_quantized.onnx': large.subarray(0, 300_000),
};

const refused = async (pulling: Promise<unknown>, code: string, message: RegExp): Promise<SluiceError> => {
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
const empty = (store: ModelStore) =>
  assert.deepEqual(
    store.list().filter(({ bundled }) => !bundled),
    [],
  );

describe('sluice models pull', () => {
  test('takes a model in by its commit, tried, with what the files are', async () => {
    const store = emptyStore();
    const commit = server.push(
      'Org/Tiny',
      { ...tiny, 'README.md': '# tiny', 'pytorch_model.bin': large },
      {
        info: { cardData: { license: 'apache-2.0' }, pipeline_tag: 'token-classification' },
      },
    );
    server.reset();
    const { model, already } = await pull(store, 'Org/Tiny', { trial: true, aliases: ['people'] });
    assert.equal(already, false);
    assert.deepEqual([model.id, model.version, model.aliases], ['org__tiny', `${commit.slice(0, 12)}-q8`, ['people']]);
    const { source, license, graph, tasks, sha256, size } = model.manifest!;
    assert.deepEqual(source, {
      kind: 'hugging_face',
      from: 'Org/Tiny',
      requested: 'main',
      revision: commit,
      dtype: 'q8',
    });
    assert.deepEqual([license, graph, Object.keys(tasks)], ['apache-2.0', 'onnx/model_quantized.onnx', ['ner']]);
    assert.deepEqual(Object.keys(sha256).sort(), [
      'README.md',
      'config.json',
      'onnx/model_quantized.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    assert.deepEqual(Object.keys(size!), Object.keys(sha256));
    assert.deepEqual((await verifyModel(store.find('people'))).problems, []);
    assert.ok(server.asked.every(({ path }) => !path.endsWith('.bin') && !path.endsWith('/model.onnx')));
    server.reset();
    assert.equal((await pull(store, 'Org/Tiny')).already, true);
    assert.equal(server.sent, 0);
  });

  test('keeps versions beside each other, and the one pulled last is current', async () => {
    const store = emptyStore();
    const first = server.push('Org/Versions', fake);
    const one = await pull(store, 'Org/Versions');
    server.push('Org/Versions', { ...fake, 'onnx/model_quantized.onnx': large });
    const two = await pull(store, 'Org/Versions');
    assert.notEqual(one.model.version, two.model.version);
    assert.equal(store.find('org__versions').version, two.model.version);
    await pull(store, `Org/Versions@${first}`);
    assert.equal(store.find('org__versions').version, one.model.version);
    assert.deepEqual(store.versions('org__versions').length, 2);
  });

  test('chooses weights by kind or name, with what lies beside them', async () => {
    const store = emptyStore();
    server.push('Org/Kinds', {
      ...fake,
      'onnx/model_fp16.onnx': large.subarray(0, 2000),
      'onnx/model_fp16.onnx_data': large.subarray(0, 3000),
      'onnx/model_fp16.onnx_data_1': large.subarray(0, 4000),
      'onnx/model_O3.onnx': large.subarray(0, 5000),
    });
    const graphs = async (options: Partial<PullOptions>) => {
      const { manifest } = (await pull(store, 'Org/Kinds', options)).model;
      return Object.keys(manifest!.sha256).filter((file) => file.startsWith('onnx/'));
    };
    assert.deepEqual(await graphs({}), ['onnx/model_quantized.onnx']);
    assert.deepEqual(await graphs({ quantized: 'no' }), ['onnx/model.onnx']);
    assert.deepEqual(await graphs({ quantized: 'fp16' }), [
      'onnx/model_fp16.onnx',
      'onnx/model_fp16.onnx_data',
      'onnx/model_fp16.onnx_data_1',
    ]);
    assert.deepEqual(await graphs({ file: 'onnx/model_O3.onnx' }), ['onnx/model_O3.onnx']);
    await refused(pull(store, 'Org/Kinds', { quantized: 'q4' }), 'SLUICE_MODEL_INVALID', /no weights \[q4\]/);
    await refused(pull(store, 'Org/Kinds', { file: 'onnx/model_o3.onnx' }), 'SLUICE_MODEL_INVALID', /did you mean/);
  });

  test('sends the token to the hub only, and nobody else is told', async () => {
    const store = emptyStore();
    server.push('Org/Private', fake, { token: TOKEN });
    server.reset();
    await refused(pull(store, 'Org/Private'), 'SLUICE_HUB_AUTH', /asks for a token/);
    await refused(pull(store, 'Org/Private', {}, { HF_TOKEN: `${TOKEN}x` }), 'SLUICE_HUB_AUTH', /refused the token/);
    server.reset();
    await pull(store, 'Org/Private', {}, { HF_TOKEN: TOKEN });
    const of = (host: string) =>
      new Set(server.asked.filter((asked) => asked.host === host).map((asked) => asked.authorization));
    assert.deepEqual([of('hub'), of('store')], [new Set([`Bearer ${TOKEN}`]), new Set([undefined])]);
    const text = readFileSync(join(store.find('org__private').folder, 'sluice.json'), 'utf8');
    assert.ok(!text.includes(TOKEN));
    assert.throws(
      () => hubSettings({ HF_TOKEN: `${TOKEN} x` }),
      (error: Error) => !inspect(error).includes(TOKEN),
    );
    assert.throws(
      () => hubSettings({ HF_ENDPOINT: 'http://me:word@hub' }),
      (error: Error) => !inspect(error).includes('word@'),
    );
  });

  test('goes on where the connection broke, byte by byte', async () => {
    const store = emptyStore();
    server.push('Org/Cut', fake);
    server.reset({ cut: { after: 100_000, times: 2 } });
    const seen: number[] = [];
    await pull(store, 'Org/Cut', { progress: { ...PULL.progress, update: (_, bytes) => seen.push(bytes) } });
    const total = Object.values(store.find('org__cut').manifest!.size!).reduce((sum, bytes) => sum + bytes, 0);
    assert.equal(server.sent, total, 'nothing was sent twice');
    assert.equal(seen.at(-1), total);
    assert.deepEqual(
      server.asked
        .filter(({ host, path }) => host === 'store' && path)
        .map(({ range }) => range)
        .filter(Boolean),
      ['bytes=100000-', 'bytes=200000-'],
    );
  });

  test('that is interrupted leaves no model, and a later one goes on', async () => {
    const store = emptyStore();
    server.push('Org/Interrupted', fake);
    server.reset({ cut: { after: 100_000, times: 1 }, status: undefined });
    const trouble: Trouble = { cut: { after: 100_000, times: 1 } };
    server.reset(trouble);
    const pulling = pull(store, 'Org/Interrupted', {
      progress: {
        ...PULL.progress,
        update: () => {
          if (trouble.cut!.times === 0) trouble.status = { code: 503, path: /resolve/, times: 99 };
        },
      },
    });
    await refused(pulling, 'SLUICE_HUB_UNREACHABLE', /503/);
    empty(store);
    const partial = join(store.folder, '.partial', 'org__interrupted');
    const [version] = readdirSync(partial);
    assert.equal(statSync(join(partial, version!, 'onnx/model_quantized.onnx.part')).size, 100_000);
    const before = server.sent;
    server.reset();
    await pull(store, 'Org/Interrupted');
    assert.equal(server.sent, 200_000, `${before} were sent before`);
    assert.deepEqual((await verifyModel(store.find('org__interrupted'))).problems, []);
    assert.deepEqual(readdirSync(join(store.folder, '.partial')), []);
  });

  test('that was given up is removed by its id', async () => {
    const store = emptyStore();
    server.push('Org/Abandoned', fake);
    server.reset({ status: { code: 503, path: /blobs/, times: 99 } });
    await refused(pull(store, 'Org/Abandoned'), 'SLUICE_HUB_UNREACHABLE', /503/);
    const [removed] = await removeModel(store, 'org__abandoned');
    assert.match(removed!, /^org__abandoned@\w{12}-q8 \(incomplete\)$/);
    assert.deepEqual(readdirSync(join(store.folder, '.partial')), []);
    await refused(removeModel(store, 'org__abandoned'), 'SLUICE_MODEL_MISSING', /not in the store/);
  });

  test('starts a file anew where a server sends no parts', async () => {
    const store = emptyStore();
    server.push('Org/Rangeless', fake);
    server.reset({ cut: { after: 100_000, times: 1 }, rangeless: true });
    await pull(store, 'Org/Rangeless');
    assert.deepEqual((await verifyModel(store.find('org__rangeless'))).problems, []);
  });

  const refusals: readonly [string, Trouble, string, RegExp][] = [
    ['404', { status: { code: 404, path: /api/, times: 9 } }, 'SLUICE_MODEL_MISSING', /no such repository/],
    [
      '403',
      { status: { code: 403, path: /resolve/, times: 9, headers: { 'x-error-code': 'GatedRepo' } } },
      'SLUICE_HUB_AUTH',
      /gated/,
    ],
    [
      '429 for long',
      { status: { code: 429, path: /api/, times: 9, headers: { 'retry-after': '3600' } } },
      'SLUICE_HUB_UNREACHABLE',
      /too many requests/,
    ],
    ['500 for ever', { status: { code: 500, path: /resolve/, times: 99 } }, 'SLUICE_HUB_UNREACHABLE', /500/],
    ['a page of HTML for the list', { html: /api/ }, 'SLUICE_HUB_UNREACHABLE', /HTML in place of JSON/],
    ['a page of HTML for a file', { html: /blobs/ }, 'SLUICE_HUB_UNREACHABLE', /HTML in place of the file/],
    ['half a file again and again', { cut: { after: 0, times: 99 } }, 'SLUICE_HUB_UNREACHABLE', /cannot be reached/],
    ['other bytes', { damaged: true }, 'SLUICE_MODEL_INVALID', /not what the hub says it is: sha256/],
    ['more bytes than there are', { endless: true }, 'SLUICE_MODEL_INVALID', /sends more of/],
    ['redirects in a circle', { circle: true }, 'SLUICE_HUB_UNREACHABLE', /more than 8 redirects/],
    ['no answer', { silent: /blobs/ }, 'SLUICE_HUB_UNREACHABLE', /no answer within/],
    [
      'a redirect to nowhere',
      { status: { code: 302, path: /resolve/, times: 9, headers: { location: 'file:///etc/passwd' } } },
      'SLUICE_HUB_UNREACHABLE',
      /redirect to nowhere/,
    ],
  ];
  for (const [name, trouble, code, message] of refusals)
    test(`with ${name} is refused, and nothing is taken in`, async () => {
      const store = emptyStore();
      server.push('Org/Trouble', fake);
      server.reset(structuredClone(trouble));
      await refused(
        pull(store, 'Org/Trouble', { patience: { ...patience, answer_ms: 300 } }, { HF_TOKEN: TOKEN }),
        code,
        message,
      );
      empty(store);
      server.reset();
      await pull(store, 'Org/Trouble');
      assert.deepEqual((await verifyModel(store.find('org__trouble'))).problems, []);
    });

  test('waits as long as a busy hub asks for', async () => {
    const store = emptyStore();
    server.push('Org/Busy', fake);
    server.reset({ status: { code: 429, path: /./, times: 2, headers: { 'retry-after': '0' } } });
    assert.equal((await pull(store, 'Org/Busy')).already, false);
  });

  test('refuses what leads out of the folder, what is too much, and what cannot be a model', async () => {
    const store = emptyStore();
    for (const name of ['../../etc/x', '/etc/x', 'onnx/../../x', 'a\\b', 'c:/x', 'a//b', 'a\u0000b', './a']) {
      server.push('Org/Traversal', { ...fake, [name]: 'x' });
      await refused(pull(store, 'Org/Traversal'), 'SLUICE_MODEL_INVALID', /is refused/);
    }
    server.push('Org/Large', fake);
    await refused(pull(store, 'Org/Large', { max_size: 1000 }), 'SLUICE_MODEL_INVALID', /has 30\d kB/);
    const { 'tokenizer.json': _, ...rest } = fake;
    server.push('Org/Tokenless', rest);
    await refused(pull(store, 'Org/Tokenless'), 'SLUICE_MODEL_MISSING', /no tokenizer.json/);
    server.push('Org/Graphless', { 'config.json': '{}', 'tokenizer.json': '{}' });
    await refused(pull(store, 'Org/Graphless'), 'SLUICE_MODEL_INVALID', /no ONNX graph/);
    for (const name of ['Org/Large@nothing', 'Org/None'])
      await refused(pull(store, name, {}, { HF_TOKEN: TOKEN }), 'SLUICE_MODEL_MISSING', /no such/);
    for (const name of ['../x', 'a/b/c', 'Org/Large@', 'Org/Large@..', ''])
      await assert.rejects(pull(store, name), { code: 'SLUICE_USAGE' });
    empty(store);
    assert.equal(existsSync(join(store.folder, '..', 'etc')), false);
  });

  test('refuses labels that do not fit each other, or the graph', async () => {
    const store = emptyStore();
    const config = JSON.parse(tiny['config.json']!.toString()) as object;
    const labels = (id2label: object) => ({
      ...tiny,
      'config.json': JSON.stringify({ ...config, label2id: undefined, id2label }),
    });
    server.push('Org/Gap', labels({ 0: 'O', 2: 'B-PER' }));
    await refused(pull(store, 'Org/Gap'), 'SLUICE_MODEL_INVALID', /2 entries, and none for "1"/);
    server.push('Org/None', labels({}));
    await refused(pull(store, 'Org/None'), 'SLUICE_MODEL_INVALID', /id2label is missing/);
    server.push('Org/Swapped', { ...tiny, 'config.json': JSON.stringify({ ...config, label2id: { O: 1 } }) });
    await refused(pull(store, 'Org/Swapped'), 'SLUICE_MODEL_INVALID', /label2id says/);
    server.push('Org/Few', labels({ 0: 'O', 1: 'B-PER' }));
    await refused(pull(store, 'Org/Few', { trial: true }), 'SLUICE_MODEL_INVALID', /3 logits a token/);
    empty(store);
  });

  test('at the same time, one takes it in and the other says so; different ones do not disturb each other', async () => {
    const store = emptyStore();
    server.push('Org/Same', fake);
    server.push('Org/Other', fake);
    server.reset();
    const results = await Promise.allSettled([
      pull(store, 'Org/Same'),
      pull(store, 'Org/Same'),
      pull(store, 'Org/Other'),
    ]);
    const failed = results.filter((result) => result.status === 'rejected');
    assert.ok(failed.length <= 1);
    for (const { reason } of failed) assert.match((reason as Error).message, /is changing the same model/);
    for (const id of ['org__same', 'org__other']) assert.deepEqual((await verifyModel(store.find(id))).problems, []);
  });

  test('offline, takes what is there and names what is missing', async () => {
    const store = emptyStore();
    const commit = server.push('Org/Offline', fake);
    await pull(store, 'Org/Offline');
    server.reset();
    const env = { HF_HUB_OFFLINE: '1' };
    for (const name of ['Org/Offline', `Org/Offline@${commit}`])
      assert.equal((await pull(store, name, {}, env)).already, true);
    const error = await refused(
      pull(store, 'Org/Offline', { quantized: 'fp16' }, env),
      'SLUICE_MODEL_MISSING',
      /Org\/Offline@main with weights \[fp16\]/,
    );
    assert.match(error.hint!, /There are \[\w+-q8\]/);
    await refused(pull(store, 'Org/Never', {}, env), 'SLUICE_MODEL_MISSING', /Org\/Never@main is not in the store/);
    assert.equal(server.asked.length, 0);
  });
});
