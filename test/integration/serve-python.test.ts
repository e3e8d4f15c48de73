import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ModelStore } from '../../src/inference/store/store.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { serveSchema } from '../../src/server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../src/server/elasticsearch/server.ts';
import { elasticsearchUrl, uniqueName } from './support/servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-python-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPT = `
import json, sys
from elasticsearch import ApiError, Elasticsearch, NotFoundError, helpers

url, index, model = sys.argv[1:]
client = Elasticsearch(url)
client.ingest.put_pipeline(id="py", processors=[
    {"set": {"field": "seen", "value": True}},
    {"drop": {"if": "ctx.n == 3"}},
    {"inference": {"model_id": model, "target_field": "ml", "field_map": {"text": "text_field"}, "inference_config": {"ner": {}}}},
])
started = client.ml.start_trained_model_deployment(model_id=model, wait_for="started", timeout="60s")
assert started["assignment"]["assignment_state"] == "started", started
written, errors = helpers.bulk(
    client,
    ({"_index": index, "_id": str(n), "n": n, "text": "Marie Curie worked in Paris."} for n in range(50)),
    pipeline="py",
    refresh=True,
)
found = client.search(index=index, size=100)["hits"]["hits"]
asked = client.ml.infer_trained_model(model_id=model, docs=[{"text_field": "Oslo is cold."}], inference_config={"ner": {}})
simulated = client.ingest.simulate(id="py", docs=[{"_source": {"n": 3}}])
stats = client.ml.get_trained_models_stats(model_id=model)
try:
    client.ingest.get_pipeline(id="nobody")
    missing = None
except NotFoundError as error:
    missing = error.status_code
try:
    client.ml.start_trained_model_deployment(model_id=model)
    twice = None
except ApiError as error:
    twice = [error.status_code, error.error]
client.ml.stop_trained_model_deployment(model_id=model, force=True)
client.ingest.delete_pipeline(id="py")
print(json.dumps({
    "written": written, "errors": errors, "found": len(found),
    "entities": sorted({entity["entity"] for hit in found for entity in hit["_source"]["ml"]["entities"]}),
    "asked": asked["inference_results"][0]["predicted_value"], "dropped": simulated["docs"][0],
    "inferred": stats["trained_model_stats"][0]["deployment_stats"]["inference_count"], "missing": missing, "twice": twice,
}))
`;

const python = (): string | undefined => {
  const path = join(folder, 'venv');
  if (spawnSync('python3', ['-m', 'venv', path]).status !== 0) return undefined;
  const installed = spawnSync(join(path, 'bin/pip'), ['install', '-q', 'elasticsearch>=9,<10'], { timeout: 120_000 });
  return installed.status === 0 ? join(path, 'bin/python') : undefined;
};

test('the official Python client works with the server in front of a cluster', async (t) => {
  const interpreter = python();
  if (interpreter === undefined) return t.skip('no python3 with venv, or the client cannot be installed with pip');
  const server = new ElasticsearchServer({
    config: serveSchema.parse({ port: 0, cluster: { nodes: elasticsearchUrl() } }),
    store: new ModelStore(join(folder, 'models')),
    table: PROCESSORS,
    version: 'test',
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: () => {} },
  });
  const { port } = await server.start();
  try {
    const script = join(folder, 'client.py');
    writeFileSync(script, SCRIPT);
    const child = spawn(interpreter, [script, `http://127.0.0.1:${port}`, uniqueName('python'), 'minilm-l6-enrich-en']);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 0, err);
    const told = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(told, {
      written: 50,
      errors: [],
      found: 49,
      entities: ['Marie Curie', 'Paris'],
      asked: '[Oslo](LOC&Oslo) is cold.',
      dropped: null,
      inferred: told.inferred,
      missing: 404,
      twice: [400, 'resource_already_exists_exception'],
    });
    assert.ok((told.inferred as number) >= 2);
  } finally {
    await server.close();
  }
});
