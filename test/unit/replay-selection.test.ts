import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-selection-'));
after(() => rmSync(folder, { recursive: true }));

const DAY = 86_400_000;
const START = Date.parse('2024-01-01T00:00:00Z');
const documents = Array.from({ length: 1000 }, (_, n) => ({
  n,
  '@timestamp': new Date(START + (n % 100) * DAY).toISOString(),
}));
writeFileSync(join(folder, 'all.ndjson'), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
for (const file of [1, 2, 3])
  writeFileSync(
    join(folder, `part-${file}.bulk`),
    documents.map(({ n }) => `{"index":{"_id":"${file}-${n}"}}\n{"n":${n}}\n`).join(''),
  );

const pipeline = (name: string, more = ''): string => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `name: ${name}\nsource: { dump: { paths: x } }\nsink: { file: { path: ${name}.out, index: i } }\n${more}`,
  );
  return `${name}.yaml`;
};

const replay = (...args: readonly string[]) => runSluice(folder, 'replay', ...args);

/** What was written, by `n`. */
const written = (name: string): number[] =>
  readFileSync(join(folder, `${name}.out`), 'utf8')
    .trimEnd()
    .split('\n')
    .filter((_, line) => line % 2 === 1)
    .map((line) => (JSON.parse(line) as { n: number }).n);

describe('a replay of some documents', () => {
  test('in parts leaves nothing out and doubles nothing, and parts do not share a checkpoint', async () => {
    const got: number[] = [];
    for (const part of [1, 2, 3]) {
      const { code, stderr } = await replay(pipeline('parts'), '--from', 'all.ndjson', '--partition', `${part}/3`);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /documents that were not selected/);
      got.push(...written('parts'));
      assert.ok(readFileSync(join(folder, `.sluice/parts.${part}-of-3.checkpoint.json`)).length > 0);
    }
    assert.deepEqual(
      got.sort((a, b) => a - b),
      documents.map(({ n }) => n),
    );
  });

  test('by share and by time, which a later run must not change', async () => {
    const file = pipeline('chosen');
    const how = ['--sample', '0.5', '--since', '2024-01-11', '--until', '2024-01-21T00:00:00Z'];
    const { code, stderr } = await replay(file, '--from', 'all.ndjson', ...how);
    assert.equal(code, 0, stderr);
    const got = written('chosen');
    assert.ok(got.length > 20 && got.length < 80, `${got.length}`);
    assert.ok(got.every((n) => n % 100 >= 10 && n % 100 < 20));
    const other = await replay(file, '--from', 'all.ndjson', '--resume', '--sample', '0.5');
    assert.equal(other.code, 8);
    assert.match(other.stderr, /the checkpoint is of sample 0.5, @timestamp from .* not of sample 0.5/);
    const again = await replay(file, '--from', 'all.ndjson', '--resume', ...how);
    assert.equal(again.code, 0, again.stderr);
  });

  test('whose time nobody knows goes to the dead letter', async () => {
    writeFileSync(join(folder, 'timeless.ndjson'), '{"n":1}\n{"n":2,"at":"2024-05-01"}\n');
    const file = pipeline('timeless', 'dead_letter: { file: { path: timeless.dead } }\n');
    const { code, stderr } = await replay(
      file,
      '--from',
      'timeless.ndjson',
      '--since',
      '2024-01-01',
      '--time-field',
      'at',
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(written('timeless'), [2]);
    assert.match(readFileSync(join(folder, 'timeless.dead'), 'utf8'), /field \[at\] holds no time to select by/);
  });

  test('from several files at once, where they name themselves', async () => {
    const { code, stderr } = await replay(pipeline('parallel'), '--from', 'part-*.bulk', '--parallel', '3');
    assert.equal(code, 0, stderr);
    assert.equal(written('parallel').length, 3000);
    const refused = await replay(pipeline('refused'), '--from', 'all.ndjson', '--parallel', '2');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--parallel needs documents that name themselves/);
  });

  test('is refused where the command line makes no sense', async () => {
    for (const [option, value] of [
      ['--sample', '2'],
      ['--partition', '3/2'],
      ['--partition', '0/2'],
      ['--since', 'yesterday'],
      ['--parallel', '1.5'],
    ] as const)
      assert.equal((await replay(pipeline('wrong'), '--from', 'all.ndjson', option, value)).code, 2, option);
  });
});

test('limits.documents_per_second holds a stream to its rate', async () => {
  const before = performance.now();
  const file = pipeline('slow', 'limits: { documents_per_second: 500 }\n');
  const { code, stderr } = await replay(file, '--from', 'all.ndjson');
  assert.equal(code, 0, stderr);
  assert.ok(performance.now() - before >= 1900, 'it took less than two seconds');
  assert.equal(written('slow').length, 1000);
});

test('a dump is not replayed into an index that a live stream fills under ids of its own', async () => {
  const live = (name: string, more: string) => {
    writeFileSync(
      join(folder, `${name}.yaml`),
      `name: ${name}\nsource: { kafka: { brokers: nowhere:1, topics: t, group_id: g } }\n${more}`,
    );
    return `${name}.yaml`;
  };
  const sink = (more: string) =>
    `sink: { elasticsearch: { nodes: "http://127.0.0.1:1", connect_timeout: 10ms, index: news${more} } }\n`;
  const attempt = async (name: string, config: string, ...args: readonly string[]) => {
    const { code, stderr } = await replay(live(name, config), '--from', 'all.ndjson', ...args);
    return [code, /would be there twice/.test(stderr)];
  };
  assert.deepEqual(await attempt('twice', sink('')), [2, true]);
  // Past the refusal they fail to connect.
  assert.deepEqual(await attempt('twice', sink(''), '--new-ids'), [5, false]);
  assert.deepEqual(await attempt('twice', sink(''), '--format', 'bulk'), [5, false]);
  assert.deepEqual(await attempt('named', sink(', id: "{{{n}}}"')), [5, false]);
  const named = `${sink('')}processors: [{ set: { field: _id, copy_from: n } }]\n`;
  assert.deepEqual(await attempt('set', named), [5, false]);
});
