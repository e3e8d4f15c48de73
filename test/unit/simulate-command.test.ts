import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-simulate-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return name;
};
const pipeline = file(
  'p.yaml',
  `source: { dump: { paths: none } }
sink: { stdout: }
processors:
  - set: { field: seen, value: true, tag: mark }
  - fail: { if: "ctx.n == 2", message: "two" }
`,
);
const simulate = (...args: string[]) => runSluice(folder, 'simulate', pipeline, ...args);

test('sluice simulate takes a document, lines, and a body of _simulate', async () => {
  const one = await simulate('--doc', file('one.json', '{\n "n": 1\n}'));
  assert.equal(one.code, 0, one.stderr);
  const { docs } = JSON.parse(one.stdout) as { docs: { doc: { _source: object } }[] };
  assert.deepEqual(docs[0]!.doc._source, { n: 1, seen: true });
  const lines = await simulate('--doc', file('lines.ndjson', '{"n":1}\n{"n":2}\n'));
  assert.equal(lines.code, 7, 'a document failed');
  assert.equal((JSON.parse(lines.stdout) as { docs: { error?: { reason: string } }[] }).docs[1]!.error!.reason, 'two');
  const body = await simulate('--verbose', '--doc', file('body.json', '{"docs":[{"_id":"x","_source":{"n":1}}]}'));
  const [first] = (JSON.parse(body.stdout) as { docs: { processor_results: { tag?: string; status: string }[] }[] })
    .docs;
  assert.deepEqual(
    first!.processor_results.map(({ tag, status }) => [tag, status]),
    [
      ['mark', 'success'],
      [undefined, 'skipped'],
    ],
  );
});

test('and says what is wrong', async () => {
  const broken = await simulate('--doc', file('broken.ndjson', '{"n":1}\nnothing\n'));
  assert.deepEqual([broken.code, /line 2 is no JSON object/.test(broken.stderr)], [2, true]);
  const none = await simulate('--doc', 'none.json');
  assert.deepEqual([none.code, /cannot be read/.test(none.stderr)], [3, true]);
});
