// What a second replay gains from the first one's results on disk: `node bench/disk-cache.ts [--texts FILE]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENRICH, type Summary } from './sluice.ts';
import { readTexts, root } from './texts.ts';

/** Least ratio of the second run's documents/s to the first one's. */
const TARGET = 10;
const TEXTS = 500;

const { values } = parseArgs({ options: { texts: { type: 'string' } } });
const texts = readTexts(values.texts, TEXTS);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-disk-cache-'));
const dump = join(folder, 'in.ndjson');
writeFileSync(dump, texts.map((body, id) => `${JSON.stringify({ id, body })}\n`).join(''));
const pipeline = join(folder, 'bench.yaml');
const model = ENRICH.replace('cache_size: 0', `cache_size: 0, disk_cache: { path: "${folder}/cache" }`);
writeFileSync(
  pipeline,
  `name: bench-disk\nsource: { dump: { paths: "${dump}" } }\n${model}\nsink: { file: { path: "${folder}/out.ndjson" } }\n`,
);

const replay = (): { readonly rate: number; readonly written: string } => {
  const args = [`${root}bin/sluice.js`, 'run', pipeline, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`sluice ended with ${status}: ${stderr.slice(-2000)}`);
  const { documents, documents_per_second } = JSON.parse(stdout) as Summary;
  if (documents !== texts.length) throw new Error(`${documents} documents came through, not ${texts.length}`);
  return { rate: documents_per_second, written: readFileSync(join(folder, 'out.ndjson'), 'utf8') };
};

const first = replay();
const later = [replay(), replay(), replay()].sort((a, b) => a.rate - b.rate);
rmSync(folder, { recursive: true });
const lines = (text: string) => text.split('\n').sort().join('\n');
if (later.some(({ written }) => lines(written) !== lines(first.written))) throw new Error('the results differ');
const ratio = later[1]!.rate / first.rate;
console.log(
  `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, ${texts.length} texts`,
);
console.log(
  `first  ${first.rate.toFixed(1)} documents/s\nlater  ${later.map(({ rate }) => rate.toFixed(1)).join(', ')}`,
);
console.log(`ratio  ${ratio.toFixed(1)}  ${ratio >= TARGET ? 'reached' : 'MISSED'} (${TARGET})`);
process.exitCode = ratio >= TARGET ? 0 : 1;
