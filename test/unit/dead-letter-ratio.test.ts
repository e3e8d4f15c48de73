import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Ended, runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-ratio-'));
after(() => rmSync(folder, { recursive: true }));

const DOCUMENTS = 2000;
const MARKER = 'jane-doe-4711';
/** Every second one fails: by turns in a processor, and because it is no JSON. */
const lineOf = (n: number): string => {
  if (n % 2 === 0) return JSON.stringify({ n });
  return n % 4 === 1 ? JSON.stringify({ n: MARKER }) : `{"n":"${MARKER}`;
};
writeFileSync(join(folder, 'dump.ndjson'), Array.from({ length: DOCUMENTS }, (_, n) => `${lineOf(n)}\n`).join(''));

const run = (name: string, ratio: number): Promise<Ended> => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `source: { dump: { paths: dump.ndjson } }\nprocessors: [{ convert: { field: n, type: integer, tag: number } }]\nsink: { file: { path: ${name}.out, format: ndjson } }\ndead_letter: { file: { path: ${name}.dead } }\nlimits: { dead_letter_ratio: ${ratio} }\n`,
  );
  return runSluice(folder, 'run', `${name}.yaml`, '--json');
};

const linesOf = (path: string): string[] => readFileSync(join(folder, path), 'utf8').trimEnd().split('\n');

test('a stream of which more fails than is allowed stops, and tells why without a document', async () => {
  const { code, stderr } = await run('strict', 0.1);
  assert.equal(code, 7, stderr);
  assert.match(stderr, /SLUICE_DEAD_LETTER_RATIO/);
  assert.match(stderr, /more than 10 % of the last 1,000 documents failed/);
  assert.match(stderr, /dump\.ndjson@\d+/);
  assert.ok(!stderr.includes(MARKER), 'document contents are in the log');
  // What failed can be looked at.
  assert.ok(linesOf('strict.dead').length > 0);
});

test('with a ratio of 1 everything goes through: half to the sink, half to the dead letter', async () => {
  const { code, stderr, stdout } = await run('lenient', 1);
  assert.equal(code, 0, stderr);
  const { delivered, dead_lettered } = JSON.parse(stdout) as { delivered: number; dead_lettered: number };
  assert.deepEqual([delivered, dead_lettered], [DOCUMENTS / 2, DOCUMENTS / 2]);
  assert.deepEqual(
    linesOf('lenient.out'),
    Array.from({ length: DOCUMENTS / 2 }, (_, n) => `{"n":${2 * n}}`),
  );
  const dead = linesOf('lenient.dead').map(
    (line) => JSON.parse(line) as { error: { processor_tag?: string }; raw: { base64: string } },
  );
  assert.equal(dead.length, DOCUMENTS / 2);
  assert.equal(dead.filter(({ error }) => error.processor_tag === 'number').length, DOCUMENTS / 4);
  for (const { raw } of dead) assert.ok(Buffer.from(raw.base64, 'base64').toString().includes(MARKER));
  assert.ok(!stderr.includes(MARKER), 'document contents are in the log');
});

test('a stream that stays below the allowed ratio goes through', async () => {
  const { code, stderr } = await run('even', 0.6);
  assert.equal(code, 0, stderr);
  assert.equal(linesOf('even.out').length, DOCUMENTS / 2);
});
