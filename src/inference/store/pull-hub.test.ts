import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Trouble } from '../../../test/support/model-hub.ts';
import {
  closeHub,
  empty,
  emptyStore,
  fake,
  large,
  PULL,
  pull,
  refused,
  server,
  TOKEN,
  tiny,
} from '../../../test/support/pull-model.ts';
import { hubSettings } from '../../connections/model_files/settings.ts';
import { removeModel } from './changes.ts';
import type { PullOptions } from './pull-hub.ts';
import { verifyModel } from './verify.ts';

after(closeHub);

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
