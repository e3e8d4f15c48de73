import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { asksOf, entitiesIn, vectorsIn } from '../../test/support/ask.ts';
import { readModel } from './manifest.ts';
import { onnxDeployment } from './onnx/deployment.ts';
import type { InferenceOutput } from './onnx/protocol.ts';

const model = readModel(new URL('../../models/minilm-l6-enrich-en', import.meta.url).pathname);
const golden = JSON.parse(
  readFileSync(new URL('../../test/fixtures/golden_onepass.json', import.meta.url), 'utf8'),
) as {
  texts: { text: string; vector: number[] }[];
};
const warnings: string[] = [];
const deploy = (allocations: number, capacity = 1024) =>
  onnxDeployment({
    model,
    number_of_allocations: allocations,
    threads_per_allocation: 1,
    queue_capacity: capacity,
    timeout_ms: 60_000,
    log: { warn: (message) => void warnings.push(message) },
  });

describe('a deployment of the bundled model', () => {
  const deployment = deploy(2);
  before(() => deployment.start());
  after(() => deployment.close());

  const infer = (text: string, longText: 'truncate' | 'sentences' = 'truncate', truncate: 'first' | 'none' = 'first') =>
    new Promise<InferenceOutput>((resolve, reject) =>
      deployment.infer(
        { text, asks: asksOf(model.manifest, 'ner', 'text_embedding'), truncate, span: -1, longText },
        (error, output) => (error ? reject(error) : resolve(output!)),
      ),
    );

  test('gives the vectors of the fp32 reference: cosine at least 0.98 each, 0.99 on the mean', async () => {
    const outputs = await Promise.all(golden.texts.map(({ text }) => infer(text)));
    const cosines = outputs.map((output, index) =>
      vectorsIn(output)[0]!.reduce((sum, value, dim) => sum + value * golden.texts[index]!.vector[dim]!, 0),
    );
    assert.ok(Math.min(...cosines) >= 0.98, `worst ${Math.min(...cosines)}`);
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
    assert.ok(mean >= 0.99, `mean ${mean}`);
  });

  test('finds entities with offsets in UTF-16 units', async () => {
    const text = '😀 Angela Merkel met Emmanuel Macron in Paris 🇫🇷, and later Tim Cook of Apple in Łódź.';
    const entities = entitiesIn(await infer(text));
    assert.deepEqual(
      entities.map(({ entity, class_name }) => [entity, class_name]),
      [
        ['Angela Merkel', 'PER'],
        ['Emmanuel Macron', 'PER'],
        ['Paris', 'LOC'],
        ['Tim Cook', 'PER'],
        ['Apple', 'ORG'],
        ['Łódź', 'LOC'],
      ],
    );
    for (const { entity, start_pos, end_pos, class_probability } of entities!) {
      assert.equal(text.slice(start_pos, end_pos), entity);
      assert.ok(class_probability > 0.5 && class_probability <= 1);
    }
  });

  test('gives a text the same result to 1e-6 whatever else is in flight', async () => {
    const texts = golden.texts.map(({ text }) => text);
    const short = [
      'Tim Cook runs Apple.',
      'Angela met Olaf there.',
      'They went to Berlin now.',
      'Rome is very old too.',
    ];
    const alone: InferenceOutput[] = [];
    for (const text of [...texts.slice(0, 8), ...short]) alone.push(await infer(text));
    const crowd = await Promise.all(
      [...texts.slice(0, 8), ...short, ...texts, ...short, ...short].map((text) => infer(text)),
    );
    alone.forEach((output, index) => {
      const other = crowd[index]!;
      assert.deepEqual(
        entitiesIn(other).map(({ entity }) => entity),
        entitiesIn(output).map(({ entity }) => entity),
      );
      entitiesIn(output).forEach(({ class_probability }, at) =>
        assert.ok(Math.abs(class_probability - entitiesIn(other)[at]!.class_probability) < 1e-6),
      );
      const worst = Math.max(
        ...vectorsIn(output)[0]!.map((value, dim) => Math.abs(value - vectorsIn(other)[0]![dim]!)),
      );
      assert.ok(worst < 1e-6, `vector differs by ${worst}`);
    });
  });

  test('truncates as Elasticsearch does, and fails where truncation is off', async () => {
    const long = 'Marie Curie worked in Paris. '.repeat(200);
    const output = await infer(long);
    const { truncated, tokens } = output;
    const entities = entitiesIn(output);
    assert.equal(truncated, true);
    assert.equal(tokens, 256);
    assert.ok(entities.every(({ end_pos }) => end_pos < long.length / 2));
    await assert.rejects(infer(long, 'truncate', 'none'), /exceeds the maximum sequence length \[256\]/);
    assert.equal((await infer('short')).truncated, false);
  });

  test('covers a long text in windows of whole sentences', async () => {
    const long = Array.from(
      { length: 60 },
      (_, index) => `Sentence ${index} says that Marie Curie worked in Paris 😀 for a while.`,
    ).join(' ');
    const output = await infer(long, 'sentences');
    const { windows, truncated } = output;
    const entities = entitiesIn(output);
    const vectors = vectorsIn(output);
    assert.equal(truncated, false);
    assert.equal(windows.length, vectors.length);
    assert.ok(windows.length > 5);
    assert.equal(windows[0]!.start, 0);
    assert.equal(windows.at(-1)!.end, long.length);
    windows.forEach(({ start }, index) => {
      if (index > 0) assert.equal(start, windows[index - 1]!.end);
      assert.match(long.slice(start), /^Sentence/);
    });
    assert.equal(entities.filter(({ entity }) => entity === 'Marie Curie').length, 60);
    for (const { entity, start_pos, end_pos } of entities!) assert.equal(long.slice(start_pos, end_pos), entity);
  });

  test('covers one endless sentence with overlapping windows and takes each entity once', async () => {
    const long = Array.from(
      { length: 120 },
      (_, index) => `and Marie Curie worked in Paris with colleague number ${index}`,
    ).join(' ');
    const output = await infer(long, 'sentences');
    const { windows } = output;
    const entities = entitiesIn(output);
    assert.ok(windows.length > 5);
    assert.equal(windows.at(-1)!.end, long.length);
    const curies = entities.filter(({ entity }) => entity === 'Marie Curie');
    assert.ok(curies.length >= 115 && curies.length <= 120, `${curies.length} of 120`);
    assert.equal(new Set(entities.map(({ start_pos }) => start_pos)).size, entities.length);
  });

  test('takes an empty text, and a million characters', async () => {
    const empty = await infer('', 'sentences');
    assert.deepEqual(entitiesIn(empty), []);
    assert.equal(vectorsIn(empty)[0]!.length, 384);
    const million = await infer('word '.repeat(200_000));
    assert.equal(million.truncated, true);
  });

  test('drops a cancelled request', async () => {
    let answered = false;
    const cancel = deployment.infer(
      { text: 'cancelled', asks: asksOf(model.manifest, 'ner'), truncate: 'first', span: -1, longText: 'truncate' },
      () => {
        answered = true;
      },
    );
    cancel();
    await infer('another');
    await infer('one more');
    assert.equal(answered, false);
  });
});

test('a full queue refuses, and closing answers what waits', async () => {
  const deployment = deploy(1, 3);
  const request = {
    text: 'x',
    asks: asksOf(model.manifest, 'ner'),
    truncate: 'first',
    span: -1,
    longText: 'truncate',
  } as const;
  const errors: (string | undefined)[] = [];
  for (let i = 0; i < 3; i += 1) deployment.infer(request, (error) => void errors.push(error?.message));
  assert.throws(() => deployment.infer(request, () => {}), /queue is full/);
  await deployment.close();
  assert.deepEqual(errors, Array(3).fill('the deployment is stopping'));
});
