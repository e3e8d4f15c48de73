import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { asksOf, vectorsIn } from '../../../test/support/ask.ts';
import { readModel } from '../manifest.ts';
import { type OnnxModel, onnxModel } from '../onnx/model.ts';
import type { InferenceOutput } from '../onnx/protocol.ts';
import { DiskCaches } from './results.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-disk-models-'));
after(() => rmSync(folder, { recursive: true }));

const files = readModel(new URL('../../../models/minilm-l6-enrich-en', import.meta.url).pathname);
const ASKS = asksOf(files.manifest, 'ner', 'text_embedding');
const log = { info: () => {}, warn: (message: string) => assert.fail(message) };

/** A run of its own: nothing but the folder is left of it. */
const run = async <T>(identity: string, body: (model: OnnxModel) => Promise<T>): Promise<T> => {
  const disks = new DiskCaches(log);
  const disk = await disks.results<InferenceOutput>({ path: join(folder, 'cache'), max_size: 2 ** 24 }, identity);
  const model = onnxModel({
    model: files,
    sha256: 'x',
    cache_size: 0,
    disk,
    number_of_allocations: 1,
    threads_per_allocation: 1,
    queue_capacity: 1024,
    timeout_ms: 60_000,
    log,
  });
  await model.deployment.start();
  try {
    return await body(model);
  } finally {
    await model.deployment.close();
    await disks.close();
  }
};

const TEXTS = Array.from({ length: 20 }, (_, n) => `Angela Merkel met person ${n} in Paris. Later she left for Rome.`);
const inferAll = (model: OnnxModel, longText: 'truncate' | 'sentences' = 'truncate') =>
  Promise.all(
    TEXTS.map(
      (text) =>
        new Promise<InferenceOutput>((resolve, reject) =>
          model.infer({ text, asks: ASKS, truncate: 'first', span: -1, longText }, (error, output) =>
            error ? reject(error) : resolve(output!),
          ),
        ),
    ),
  );
const bits = (output: InferenceOutput) =>
  vectorsIn(output).map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('hex'),
  );

test('a second run infers nothing, and its results are the first ones bit for bit', async () => {
  const first = await run('a', (model) => inferAll(model));
  await run('a', async (model) => {
    const second = await inferAll(model);
    assert.equal(model.deployment.counters.inference_count, 0);
    assert.deepEqual([model.disk!.hits, model.disk!.misses], [TEXTS.length, 0]);
    for (const [index, output] of second.entries()) {
      assert.ok(vectorsIn(output)[0] instanceof Float32Array);
      assert.deepEqual(bits(output), bits(first[index]!));
      assert.deepEqual(output, first[index]);
    }
    await inferAll(model, 'sentences');
    assert.equal(model.deployment.counters.inference_count, TEXTS.length, 'other options are another result');
  });
});

test('another model has nothing from the same folder', async () => {
  await run('b', async (model) => {
    await inferAll(model);
    assert.equal(model.deployment.counters.inference_count, TEXTS.length);
    assert.deepEqual([model.disk!.hits, model.disk!.misses], [0, TEXTS.length]);
  });
});
