import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-semantic-'));
after(() => rmSync(folder, { recursive: true }));
cpSync(fileURLToPath(new URL('../fixtures/tasks/bert-text_expansion', import.meta.url)), join(folder, 'splade'), {
  recursive: true,
});
const body =
  'Ada wrote notes. Charles read them, and answered. Both are long gone, and the notes are read to this day.';
writeFileSync(join(folder, 'doc.json'), JSON.stringify({ body, _inference_fields: { other: { inference: null } } }));

const simulate = async (models: string, processor: string) => {
  const yaml = `source: { dump: { paths: none } }\nsink: { stdout: }\nmodels:\n  m: ${models}\nprocessors:\n  - inference: ${processor}\n`;
  writeFileSync(join(folder, 'p.yaml'), yaml);
  return runSluice(folder, 'simulate', 'p.yaml', '--doc', 'doc.json');
};
const sourceOf = async (models: string, processor: string) => {
  const { code, stdout, stderr } = await simulate(models, processor);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { docs: { doc: { _source: Record<string, unknown> } }[] }).docs[0]!.doc._source;
};
interface Inference {
  readonly inference_id: string;
  readonly model_settings: object;
  readonly chunks: Record<string, { start_offset: number; end_offset: number; embeddings: number[] }[]>;
}

test('vectors in the layout of a semantic_text field, in chunks of its default', async () => {
  const source = await sourceOf(
    '{ path: models/minilm-l6-enrich-en, semantic_text: { inference_id: e5 } }',
    '{ model_id: m, inference_config: { text_embedding: {} }, input_output: { input_field: body, output_field: about.text } }',
  );
  const fields = source._inference_fields as Record<string, { inference: Inference }>;
  assert.deepEqual(Object.keys(fields), ['other', 'about.text'], 'what is there for other fields stays');
  const { inference_id, model_settings, chunks } = fields['about.text']!.inference;
  assert.equal(inference_id, 'e5');
  assert.deepEqual(model_settings, {
    task_type: 'text_embedding',
    dimensions: 384,
    similarity: 'cosine',
    element_type: 'float',
  });
  assert.deepEqual(
    chunks.body!.map(({ start_offset, end_offset, embeddings }) => [start_offset, end_offset, embeddings.length]),
    [[0, body.length, 384]],
  );
  assert.deepEqual(Object.keys(source), ['body', '_inference_fields'], 'and nothing beside it');
});

test('chunks as long_text says, weights of tokens, and the layout of older indices', async () => {
  const chunked = 'long_text: { strategy: word, max_chunk_size: 10, overlap: 0 }';
  const processor = '{ model_id: m, input_output: { input_field: body, output_field: body } }';
  const model = `path: ./splade, task_type: text_expansion, ${chunked}`;
  const plain = await sourceOf(`{ ${model} }`, processor.replace('field: body }', 'field: nested }'));
  const nested = plain.nested as { text_start: number; text_end: number; embedding: Record<string, number> }[];
  assert.ok(nested.length > 1 && nested.every(({ embedding }) => Object.keys(embedding).length > 0));
  const semantic = await sourceOf(`{ ${model}, semantic_text: { inference_id: elser } }`, processor);
  const { inference } = (semantic._inference_fields as { body: { inference: Inference } }).body;
  assert.deepEqual(inference.model_settings, { task_type: 'sparse_embedding' });
  assert.deepEqual(
    inference.chunks.body,
    nested.map(({ text_start, text_end, embedding }) => ({
      start_offset: text_start,
      end_offset: text_end,
      embeddings: embedding,
    })),
  );
  const legacy = await sourceOf(`{ ${model}, semantic_text: { inference_id: elser, format: legacy } }`, processor);
  assert.deepEqual(legacy.body, {
    text: body,
    inference: {
      inference_id: 'elser',
      model_settings: { task_type: 'sparse_embedding' },
      chunks: nested.map(({ text_start, text_end, embedding }) => ({
        text: body.slice(text_start, text_end),
        embeddings: embedding,
      })),
    },
  });
});

test('needs to be told the field', async () => {
  const { code, stderr } = await simulate(
    '{ path: models/minilm-l6-enrich-en, semantic_text: { inference_id: e5 } }',
    '{ model_id: m, inference_config: { text_embedding: {} } }',
  );
  assert.equal(code, 3, stderr);
  assert.match(stderr, /p\.yaml:6:\d+ .*writes semantic_text, which needs \[input_output\]/);
});
