import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { readAliases } from './aliases.ts';
import { makeCurrent, removeAlias, removeModel, setAlias, switchVersion } from './changes.ts';
import { withLock } from './lock.ts';
import { idOfRepository, readReference } from './names.ts';
import { ModelStore } from './store.ts';
import { verifyModel } from './verify.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-store-'));
after(() => rmSync(base, { recursive: true }));
let stores = 0;
const emptyStore = () => new ModelStore(join(base, `store-${++stores}`));

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
/** Puts a version there by hand, as an older sluice may have left it. */
const put = async (store: ModelStore, id: string, version: string) => {
  const folder = store.folderOf({ id, version });
  mkdirSync(folder, { recursive: true });
  writeTinyModel(folder, {
    vocabulary: ['[UNK]', 'a'],
    architecture: 'BertModel',
    averaged: false,
    output: 'last_hidden_state',
    rows: [
      [0, 1],
      [1, 0],
    ],
  });
  const files = ['config.json', 'tokenizer.json', 'onnx/model.onnx'];
  writeFileSync(
    join(folder, 'sluice.json'),
    JSON.stringify({
      id,
      version,
      tasks: { text_embedding: { output: 'last_hidden_state', pooling: 'mean', dims: 2 } },
      sha256: Object.fromEntries(files.map((file) => [file, sha256(join(folder, file))])),
    }),
  );
  await switchVersion(store, id, version);
};
const refused = (code: string, message: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

describe('the model store', () => {
  test('knows the bundled models where nothing was ever stored', () => {
    const store = emptyStore();
    assert.deepEqual(
      store.list().map(({ id, version, bundled }) => [id, version, bundled]),
      [['minilm-l6-enrich-en', undefined, true]],
    );
    assert.ok(store.find('minilm-l6-enrich-en').manifest);
  });

  test('has several versions of an id, and switches between them', async () => {
    const store = emptyStore();
    await put(store, 'org__name', 'one');
    await put(store, 'org__name', 'two');
    assert.equal(store.find('org__name').version, 'two');
    assert.equal(store.find('org__name@one').version, 'one');
    await makeCurrent(store, 'org__name@one');
    assert.equal(store.find('org__name').version, 'one');
    assert.throws(() => store.find('org__name@three'), refused('SLUICE_MODEL_MISSING', /org__name@three/));
    assert.throws(() => store.find('org_name'), refused('SLUICE_MODEL_MISSING', /did you mean \[org__name\]/));
    await assert.rejects(makeCurrent(store, 'org__name'), refused('SLUICE_USAGE', /names no version/));
  });

  test('lets aliases mean an id or a version, and never hides an id behind one', async () => {
    const store = emptyStore();
    await put(store, 'org__name', 'one');
    await put(store, 'org__name', 'two');
    await setAlias(store, 'newest', 'org__name');
    await setAlias(store, 'fixed', 'org__name@one');
    assert.equal(store.find('newest').version, 'two');
    assert.equal(store.find('fixed').version, 'one');
    await Promise.all(['a', 'b', 'c'].map((name) => setAlias(store, name, 'newest').catch(() => {})));
    await assert.rejects(setAlias(store, 'org__name', 'fixed'), refused('SLUICE_USAGE', /is the id of a model/));
    await assert.rejects(setAlias(store, '../x', 'fixed'), refused('SLUICE_USAGE', /cannot be an alias/));
    await assert.rejects(removeAlias(store, 'none'), refused('SLUICE_MODEL_MISSING', /no alias/));
    await assert.rejects(removeModel(store, 'newest'), refused('SLUICE_USAGE', /is an alias/));
    await removeModel(store, 'org__name@one');
    assert.equal(readAliases(store.folder).fixed, undefined);
    assert.equal(readAliases(store.folder).newest, 'org__name');
  });

  test('removes what is asked for, but neither the current version nor what comes with sluice', async () => {
    const store = emptyStore();
    await put(store, 'org__name', 'one');
    await put(store, 'org__name', 'two');
    await assert.rejects(removeModel(store, 'minilm-l6-enrich-en'), refused('SLUICE_USAGE', /comes with sluice/));
    await assert.rejects(removeModel(store, 'org__name@two'), refused('SLUICE_USAGE', /is the current version/));
    await assert.rejects(removeModel(store, '..'), refused('SLUICE_USAGE', /cannot be the id/));
    assert.deepEqual(await removeModel(store, 'org__name'), ['org__name@one', 'org__name@two']);
    assert.equal(existsSync(join(store.folder, 'org__name')), false);
    await assert.rejects(removeModel(store, 'org__name'), refused('SLUICE_MODEL_MISSING', /not in the store/));
  });

  test('finds what was changed, cut or taken away', async () => {
    const store = emptyStore();
    await put(store, 'm', '1');
    assert.deepEqual((await verifyModel(store.find('m'))).problems, []);
    const { folder } = store.find('m');
    writeFileSync(join(folder, 'config.json'), '{}');
    rmSync(join(folder, 'tokenizer.json'));
    const { problems } = await verifyModel({ ...store.find('m'), manifest: store.list().at(-1)!.manifest });
    assert.ok(problems.length > 0);
    writeFileSync(join(folder, 'sluice.json'), '{"id": 7}');
    assert.match(store.find('m').problem!, /./);
    assert.equal(store.list().length, 2, 'one that is damaged does not hide the others');
  });

  test('names are those of Elasticsearch, and cannot leave the folder', () => {
    assert.equal(idOfRepository('Sentence-Transformers/All-MiniLM-L6-v2'), 'sentence-transformers__all-minilm-l6-v2');
    for (const name of ['..', '.x', 'a/b', 'A', '', 'a@', 'a@b@c', 'a@current', 'a\\b', `a${'b'.repeat(200)}`])
      assert.throws(() => readReference(name), refused('SLUICE_USAGE', /cannot be/), name);
  });
});

describe('the lock of a model', () => {
  const pace = { beat_ms: 20, watch_ms: 200 };
  const lockOf = (store: string, holder: object) => {
    mkdirSync(join(store, '.locks'), { recursive: true });
    writeFileSync(join(store, '.locks', 'm.lock'), JSON.stringify(holder));
  };

  test('is held by one at a time', async () => {
    const store = join(base, 'lock-1');
    await withLock(store, 'm', async () => {
      await assert.rejects(
        withLock(store, 'm', async () => {}, pace),
        refused('SLUICE_MODEL_STORE', /is changing the same model/),
      );
    });
    assert.equal(await withLock(store, 'm', async () => 7, pace), 7);
  });

  test('of a process that died is taken over, here and on another machine', async () => {
    for (const [name, holder] of Object.entries({
      here: { host: hostname(), pid: 2 ** 22 + 1, count: 3 },
      restarted: { host: hostname(), pid: process.pid, count: 3 },
      elsewhere: { host: 'elsewhere', pid: 1, count: 3 },
    })) {
      const store = join(base, `lock-${name}`);
      lockOf(store, holder);
      assert.equal(await withLock(store, 'm', async () => 7, pace), 7, name);
    }
  });

  test('of a process that lives on another machine is left alone', async () => {
    const store = join(base, 'lock-living');
    let count = 0;
    lockOf(store, { host: 'elsewhere', pid: 1, count });
    const timer = setInterval(() => lockOf(store, { host: 'elsewhere', pid: 1, count: ++count }), 20);
    await assert.rejects(
      withLock(store, 'm', async () => {}, pace),
      refused('SLUICE_MODEL_STORE', /process 1 on elsewhere/),
    );
    clearInterval(timer);
  });
});
