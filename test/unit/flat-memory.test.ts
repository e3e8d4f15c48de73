import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

const folder = mkdtempSync(join(tmpdir(), 'sluice-memory-'));
after(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;
const RECORDS = 4096;
const MEMBERS = 64;

/** A gigabyte of text: 64 members of 16 MiB, of records that are mostly padding. */
const writeDump = (path: string): void => {
  const padding = ' '.repeat(4000);
  const lines = Array.from({ length: RECORDS }, (_, n) => `{"n":${n},"text":"Łódź ${n}","padding":"${padding}"}\n`);
  const member = gzipSync(lines.join(''), { level: 1 });
  for (let count = 0; count < MEMBERS; count += 1) appendFileSync(path, member);
};

test('a dump of a gigabyte takes no more memory at its end than near its beginning', {
  timeout: 120_000,
}, async (t) => {
  writeDump(join(folder, 'dump.ndjson.gz'));
  const pipeline = join(folder, 'pipeline.yaml');
  writeFileSync(
    pipeline,
    `source: { dump: { paths: ${folder}/dump.ndjson.gz, checkpoint: ${folder}/checkpoint.json } }
processors: [{ lowercase: { field: text } }, { remove: { field: padding } }]
sink: { file: { path: ${folder}/out.bulk.gz, format: bulk, index: news } }
`,
  );
  const script = fileURLToPath(new URL('../support/replay-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, pipeline]);
  const samples = (JSON.parse(stdout) as number[]).map((bytes) => Math.round(bytes / MIB));
  t.diagnostic(`MiB at each tenth: ${samples.filter((_, at) => at % 10 === 9).join(' ')}`);
  assert.equal(samples.length, 100);
  const most = (from: number, to: number) => Math.max(...samples.slice(from, to));
  // What the garbage collector leaves lying about differs from one moment to the next; one byte in six that nobody lets
  // go of would be 68 MiB more.
  assert.ok(most(60, 100) < 1.1 * most(20, 60) + 16, `${most(20, 60)} MiB, and then ${most(60, 100)}: ${samples}`);
  assert.ok(most(0, 100) < 512, `${most(0, 100)} MiB`);
  const written = gunzipSync(readFileSync(join(folder, 'out.bulk.gz')))
    .toString()
    .trimEnd()
    .split('\n');
  assert.equal(written.length, 2 * RECORDS * MEMBERS);
});
