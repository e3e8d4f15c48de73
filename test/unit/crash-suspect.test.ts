import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { journalKey } from '../../src/inference/crash-journal.ts';
import { readModel, verifyChecksums } from '../../src/inference/manifest.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-crash-suspect-'));
after(() => rmSync(folder, { recursive: true }));
const crashes = join(folder, 'state', 'sluice', 'crashes');

/** Long enough to be caught inside the model. */
const poison = 'The lock keeper opened the upper gate and wrote the hour into his book. '.repeat(1500);
const documents = Array.from({ length: 40 }, (_, n) => ({
  n,
  body: n === 20 ? poison : `Barge ${n} left Rotterdam for Basel with ${n} tons of gravel. `.repeat(5),
}));

const pipeline = `
name: crash
models: { enrich: { path: models/minilm-l6-enrich-en, long_text: sentences, number_of_allocations: 2 } }
source: { dump: { paths: dump.ndjson } }
processors:
  - inference: { model_id: enrich, field_map: { body: text_field }, target_field: ml, inference_config: { ner: {} } }
sink: { file: { path: out.ndjson, format: ndjson } }
dead_letter: { file: { path: dead.ndjson } }
limits: { commit_interval: 20ms, dead_letter_ratio: 1 }
`;

/** What is inside the model, as the journal of a process says. */
const inFlight = (pid: number): string[] => {
  try {
    return readdirSync(crashes)
      .filter((name) => name.endsWith(`.${pid}.journal`))
      .flatMap((name) => readFileSync(join(crashes, name), 'latin1').split('\n'))
      .filter((line) => line.trim() !== '');
  } catch {
    return [];
  }
};

/** Runs until the poison is inside the model and ends the process there, as a fault in native code would. */
const run = async (args: readonly string[], killAt: string | undefined): Promise<string[]> => {
  const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), ...args], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let found: string[] = [];
  let over = false;
  void ended.then(() => (over = true));
  while (!over) {
    found = inFlight(child.pid!);
    if (killAt !== undefined && found.includes(killAt)) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (killAt !== undefined) assert.ok(!over, `the process ended before it was killed: ${stderr}`);
  child.kill('SIGKILL');
  const code = await ended;
  if (killAt === undefined) assert.equal(code, 0, stderr);
  return found;
};

describe('a text that ends the process', () => {
  let key: string;
  before(async () => {
    writeFileSync(join(folder, 'dump.ndjson'), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
    writeFileSync(join(folder, 'crash.yaml'), pipeline);
    key = journalKey(await verifyChecksums(readModel(join(root, 'models/minilm-l6-enrich-en'))), poison);
  });

  test('runs with nothing beside it after two deaths, and is a dead letter after the third', async () => {
    const first = await run(['run', 'crash.yaml'], key);
    assert.ok(first.length > 1, 'at first it runs beside others');
    await run(['run', 'crash.yaml'], key);
    assert.deepEqual(await run(['run', 'crash.yaml'], key), [key], 'now it runs alone');
    await run(['run', 'crash.yaml'], undefined);
    const written = readFileSync(join(folder, 'out.ndjson'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      written.map((line) => (JSON.parse(line) as { n: number }).n).sort((a, b) => a - b),
      documents.map(({ n }) => n).filter((n) => n !== 20),
    );
    const dead = readFileSync(join(folder, 'dead.ndjson'), 'utf8').trimEnd().split('\n');
    assert.equal(dead.length, 1);
    const { error, document } = JSON.parse(dead[0]!) as {
      error: { type: string };
      document: { source: { n: number } };
    };
    assert.equal(error.type, 'crash_suspect');
    assert.equal(document.source.n, 20);
  });
});
