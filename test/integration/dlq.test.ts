import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runSluice } from '../support/run-sluice.ts';
import { allHits, elastic } from './support/elasticsearch.ts';
import { elasticsearchUrl, uniqueName } from './support/servers.ts';

const url = elasticsearchUrl();

test('dead letters in an index are listed, counted, and redriven through a corrected pipeline', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dlq-'));
  const [index, dead] = [uniqueName('dlq'), uniqueName('dlq-dead')];
  await elastic(url, 'PUT', `/${index}`, { mappings: { properties: { n: { type: 'long' } } } });
  const sluice = (...args: string[]) => runSluice(folder, ...args);
  const pipeline = (file: string, processors: object[]) =>
    writeFileSync(
      join(folder, file),
      JSON.stringify({
        name: 'dlq',
        source: { dump: { paths: 'in.ndjson' } },
        processors,
        sink: { elasticsearch: { nodes: url, index, mappings: 'off' } },
        dead_letter: { elasticsearch: { nodes: url, index: dead } },
        limits: { dead_letter_ratio: 1 },
      }),
    );
  try {
    pipeline('p.yaml', []);
    pipeline('corrected.yaml', [{ remove: { field: 'n', if: "ctx.n == 'x'" } }]);
    writeFileSync(join(folder, 'in.ndjson'), '{"n":1}\n{"n":"x"}\n{"n":2}\n{"broken\n{"n":"x","o":1}\n');
    assert.equal((await sluice('run', 'p.yaml')).code, 0);
    await elastic(url, 'POST', `/${dead}/_refresh`);
    const stats = await sluice('dlq', 'stats', 'p.yaml', '--json');
    const { total, kinds } = JSON.parse(stats.stdout) as { total: number; kinds: { type: string; count: number }[] };
    assert.deepEqual(
      [total, ...kinds.map(({ type, count }) => `${type} ${count}`)],
      [3, 'document_parsing_exception 2', 'parse_exception 1'],
    );
    const redrive = [
      'dlq',
      'redrive',
      'p.yaml',
      '--pipeline',
      'corrected.yaml',
      '--type',
      'document_parsing_exception',
    ];
    const { code, stderr } = await sluice(...redrive);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /2 delivered/);
    const ids = async () => (await allHits(url, index)).map(({ _id }) => _id).sort();
    const after = await ids();
    assert.equal(after.length, 4);
    assert.equal((await sluice(...redrive)).code, 0);
    assert.deepEqual(await ids(), after, 'twice is as once');
    // What fails again takes the place of its own letter.
    assert.equal((await sluice('dlq', 'redrive', 'p.yaml', '--type', 'parse_exception')).code, 0);
    assert.equal((await allHits(url, dead)).length, 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
