import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
after(() => rmSync(folder, { recursive: true }));

const DOCUMENTS = 2000;
writeFileSync(
  join(folder, 'in.ndjson'),
  Array.from({ length: DOCUMENTS }, (_, n) => `${JSON.stringify({ n, text: `note ${n}` })}\n`).join(''),
);

const pipeline = (name: string, step: string, more = '') => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `source: { dump: { paths: in.ndjson } }\nprocessors:\n  - ${step}\nsink: { file: { path: ${name}.out, format: ndjson } }\n${more}`,
  );
};

/** Runs a stream slowly; `act` may change its file and send signals. */
const runWhile = async (
  name: string,
  args: string[],
  act: (hangUp: () => void, log: () => string) => Promise<void>,
) => {
  const child = spawn(
    process.execPath,
    [bin, 'replay', `${name}.yaml`, '--from', 'in.ndjson', '--rate', '400', '--checkpoint', `${name}.json`, ...args],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(() => log.includes('stream started'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await act(
    () => child.kill('SIGHUP'),
    () => log,
  );
  assert.equal(await exited, 0, log);
  return {
    log,
    documents: readFileSync(join(folder, `${name}.out`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { n: number; by?: string }),
  };
};

const until = async (condition: () => boolean): Promise<void> => {
  for (const end = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > end) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const eachOnce = (documents: readonly { n: number }[]) =>
  assert.deepEqual(
    documents.map(({ n }) => n).sort((a, b) => a - b),
    Array.from({ length: DOCUMENTS }, (_, n) => n),
  );

test('SIGHUP takes in changed processors: every document goes through one of the two pipelines, once', async () => {
  pipeline('change', 'set: { field: by, value: old }');
  const { documents } = await runWhile('change', [], async (hangUp, log) => {
    pipeline('change', 'set: { field: by, value: new }');
    hangUp();
    await until(() => log().includes('is in use'));
  });
  eachOnce(documents);
  const olds = documents.filter(({ by }) => by === 'old').length;
  assert.ok(olds > 0 && olds < DOCUMENTS, `${olds} documents went through the old pipeline`);
  assert.equal(documents.filter(({ by }) => by === 'new').length, DOCUMENTS - olds);
});

test('a file with mistakes is refused with their places, and the old pipeline goes on', async () => {
  pipeline('wrong', 'set: { field: by, value: old }');
  const { documents } = await runWhile('wrong', [], async (hangUp, log) => {
    pipeline('wrong', 'sett: { field: by, value: new }');
    hangUp();
    await until(() => log().includes('is refused; the old one goes on'));
    assert.match(log(), /wrong\.yaml:3:11 {2}/);
  });
  eachOnce(documents);
  assert.ok(documents.every(({ by }) => by === 'old'));
});

test('a dump cannot be given another destination half-way; --watch needs no signal', async () => {
  pipeline('sink', 'set: { field: by, value: old }');
  const { documents, log } = await runWhile('sink', ['--watch'], async (_, seen) => {
    pipeline('sink', 'set: { field: by, value: old }', 'limits: { commit_interval: 5s }\n');
    await until(() => seen().includes('a source that ends is read once'));
    pipeline('sink', 'set: { field: by, value: new }');
    await until(() => seen().includes('is in use'));
  });
  eachOnce(documents);
  assert.ok(
    documents.some(({ by }) => by === 'new'),
    log,
  );
});
