import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { readModel, verifyChecksums } from '../manifest.ts';
import type { Row } from '../tasks/task.ts';
import { Tokenizer } from '../tokenizer.ts';
import { truncatedWindow } from '../windows.ts';
import { sequenceOf } from './sequence.ts';
import { OnnxSession } from './session.ts';

const path = (relative: string) => new URL(`../../../${relative}`, import.meta.url).pathname;
const golden = JSON.parse(readFileSync(path('test/fixtures/golden_onepass.json'), 'utf8')) as {
  texts: { text: string; ids: number[]; labels: number[] }[];
};
// Native work alone does not keep the test alive.
const alive = setInterval(() => {}, 1000);
after(() => clearInterval(alive));

test('the bundled model is the one its checksums name', async () => {
  assert.match(await verifyChecksums(readModel(path('models/minilm-l6-enrich-en'))), /^[0-9a-f]{64}$/);
});

test('its tokens and labels are those of the fp32 reference: all ids, at least 99 % of the labels', async () => {
  const model = readModel(path('models/minilm-l6-enrich-en'));
  const tokenizer = await Tokenizer.load(path('models/minilm-l6-enrich-en/tokenizer.json'));
  const session = await OnnxSession.load(model, 1);
  const labels = model.manifest.labels!.length;
  let same = 0;
  let all = 0;
  for (const { text, ids, labels: wanted } of golden.texts) {
    const { windows } = await truncatedWindow(tokenizer, text, 256);
    assert.deepEqual([...tokenizer.before, ...windows[0]!.pieces.ids, ...tokenizer.after], ids);
    const sequence = sequenceOf(windows[0]!, tokenizer);
    const [[row]] = (await session.run([sequence], ['logits'])) as [[Row]];
    windows[0]!.pieces.ids.forEach((_, piece) => {
      const at = sequence.offset + piece;
      const logits = row.data.subarray(at * labels, (at + 1) * labels);
      all += 1;
      if (logits.indexOf(Math.max(...logits)) === wanted[piece + tokenizer.before.length]) same += 1;
    });
  }
  await session.close();
  assert.ok(same / all >= 0.99, `${same} of ${all}`);
});
