import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const bin = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-resume-'));
after(() => rmSync(folder, { recursive: true }));

const DOCUMENTS = 5000;

// elasticsearch-dump/elasticsearch-dump#483: a load that was interrupted begins again.
test('elasticsearch-dump#483: a dump that was killed three times goes on where it was, and holds everything once', async () => {
  const lines = Array.from({ length: DOCUMENTS }, (_, n) => `${JSON.stringify({ n, text: 'x'.repeat(300) })}\n`);
  writeFileSync(join(folder, 'dump.ndjson.gz'), gzipSync(lines.join('')));
  writeFileSync(
    join(folder, 'p.yaml'),
    'name: resumed\nsource: { dump: { paths: x } }\nsink: { file: { path: out.ndjson } }\nlimits: { commit_interval: 50ms }\n',
  );
  const args = [bin, 'replay', 'p.yaml', '--from', 'dump.ndjson.gz'];
  const start = (...more: string[]) => {
    const child = spawn(process.execPath, [...args, ...more], { cwd: folder, stdio: 'ignore' });
    return { child, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
  };
  const checkpoint = join(folder, '.sluice/resumed.checkpoint.json');
  const position = () => {
    if (!existsSync(checkpoint)) return 0;
    const { files } = JSON.parse(readFileSync(checkpoint, 'utf8')) as { files: { position: string }[] };
    return Number(files[0]?.position ?? 0);
  };
  const positions = [0];
  for (let run = 0; run < 3; run += 1) {
    const { child, ended } = start('--rate', '1500', ...(run === 0 ? [] : ['--resume']));
    const before = positions.at(-1)!;
    for (const end = Date.now() + 30_000; position() <= before && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    await ended;
    positions.push(position());
  }
  assert.deepEqual(
    positions,
    [...new Set(positions)].sort((a, b) => a - b),
    'each run came further',
  );
  assert.ok(positions.at(-1)! < lines.join('').length, 'the last kill came too late to say anything');
  assert.equal(await start('--resume').ended, 0);
  const written = readFileSync(join(folder, 'out.ndjson'), 'utf8').trimEnd().split('\n');
  const numbers = written.flatMap((line, at) => (at % 2 === 1 ? [(JSON.parse(line) as { n: number }).n] : []));
  // At least once, and under the same ids: what was in flight at a kill may stand there again.
  assert.deepEqual(
    [...new Set(numbers)].sort((a, b) => a - b),
    Array.from({ length: DOCUMENTS }, (_, n) => n),
  );
  const again = numbers.length - DOCUMENTS;
  assert.ok(again <= 3 * 1000, `${again} documents stand there again`);
  assert.ok(statSync(checkpoint).size > 0);
});
