import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { METRICS } from '../../src/server/metrics.ts';
import { freePort } from '../servers/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-metrics-'));
after(() => rmSync(folder, { recursive: true }));

/** What a running stream says of itself once `enough` of it has happened. */
const scrape = async (yaml: string, enough: (text: string) => boolean): Promise<string> => {
  writeFileSync(join(folder, 'p.yaml'), yaml);
  const port = await freePort();
  const from = join(folder, 'in.ndjson');
  const args = ['bin/sluice.js', 'replay', join(folder, 'p.yaml'), '--from', from, '--rate', '100'];
  args.push('--checkpoint', join(folder, 'checkpoint.json'), '--http', `127.0.0.1:${port}`);
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    for (const end = Date.now() + 60_000; Date.now() < end && child.exitCode === null; ) {
      const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
      if (enough(text)) return text;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('it never came to that');
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
};

const value = (text: string, series: string): number => {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  assert.ok(line, `${series} is missing`);
  return Number(line.slice(series.length + 1));
};

test('a running stream shows every metric, as documented, with numbers that fit each other', async () => {
  const documents = Array.from({ length: 3000 }, (_, n) =>
    JSON.stringify({ n, text: `Ada Lovelace wrote note ${n % 20}.` }),
  );
  writeFileSync(join(folder, 'in.ndjson'), `${documents.join('\n')}\n`);
  const yaml = `
name: shown
source: { dump: { paths: x } }
processors:
  - convert: { field: n, type: string, tag: one }
  - fail: { if: ctx.n.endsWith('7'), message: no, tag: sevens, ignore_failure: true }
  - inference: { model_id: enrich, target_field: ml, field_map: { text: text_field }, inference_config: { ner: {} } }
models: { enrich: { path: models/minilm-l6-enrich-en, number_of_allocations: 1, disk_cache: { path: ${folder}/cache } } }
sink: { file: { path: ${folder}/out.ndjson } }
`;
  const settled = 'sluice_documents_settled_total{stream="shown",outcome="delivered"}';
  const text = await scrape(yaml, (found) => found.includes(settled) && value(found, settled) >= 100);
  for (const { name, type } of METRICS) {
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), `${name} is not shown as a ${type}`);
    // The lag of a dump is not known.
    if (name !== 'sluice_lag' && name !== 'sluice_write_retries_total')
      assert.match(text, new RegExp(`^${name}(_bucket)?\\{stream="shown"`, 'm'));
  }
  const read = value(text, 'sluice_documents_read_total{stream="shown"}');
  const step = (metric: string, processor: string, tag: string) =>
    value(
      text,
      `sluice_processor_${metric}_total{stream="shown",pipeline="shown",processor="${processor}",tag="${tag}"}`,
    );
  assert.ok(step('executions', 'convert', 'one') <= read);
  const sevens = step('executions', 'fail', 'sevens');
  assert.ok(sevens > 0 && sevens === step('failures', 'fail', 'sevens'), `${sevens} failures`);
  assert.ok(step('seconds', 'inference', '') > 0);
  const count = value(text, 'sluice_document_latency_seconds_count{stream="shown"}');
  assert.equal(value(text, 'sluice_document_latency_seconds_bucket{stream="shown",le="+Inf"}'), count);
  assert.ok(count >= 100);
  // Twenty texts, three thousand documents.
  assert.ok(value(text, 'sluice_inference_total{stream="shown",model="enrich"}') <= 20);
  assert.ok(value(text, 'sluice_inference_cache_hits_total{stream="shown",model="enrich"}') > 0);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
});

test('the dashboard asks for nothing that is not there', () => {
  const dashboard = readFileSync(join(root, 'deploy/grafana-dashboard.json'), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] };
  const asked = new Set<string>();
  for (const { targets = [] } of panels)
    for (const { expr } of targets)
      for (const [name] of expr.matchAll(/\b(sluice|process|nodejs)_[a-z0-9_]+/g)) asked.add(name!);
  const shown = new Set([
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
  ]);
  for (const { name, type } of METRICS)
    for (const end of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) shown.add(`${name}${end}`);
  assert.deepEqual(
    [...asked].filter((name) => !shown.has(name)),
    [],
  );
  const missing = METRICS.filter(({ name }) => ![...asked].some((one) => one === name || one.startsWith(`${name}_`)));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [
      'sluice_bytes_read_total',
      'sluice_in_flight_documents',
      'sluice_processor_executions_total',
      'sluice_bulk_bytes',
      'sluice_inference_batch_size',
      'sluice_inference_cache_bytes',
      'sluice_inference_disk_cache_bytes',
    ],
    'shown by no panel, and that is meant',
  );
});
