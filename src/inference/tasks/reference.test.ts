import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { IngestDocument } from '../../core/document.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { sha256OfFile } from '../manifest.ts';
import { ModelSet } from '../model-set.ts';
import { sequenceOf } from '../onnx/sequence.ts';
import { localModelOptions } from '../options.ts';
import { pairWindows } from '../pair-windows.ts';
import { Tokenizer } from '../tokenizer.ts';
import { truncatedWindow } from '../windows.ts';

// Made by scripts/reference/make.py: PyTorch 2.14 and Hugging Face's own pipelines.
const root = fileURLToPath(new URL('../../../test/fixtures/tasks', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
interface Encoded {
  readonly first: string;
  readonly second: string | null;
  readonly ids: number[];
  readonly types: number[];
  readonly offsets: [number, number][];
}
interface Golden {
  readonly texts: string[];
  readonly question: string;
  readonly labels: string[];
  readonly tokenizers: Record<string, Encoded[]>;
  readonly models: Record<string, unknown[]>;
}
const golden = read('golden.json') as Golden;
const TOLERANCE = 1e-5;
const worst: Record<string, number> = {};

/** Python counts code points. */
const units = (text: string, points: number): number => [...text].slice(0, points).join('').length;
const near = (task: string, found: unknown, wanted: number): void => {
  const difference = Math.abs((found as number) - wanted);
  worst[task] = Math.max(worst[task] ?? 0, difference);
  assert.ok(difference <= TOLERANCE, `${found}, not ${wanted}`);
};

type Infer = (text: string, config: InferenceConfig) => Promise<PlainObject>;
const opened: ModelSet[] = [];
after(() => Promise.all(opened.map((models) => models.close())));
const start = async (name: string): Promise<Infer> => {
  const models = new ModelSet({ info: () => {}, warn: () => {} });
  opened.push(models);
  const task_type = name.slice(name.lastIndexOf('-') + 1);
  const options = { path: join(root, name), number_of_allocations: 1, cache_size: 0, task_type };
  models.addLocal('m', localModelOptions.parse(options), '.');
  await models.start(undefined);
  return (text, config) =>
    new Promise((resolve, reject) => {
      models
        .client()
        .bind('m', config, 'text')
        .infer(new IngestDocument({ source: {} }), text, (error, fields) => (error ? reject(error) : resolve(fields!)));
    });
};

type Compare = (infer: Infer, text: string, wanted: never) => Promise<void>;
const COMPARE: Readonly<Record<string, Compare>> = {
  ner: async (infer, text, wanted: [string, number, number, number][]) => {
    const { entities } = await infer(text, { ner: {} });
    const found = entities as { class_name: string; start_pos: number; end_pos: number; class_probability: number }[];
    assert.deepEqual(
      found.map(({ class_name, start_pos, end_pos }) => [class_name, start_pos, end_pos]),
      wanted.map(([name, from, to]) => [name, units(text, from), units(text, to)]),
    );
    found.forEach(({ class_probability }, at) => near('ner', class_probability, wanted[at]![3]));
  },
  text_classification: async (infer, text, wanted: number[]) => {
    const { top_classes } = await infer(text, { text_classification: { num_top_classes: -1 } });
    const names = ['bad', 'middling', 'good'];
    for (const { class_name, class_probability } of top_classes as { class_name: string; class_probability: number }[])
      near('text_classification', class_probability, wanted[names.indexOf(class_name)]!);
  },
  zero_shot_classification: async (infer, text, wanted: Record<'single' | 'multi', [string, number][]>) => {
    for (const [kind, multi_label] of [
      ['single', false],
      ['multi', true],
    ] as const) {
      const { top_classes } = await infer(text, { zero_shot_classification: { labels: golden.labels, multi_label } });
      const found = top_classes as { class_name: string; class_probability: number }[];
      for (const [label, score] of wanted[kind])
        near(
          'zero_shot_classification',
          found.find(({ class_name }) => class_name === label)!.class_probability,
          score,
        );
    }
  },
  fill_mask: async (infer, _text, wanted: { text: string; top: [number, number][] }) => {
    const { top_classes } = await infer(wanted.text, { fill_mask: {} });
    (top_classes as { class_probability: number }[]).forEach(({ class_probability }, at) =>
      near('fill_mask', class_probability, wanted.top[at]![1]),
    );
  },
  question_answering: async (infer, text, [from, to, score]: [number, number, number]) => {
    const found = await infer(text, { question_answering: { question: golden.question } });
    near('question_answering', found.prediction_probability, score);
    assert.deepEqual([found.start_offset, found.end_offset], [units(text, from), units(text, to)]);
  },
  text_similarity: async (infer, text, [score]: [number]) => {
    near('text_similarity', (await infer(text, { text_similarity: { text: golden.question } })).predicted_value, score);
  },
  text_expansion: async (infer, text, wanted: Record<string, number>) => {
    const { predicted_value } = await infer(text, { text_expansion: {} });
    // A token that is a number stands before the others in an object.
    const found = Object.values(predicted_value as Record<string, number>).sort((a, b) => b - a);
    const expected = Object.values(wanted).sort((a, b) => b - a);
    assert.equal(found.length, expected.length);
    found.forEach((weight, at) => near('text_expansion', weight, expected[at]!));
  },
  text_embedding: async (infer, text, wanted: number[]) => {
    const { predicted_value } = await infer(text, { text_embedding: {} });
    const found = predicted_value as number[];
    assert.equal(found.length, wanted.length);
    found.forEach((value, at) => near('text_embedding', value, wanted[at]!));
  },
};

test('the fixtures are what the script wrote', async () => {
  for (const [name, wanted] of Object.entries(read('sha256.json') as Record<string, string>))
    assert.equal(await sha256OfFile(join(root, name)), wanted, name);
});

describe('tokens of one text and of two, their segments and places, as Hugging Face has them', () => {
  for (const [kind, all] of Object.entries(golden.tokenizers)) {
    test(kind, async () => {
      const folder = Object.keys(golden.models).find((name) => name.startsWith(`${kind}-`))!;
      const tokenizer = await Tokenizer.load(join(root, folder, 'tokenizer.json'));
      for (const { first, second, ids, types, offsets } of all) {
        const cut = { maxTokens: 128, truncate: 'none', span: -1 } as const;
        const { windows } =
          second === null
            ? await truncatedWindow(tokenizer, first, 128)
            : await pairWindows(tokenizer, { first, second, document: 'second' }, cut);
        const sequence = sequenceOf(windows[0]!, tokenizer);
        assert.deepEqual(sequence.ids, ids);
        assert.deepEqual(sequence.types ?? ids.map(() => 0), types);
        const text = second ?? first;
        const { starts, ends } = windows[0]!.pieces;
        starts.forEach((from, at) => {
          const [a, b] = offsets[sequence.offset + at]!;
          assert.deepEqual([from, ends[at]], [units(text, a), units(text, b)], `${text} ${at}`);
        });
      }
    });
  }
});

describe(`results within ${TOLERANCE} of PyTorch's`, () => {
  for (const [name, wanted] of Object.entries(golden.models))
    test(name, async () => {
      const infer = await start(name);
      const compare = COMPARE[name.slice(name.lastIndexOf('-') + 1)]!;
      for (const [at, text] of golden.texts.entries()) await compare(infer, text, wanted[at] as never);
    });
  after(() => {
    const shown = Object.entries(worst).map(([task, difference]) => `${task} ${difference.toExponential(1)}`);
    console.log(`largest differences: ${shown.join(', ')}`);
  });
});
