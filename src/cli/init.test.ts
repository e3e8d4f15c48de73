import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { init } from './commands/init.ts';
import { loadStream } from './load-stream.ts';

const log = { info() {}, warn() {} };

test('every combination of answers gives a valid, commented file', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-init-'));
  context.after(() => rmSync(folder, { recursive: true }));
  context.mock.method(console, 'log', () => {});
  for (const source of ['kafka', 'dump']) {
    for (const sink of ['elasticsearch', 'file', 'kafka']) {
      for (const purpose of ['enrich', 'search', 'entities', 'copy']) {
        const file = join(folder, `${source}-${sink}-${purpose}.yaml`);
        assert.equal(await init(file, { source, sink, purpose }), 0);
        assert.deepEqual(loadStream(file, log).mistakes, [], file);
        assert.match(readFileSync(file, 'utf8'), /# An Elasticsearch ingest pipeline/);
      }
    }
  }
  await assert.rejects(init(join(folder, 'kafka-file-copy.yaml'), {}), /the file is there already/);
  await assert.rejects(init(join(folder, 'new.yaml'), { source: 'ftp' }), /\[ftp\] is not an answer for --source/);
});
