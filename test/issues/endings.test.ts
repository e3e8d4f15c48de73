import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-endings-'));
after(() => rmSync(folder, { recursive: true }));

const start = (args: readonly string[]) => {
  const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), ...args], { cwd: folder });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  child.stdin.end();
  const ended = new Promise<{ code: number | null }>((resolve) => child.once('close', (code) => resolve({ code })));
  return { child, said, ended };
};

const DOCUMENTS = 20_000;
const line = (n: number) => `${JSON.stringify({ n, text: 'x'.repeat(100) })}\n`;
const lines = Array.from({ length: DOCUMENTS }, (_, n) => line(n)).join('');
writeFileSync(join(folder, 'dump.ndjson'), lines);
const pipeline = (name: string, rest: string): string => {
  writeFileSync(join(folder, name), `source: { dump: { paths: dump.ndjson } }\n${rest}\n`);
  return name;
};
const toStdout = pipeline('stdout.yaml', 'sink: { stdout: }');

test('a reader of standard output that has enough ends the run quietly', { timeout: 60_000 }, async () => {
  const { child, said, ended } = start(['run', toStdout]);
  child.stdout.once('data', () => child.stdout.destroy());
  assert.equal((await ended).code, 0, said.stderr);
  assert.doesNotMatch(said.stderr, /EPIPE|^\s+at /m);
});

for (const [what, address] of [
  ['a port that there is not', '127.0.0.1:99999'],
  ['no address', 'what is this'],
] as const)
  test(`--http with ${what} is a mistake of the command line`, async () => {
    const { said, ended } = start(['run', toStdout, '--http', address]);
    assert.equal((await ended).code, 2);
    assert.match(said.stderr, /--http takes no such address.*\n.*127\.0\.0\.1:9281.*\n.*SLUICE_USAGE/);
  });

test('--http with a port in use is a mistake of the command line', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { said, ended } = start(['run', toStdout, '--http', `127.0.0.1:${port}`]);
  assert.equal((await ended).code, 2);
  assert.match(said.stderr, /--http cannot listen on/);
  assert.doesNotMatch(said.stderr, /^\s+at .*\.js:/m);
  server.close();
});

test('a run that a signal stops early publishes nothing and tells how to go on', { timeout: 60_000 }, async () => {
  const file = pipeline('early.yaml', 'sink: { file: { path: early.out, format: ndjson } }');
  const { child, said, ended } = start(['replay', file, '--from', 'dump.ndjson', '--rate', '4000']);
  while (!existsSync(join(folder, 'early.out.part.length'))) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  await ended;
  assert.equal(existsSync(join(folder, 'early.out')), false, said.stderr);
  assert.match(said.stderr, /stopped before the end of the source\n.*early\.out\.part/);
  const command = /to go on: npx sluice (.*)/.exec(said.stderr)?.[1];
  assert.ok(command, said.stderr);
  const rest = start(command.split(' '));
  assert.equal((await rest.ended).code, 0, rest.said.stderr);
  assert.equal(readFileSync(join(folder, 'early.out'), 'utf8'), lines);
});

test('a replay reads all frames of a zstd file', { timeout: 60_000 }, async () => {
  const frames = [0, 1, 2].map((n) => zstdCompressSync(line(n)));
  writeFileSync(join(folder, 'frames.ndjson.zst'), Buffer.concat(frames));
  const { said, ended } = start(['replay', toStdout, '--from', 'frames.ndjson.zst']);
  assert.equal((await ended).code, 0, said.stderr);
  assert.equal(said.stdout, [0, 1, 2].map(line).join(''));
});
