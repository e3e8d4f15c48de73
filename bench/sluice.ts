import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAgainstLimit, type Enriched } from './check.ts';
import { root } from './texts.ts';

export interface Summary {
  readonly documents: number;
  readonly documents_per_second: number;
}

/** The inference steps and the model of every row, cache off. */
export const ENRICH = `
processors:
  - inference: { model_id: enrich, target_field: ml.ner, field_map: { body: text_field }, inference_config: { ner: {} } }
  - inference: { model_id: enrich, target_field: ml.body, field_map: { body: text_field }, inference_config: { text_embedding: {} } }
models:
  enrich: { path: models/minilm-l6-enrich-en, cache_size: 0 }
`;

/** Runs sluice as a user does; the summary's clock begins with the first document. */
export const runSluice = async (
  yaml: string,
  args: readonly string[] = [],
  untilSettled?: number,
): Promise<Summary> => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const file = join(folder, 'bench.yaml');
  writeFileSync(file, yaml.replaceAll('FOLDER', folder));
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const child = spawn(
    process.execPath,
    [
      `${root}bin/sluice.js`,
      'run',
      file,
      '--json',
      ...(untilSettled === undefined ? [] : ['--http', `127.0.0.1:${port}`]),
      ...args,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (untilSettled !== undefined) {
    await settled(port, untilSettled, exited);
    child.kill('SIGTERM');
  }
  const code = await exited;
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`sluice ended with ${code}: ${err.slice(-2000)}`);
  return JSON.parse(out) as Summary;
};

const settled = async (port: number, wanted: number, exited: Promise<unknown>): Promise<void> => {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + 600_000;
  while (!ended && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
    let total = 0;
    for (const [, value] of text.matchAll(/^sluice_documents_settled_total\{[^}]*\} (\d+)/gm)) total += Number(value);
    if (total >= wanted) return;
  }
};

/** Row (b): a dump in, a file out. */
export const dumpToFile = async (texts: readonly string[]): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-dump-'));
  writeFileSync(join(folder, 'in.ndjson'), texts.map((body, id) => `${JSON.stringify({ id, body })}\n`).join(''));
  const yaml = `name: bench-file\nsource: { dump: { paths: "${folder}/in.ndjson" } }\n${ENRICH}\nsink: { file: { path: "${folder}/out.ndjson" } }\n`;
  const { documents, documents_per_second } = await runSluice(yaml);
  const lines = readFileSync(join(folder, 'out.ndjson'), 'utf8').trimEnd().split('\n');
  await checkAgainstLimit(lines.filter((_, index) => index % 2 === 1).map((line) => JSON.parse(line) as Enriched));
  rmSync(folder, { recursive: true });
  if (documents !== texts.length) throw new Error(`${documents} documents came through, not ${texts.length}`);
  return documents_per_second;
};
