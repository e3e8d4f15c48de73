import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runSluice } from '../support/run-sluice.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-compare-'));
after(() => rmSync(base, { recursive: true }));
const BUNDLED = 'local:minilm-l6-enrich-en';
const texts = ['Marie Curie worked in Paris.', 'The bridge was closed.', 'Oslo and Bergen are in Norway.'];
writeFileSync(join(base, 'texts.txt'), `${texts.join('\n')}\n\n`);
writeFileSync(
  join(base, 'docs.ndjson.gz'),
  gzipSync(texts.map((text) => `${JSON.stringify({ id: 1, nested: { body: text } })}\n`).join('')),
);

interface Compared {
  readonly task: string;
  readonly texts: number;
  readonly agreement: { readonly name: string; readonly value: number; readonly worst: number }[];
  readonly models: { readonly model: string; readonly texts_per_second: number; readonly failed: number }[];
}
const compare = (...args: string[]) => runSluice(base, 'models', 'compare', ...args);

describe('sluice models compare', () => {
  test('a model agrees with itself, in every task that both do', async () => {
    const { code, stdout, stderr } = await compare(BUNDLED, BUNDLED, '--docs', 'texts.txt', '--json');
    assert.equal(code, 0, stderr);
    const compared = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Compared);
    assert.deepEqual(
      compared.map(({ task, texts: count }) => [task, count]),
      [
        ['ner', 3],
        ['text_embedding', 3],
      ],
    );
    for (const { agreement, models } of compared) {
      for (const { value, worst } of agreement) assert.ok(value > 0.9999 && worst > 0.9999);
      assert.ok(models.every(({ texts_per_second, failed }) => texts_per_second > 0 && failed === 0));
    }
  });

  test('reads a field of compressed documents, and shows a table of 80 columns', async () => {
    writeTinyModel(join(base, 'tiny'), {
      vocabulary: ['[UNK]', '[PAD]', 'Marie', 'Paris'],
      architecture: 'BertForTokenClassification',
      labels: ['O', 'B-PER', 'B-LOC'],
      rows: [
        [5, 0, 0],
        [5, 0, 0],
        [0, 5, 0],
        [0, 0, 5],
      ],
      averaged: false,
    });
    const { code, stdout, stderr } = await compare(
      ...[BUNDLED, 'local:./tiny', '--docs', 'docs.ndjson.gz', '--field', 'nested.body', '--limit', '2'],
      ...['--inference-config', '{"ner":{}}'],
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ner, 2 texts\n {2}F1 of entities: \d\.\d{4} on the mean/);
    assert.match(stdout, /MODEL +TEXTS\/S/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });

  test('says what is wrong with what it is given', async () => {
    const refused = async (args: string[], code: number, words: RegExp) => {
      const ended = await compare(...args);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, words);
    };
    await refused(['minilm', BUNDLED, '--docs', 'texts.txt'], 2, /does not say where the model is/);
    await refused([BUNDLED, 'local:nobody', '--docs', 'texts.txt'], 6, /\[nobody\] is not in the store/);
    await refused([BUNDLED, BUNDLED, '--docs', 'docs.ndjson.gz'], 2, /Name the field .* with --field/);
    await refused(
      [BUNDLED, BUNDLED, '--docs', 'docs.ndjson.gz', '--field', 'no'],
      2,
      /No document has a string in \[no\]/,
    );
    await refused([BUNDLED, BUNDLED, '--docs', 'none.txt'], 4, /cannot be read/);
    await refused([BUNDLED, 'endpoint:nothing/x', '--docs', 'texts.txt'], 2, /task_type/);
  });
});
