import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Client, errors } from '@elastic/elasticsearch';
import { ModelStore } from '../../inference/store/store.ts';
import { PROCESSORS } from '../../processors/table.ts';
import { newApiKey } from './api-keys.ts';
import { serveSchema } from './serve-config.ts';
import { ElasticsearchServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-serve-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const MODEL = 'minilm-l6-enrich-en';
const warnings: string[] = [];

const start = async (config: object = {}) => {
  const server = new ElasticsearchServer({
    config: serveSchema.parse({ port: 0, ...config }),
    store: new ModelStore(join(folder, 'models')),
    table: PROCESSORS,
    version: 'test',
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`) },
  });
  const { port } = await server.start();
  const url = `http://127.0.0.1:${port}`;
  return { server, url, port };
};
const refused = async (asked: Promise<unknown>, status: number, type: string, words: RegExp) =>
  assert.rejects(asked, (error) => {
    assert.ok(error instanceof errors.ResponseError, String(error));
    assert.equal(error.statusCode, status, JSON.stringify(error.body));
    const { error: told } = error.body as { error: { type: string; reason: string; root_cause: object[] } };
    assert.equal(told.type, type);
    assert.match(told.reason, words);
    assert.equal(told.root_cause.length, 1);
    return true;
  });

describe('sluice serve, as the official client sees it', () => {
  let started: Awaited<ReturnType<typeof start>>;
  let client: Client;
  before(async () => {
    started = await start({ state: join(folder, 'state') });
    client = new Client({ node: started.url, maxRetries: 0 });
  });
  after(async () => {
    await client.close();
    await started.server.close();
  });
  const ml = () => client.ml;

  test('is taken for Elasticsearch', async () => {
    const info = await client.info();
    assert.equal(info.tagline, 'You Know, for Search');
    assert.equal((await client.license.get()).license.type, 'basic');
    const answer = await fetch(started.url, {
      headers: { accept: 'application/vnd.elasticsearch+json; compatible-with=8' },
    });
    assert.equal(answer.headers.get('x-elastic-product'), 'Elasticsearch');
    assert.equal(answer.headers.get('content-type'), 'application/vnd.elasticsearch+json;compatible-with=8');
  });

  test('starts, changes, watches, asks and stops a model', async () => {
    const model_id = MODEL;
    await refused(
      ml().inferTrainedModel({ model_id, docs: [{ text_field: 'x' }] }),
      409,
      'status_exception',
      /must be deployed/,
    );
    const { assignment } = await ml().startTrainedModelDeployment({
      model_id,
      wait_for: 'fully_allocated',
      timeout: '60s',
    });
    assert.equal(assignment.assignment_state, 'started');
    await refused(
      ml().startTrainedModelDeployment({ model_id }),
      400,
      'resource_already_exists_exception',
      /already exists/,
    );
    const { inference_results } = await ml().inferTrainedModel({
      model_id,
      docs: [{ text_field: 'Marie Curie worked in Paris.' }, { text_field: '' }],
      inference_config: { ner: {} },
    });
    assert.equal(inference_results[0]!.predicted_value, '[Marie Curie](PER&Marie+Curie) worked in [Paris](LOC&Paris).');
    assert.deepEqual(inference_results[1]!.entities, []);
    await ml().updateTrainedModelDeployment({ model_id, number_of_allocations: 2 });
    const { count, trained_model_stats } = await ml().getTrainedModelsStats({ model_id });
    assert.equal(count, 1);
    const { deployment_stats } = trained_model_stats[0]!;
    assert.equal(deployment_stats!.allocation_status!.allocation_count, 2);
    assert.equal(deployment_stats!.inference_count, 2);
    await refused(
      ml().inferTrainedModel({ model_id, docs: [{ text_field: 'x' }], inference_config: { ner: { no: 1 } as never } }),
      400,
      'status_exception',
      /no/,
    );
    await refused(
      ml().inferTrainedModel({ model_id, docs: [{ body: 1 }] as never }),
      400,
      'status_exception',
      /must be a string/,
    );
    await ml().stopTrainedModelDeployment({ model_id });
    await refused(
      ml().stopTrainedModelDeployment({ model_id }),
      404,
      'resource_not_found_exception',
      /No known model deployment/,
    );
    await refused(ml().getTrainedModels({ model_id: 'nobody' }), 404, 'resource_not_found_exception', /nobody/);
    assert.equal((await ml().getTrainedModels({ model_id: 'no*' })).count, 0);
  });

  test('two deployments under their own names, and what cannot be started', async () => {
    const model_id = MODEL;
    await ml().startTrainedModelDeployment({
      model_id,
      deployment_id: 'search',
      queue_capacity: 1,
      cache_size: '0b' as never,
      wait_for: 'started',
    });
    const texts = Array.from({ length: 60 }, (_, at) => ({ text_field: `Text number ${at}.` }));
    await assert.rejects(
      ml().inferTrainedModel({ model_id: 'search', docs: texts, inference_config: { ner: {} } }),
      (error) => {
        assert.ok(error instanceof errors.ResponseError);
        assert.equal(error.statusCode, 429);
        assert.equal(error.headers!['retry-after'], '1');
        return true;
      },
    );
    await refused(
      ml().startTrainedModelDeployment({ model_id, deployment_id: 'x', threads_per_allocation: 3 }),
      400,
      'action_request_validation_exception',
      /power of 2/,
    );
    await refused(
      ml().startTrainedModelDeployment({ model_id: 'nobody' }),
      404,
      'resource_not_found_exception',
      /nobody/,
    );
    await refused(
      ml().startTrainedModelDeployment({
        model_id,
        adaptive_allocations: { enabled: true },
        number_of_allocations: 2,
        deployment_id: 'y',
      }),
      400,
      'action_request_validation_exception',
      /cannot be set if adaptive/,
    );
    await ml().stopTrainedModelDeployment({ model_id: 'search' });
  });

  test('pipelines are checked, kept, tried and removed', async () => {
    const { ingest } = client;
    await refused(
      ingest.putPipeline({ id: 'bad', processors: [{ rename: {} as never }] }),
      400,
      'parse_exception',
      /processors\.0\.rename/,
    );
    await refused(
      ingest.putPipeline({ id: 'bad', processors: [{ nothing: {} } as never] }),
      400,
      'parse_exception',
      /No processor type exists with name \[nothing\]/,
    );
    const processors = [
      { set: { field: 'seen', value: true } },
      { drop: { if: "ctx.kind == 'noise'" } },
      { fail: { if: "ctx.kind == 'bad'", message: 'no {{{kind}}} here' } },
    ];
    await ingest.putPipeline({ id: 'clean', description: 'd', processors, version: 3 });
    await refused(
      ingest.putPipeline({ id: 'clean', processors, if_version: 2 }),
      400,
      'illegal_argument_exception',
      /current version is \[3\]/,
    );
    assert.deepEqual((await ingest.getPipeline({ id: 'cl*' })).clean!.processors, processors);
    const { docs } = await ingest.simulate({
      id: 'clean',
      docs: [{ _source: { kind: 'good' } }, { _source: { kind: 'noise' } }, { _source: { kind: 'bad' } }],
    });
    assert.deepEqual(docs[0]!.doc!._source, { kind: 'good', seen: true });
    assert.equal(docs[1], null);
    assert.equal(docs[2]!.error!.reason, 'no bad here');
    const verbose = await ingest.simulate({
      id: 'clean',
      verbose: true,
      docs: [{ _source: { kind: 'bad' } }, { _source: { kind: 'noise' } }],
    });
    const [bad, noise] = verbose.docs.map(({ processor_results }) =>
      processor_results!.map(({ processor_type, status }) => `${processor_type} ${status}`),
    );
    assert.deepEqual(bad, ['set success', 'drop skipped', 'fail error']);
    assert.deepEqual(noise, ['set success', 'drop dropped']);
    const [set, drop] = verbose.docs[0]!.processor_results as unknown as Record<string, Record<string, unknown>>[];
    assert.deepEqual(set!.doc!._source, { kind: 'bad', seen: true });
    assert.deepEqual(drop!.if, { condition: "ctx.kind == 'noise'", result: false });
    await ingest.deletePipeline({ id: 'clean' });
    await assert.rejects(
      ingest.getPipeline({ id: 'clean' }),
      (error) => (error as errors.ResponseError).statusCode === 404,
    );
  });

  test('knows the built-in model for languages', async () => {
    const inference = {
      model_id: 'lang_ident_model_1',
      target_field: 'lang',
      field_map: { body: 'text' },
      inference_config: { classification: { num_top_classes: 1 } },
    };
    const { docs } = await client.ingest.simulate({
      pipeline: { processors: [{ inference }] } as never,
      docs: [{ _source: { body: 'La bibliothèque ouvre à neuf heures du matin.' } }],
    });
    assert.equal((docs[0]!.doc!._source.lang as { predicted_value: string }).predicted_value, 'fr');
    const model_id = 'lang_ident_model_1';
    const { inference_results } = await ml().inferTrainedModel({
      model_id,
      docs: [{ text: 'Die Bibliothek öffnet um neun Uhr morgens.' }, { text: 'The library opens at nine.' }],
      inference_config: { classification: { num_top_classes: 1 } },
    });
    assert.deepEqual(
      inference_results.map((one) => one.predicted_value),
      ['de', 'en'],
    );
    const asked = (docs: Record<string, string>[], inference_config?: object) =>
      ml().inferTrainedModel({ model_id, docs, inference_config: inference_config as never });
    await refused(asked([{ text: 'x' }], { ner: {} }), 400, 'status_exception', /does \[classification\]/);
    await refused(asked([{ a: 'x', b: 'y' }]), 400, 'status_exception', /Input field \[text\] does not exist/);
    const { trained_model_configs } = await ml().getTrainedModels({ model_id });
    assert.equal(trained_model_configs[0]!.model_type, 'lang_ident');
    await refused(ml().deleteTrainedModel({ model_id }), 400, 'status_exception', /built in/);
  });

  test('takes back what models have not begun when nobody waits for it any more', async () => {
    const model_id = MODEL;
    await ml().startTrainedModelDeployment({ model_id, deployment_id: 'slow', wait_for: 'started' });
    const inference = {
      model_id: 'slow',
      input_output: { input_field: 'body', output_field: 'found' },
      inference_config: { ner: {} },
    };
    const docs = Array.from({ length: 1000 }, (_, at) => ({
      _source: { body: `Text ${at}. ${'Ada Lovelace wrote to Charles Babbage. '.repeat(20)}` },
    }));
    const leaving = new AbortController();
    const asked = client.ingest.simulate(
      { pipeline: { processors: [{ inference }] } as never, docs },
      { signal: leaving.signal },
    );
    const deployment = started.server.deployments.get('slow')!;
    const { stats } = deployment.running!.deployment;
    while (deployment.running!.deployment.stats.counters.inference_count === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await assert.rejects(asked);
    for (let tries = 0; tries < 400; tries += 1) {
      const { queued, running } = deployment.running!.deployment.stats;
      if (queued + running === 0 && deployment.model.waiting === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(stats.counters.inference_count < 500, `${stats.counters.inference_count} were inferred for nobody`);
    const { queued, running } = deployment.running!.deployment.stats;
    assert.deepEqual([queued, running, deployment.model.waiting], [0, 0, 0]);
    await ml().stopTrainedModelDeployment({ model_id: 'slow' });
  });

  test('shows what is asked for, and refuses what it does not know', async () => {
    const text = async (path: string, options?: RequestInit) => {
      const answer = await fetch(`${started.url}${path}`, options);
      return [answer.status, await answer.text()] as const;
    };
    assert.deepEqual(await text('/_ml/trained_models?filter_path=count'), [200, '{"count":2}']);
    assert.deepEqual(await text('/_ml/trained_models?filter_path=count&pretty'), [200, '{\n  "count": 2\n}\n']);
    const [status, body] = await text('/_ml/trained_models?colour=red');
    assert.deepEqual([status, /unrecognized parameter: \[colour\]/.test(body)], [400, true]);
    assert.equal((await text('/_ingest/pipeline/x/_simulate', { method: 'DELETE' }))[0], 405);
    assert.equal((await text('/index/_search'))[0], 400);
    assert.equal((await text('/_ingest/pipeline/p', { method: 'PUT', body: '{"processors":' }))[0], 400);
    const deep = `{"processors":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.equal((await text('/_ingest/pipeline/p', { method: 'PUT', body: deep }))[0], 400);
    const proto = '{"processors":[],"__proto__":{"polluted":true}}';
    await text('/_ingest/pipeline/p', { method: 'PUT', body: proto });
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.equal((await text('/_ingest/pipeline/%2e%2e%2fx', { method: 'PUT', body: '{"processors":[]}' }))[0], 400);
    const zipped = { method: 'PUT', body: gzipSync('{"processors":[]}'), headers: { 'content-encoding': 'gzip' } };
    assert.equal((await text('/_ingest/pipeline/zipped', zipped))[0], 200);
    assert.equal((await text('/_ingest/pipeline/zipped', { ...zipped, body: 'no gzip' }))[0], 400);
    const sure = await fetch(started.url, { method: 'HEAD' });
    assert.deepEqual([sure.status, await sure.text()], [200, '']);
  });
});

test('pipelines and deployments are there again after a restart, also after a kill', async () => {
  const state = join(folder, 'again');
  const first = await start({ state });
  const client = new Client({ node: first.url, maxRetries: 0 });
  await client.ingest.putPipeline({ id: 'kept', processors: [{ set: { field: 'a', value: 1 } }] });
  await client.ml.startTrainedModelDeployment({ model_id: MODEL, deployment_id: 'kept', wait_for: 'starting' });
  // Nothing is written at the end: what was acknowledged is on the disk already.
  const second = await start({ state });
  try {
    const other = new Client({ node: second.url, maxRetries: 0 });
    assert.deepEqual(Object.keys(await other.ingest.getPipeline()), ['kept']);
    assert.equal(second.server.deployments.list[0]!.deployment_id, 'kept');
    await other.close();
  } finally {
    await client.close();
    await first.server.close();
    await second.server.close();
  }
  writeFileSync(join(state, 'pipelines.json'), '{"kept":');
  await assert.rejects(start({ state }), /the state of the server is damaged/);
});

test('enters who has a key, and nobody else', async () => {
  const { kept, encoded } = newApiKey('ingest');
  const { server, url } = await start({ api_keys: [kept], host: '127.0.0.1' });
  try {
    const status = async (authorization?: string) =>
      (await fetch(url, authorization === undefined ? {} : { headers: { authorization } })).status;
    assert.equal(await status(), 401);
    assert.equal(await status(`ApiKey ${encoded}`), 200);
    const wrong = [
      Buffer.from('ingest:guess').toString('base64'),
      Buffer.from(`other:${Buffer.from(encoded, 'base64').toString().split(':')[1]}`).toString('base64'),
      'x',
    ];
    for (const key of wrong) assert.equal(await status(`ApiKey ${key}`), 401);
    assert.equal(await status(`Basic ${encoded}`), 401);
    const answer = await fetch(`${url}/_ml/trained_models`);
    assert.equal(answer.headers.get('www-authenticate'), 'ApiKey');
    assert.match(await answer.text(), /missing authentication credentials for REST request \[\/_ml\/trained_models\]/);
  } finally {
    await server.close();
  }
});

test('does not open to everybody by accident', async () => {
  await assert.rejects(start({ host: '0.0.0.0' }), /anybody who reaches \[0\.0\.0\.0\]/);
  const { server } = await start({ host: '0.0.0.0', insecure: true });
  await server.close();
});

test('a body beyond the limit is refused, a caller that never ends is not waited for', async () => {
  const { server, url, port } = await start({ limits: { max_content_length: '1kb' } });
  try {
    const answer = await fetch(`${url}/_ingest/pipeline/p`, { method: 'PUT', body: 'x'.repeat(2000) });
    assert.equal(answer.status, 413);
    const bomb = await fetch(`${url}/_ingest/pipeline/p`, {
      method: 'PUT',
      body: gzipSync('x'.repeat(100_000)),
      headers: { 'content-encoding': 'gzip' },
    });
    assert.equal(bomb.status, 413);
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /_ingest/pipeline/p HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"proc');
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    assert.equal((await fetch(url)).status, 200);
  } finally {
    await server.close();
  }
});
