import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Trouble } from '../../../test/support/model-hub.ts';
import {
  closeHub,
  empty,
  emptyStore,
  fake,
  patience,
  pull,
  refused,
  server,
  TOKEN,
  tiny,
} from '../../../test/support/pull-model.ts';
import { verifyModel } from './verify.ts';

after(closeHub);

describe('sluice models pull', () => {
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
});
