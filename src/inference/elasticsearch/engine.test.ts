import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { estypes } from '@elastic/elasticsearch';
import { systemClock } from '../../core/clock.ts';
import { IngestDocument } from '../../core/document.ts';
import { ProcessorError, SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import { elasticsearchModelOptions } from '../options.ts';
import { ElasticsearchEngine } from './engine.ts';

type InferResult = estypes.MlInferenceResponseResult & { readonly error?: string };
type Body =
  | estypes.ErrorResponseBase
  | { readonly status: estypes.HealthStatus }
  | { readonly count: number }
  | { readonly trained_model_stats: { readonly deployment_stats: { readonly queue_capacity: number } }[] }
  | { readonly inference_results: InferResult[] }
  | { readonly endpoints: Pick<estypes.InferenceInferenceEndpointInfo, 'inference_id'>[] }
  | estypes.InferenceInferenceResult;
interface Answer {
  readonly status: number;
  readonly body: Body;
}
interface Received {
  readonly path: string;
  readonly timeout: string | null;
  readonly texts: readonly string[];
  readonly config: unknown;
}

const error = (status: number, type: string): Answer => ({
  status,
  body: { error: { type, reason: `reason of ${type}` }, status },
});
const found = { status: 200, body: { count: 1 } } as const;
/** What is only read, and how it is answered; each knows `filter_path` alone. */
const READS: Readonly<Record<string, Answer>> = {
  '/_cluster/health': { status: 200, body: { status: 'green' } },
  '/_ml/trained_models/m': found,
  '/_ml/trained_models/deployed/_stats': found,
  '/_ml/trained_models/small': found,
  '/_ml/trained_models/small/_stats': {
    status: 200,
    body: { trained_model_stats: [{ deployment_stats: { queue_capacity: 6 } }] },
  },
  '/_inference/text_embedding/e': { status: 200, body: { endpoints: [{ inference_id: 'e' }] } },
  '/_ml/trained_models/forbidden': error(403, 'security_exception'),
  '/_ml/trained_models/unauthorized': error(401, 'security_exception'),
  '/_ml/trained_models/busy': error(429, 'es_rejected_execution_exception'),
};
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/_ml/trained_models/m/_infer': ['docs', 'inference_config'],
  '/_ml/trained_models/small/_infer': ['docs', 'inference_config'],
  '/_inference/text_embedding/e': ['input'],
};
const TASK_FIELDS: Readonly<Record<string, readonly string[]>> = {
  ner: ['results_field', 'tokenization'],
  text_embedding: ['results_field', 'tokenization'],
};
const isKnownConfig = (config: Readonly<Record<string, object>>): boolean =>
  Object.entries(config).every(([task, options]) =>
    Object.keys(options).every((key) => TASK_FIELDS[task]?.includes(key)),
  );

/** Speaks the two inference interfaces as far as their reference pages go; what they do not know is refused. */
class InferenceServer {
  readonly received: Received[] = [];
  /** What to answer before the ordinary answer, in turn. */
  refusals: ((received: Received) => Answer | undefined)[] = [];
  server!: Server;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url!, 'http://x');
    const reads = request.method === 'GET';
    const parameter = reads ? 'filter_path' : 'timeout';
    if ([...url.searchParams.keys()].some((key) => key !== parameter)) return error(400, 'illegal_argument_exception');
    if (reads) return READS[url.pathname] ?? error(404, 'resource_not_found_exception');
    const known = FIELDS[url.pathname];
    if (known === undefined) return error(404, 'resource_not_found_exception');
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      docs?: { text_field: string }[];
      input?: string[];
      inference_config?: Record<string, object>;
    };
    const unknown = Object.keys(body).filter((key) => !known.includes(key));
    if (unknown.length > 0 || !isKnownConfig(body.inference_config ?? {}))
      return error(400, 'x_content_parse_exception');
    const texts = body.input ?? body.docs!.map(({ text_field }) => text_field);
    const received = {
      path: url.pathname,
      timeout: url.searchParams.get('timeout'),
      texts,
      config: body.inference_config,
    };
    this.received.push(received);
    for (const [index, refusal] of this.refusals.entries()) {
      const refused = refusal(received);
      if (refused === undefined) continue;
      this.refusals.splice(index, refused.status === 400 ? 0 : 1);
      return refused;
    }
    if (body.input !== undefined)
      return { status: 200, body: { text_embedding: texts.map((text) => ({ embedding: [text.length, 0.5] })) } };
    return {
      status: 200,
      body: {
        inference_results: texts.map((text) =>
          text === 'bad' ? { error: 'this text is bad' } : { predicted_value: `<${text}>`, entities: [] },
        ),
      },
    };
  }
}

describe('a model in Elasticsearch', () => {
  const server = new InferenceServer();
  const engines: ElasticsearchEngine[] = [];
  const warnings: string[] = [];
  let node = '';
  before(async () => {
    node = await server.start();
  });
  beforeEach(() => {
    server.received.length = 0;
    server.refusals = [];
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    server.server.closeAllConnections();
    server.server.close();
  });

  const engineFor = (options: object) => {
    const parsed = elasticsearchModelOptions.parse({ elasticsearch: { nodes: node, ...options } });
    const engine = new ElasticsearchEngine({
      lanes: [parsed.elasticsearch],
      clock: systemClock,
      random: () => 0,
      log: { info() {}, warn: (message) => void warnings.push(message) },
    });
    engines.push(engine);
    return engine;
  };
  const inferAll = (engine: ElasticsearchEngine, texts: readonly string[], config?: InferenceConfig) => {
    const step = engine.bind(config);
    return Promise.allSettled(
      texts.map(
        (text) =>
          new Promise<unknown>((resolve, reject) => {
            step.infer(new IngestDocument({ source: {} }), text, (fault, result) =>
              fault === undefined ? resolve(result) : reject(fault),
            );
          }),
      ),
    );
  };
  const texts = Array.from({ length: 60 }, (_, index) => `text ${index}`);

  const stopped = (options: object, code: string, hint: RegExp) =>
    assert.rejects(engineFor(options).start(), (fault) => {
      assert.ok(fault instanceof SluiceError, String(fault));
      assert.equal(fault.code, code);
      assert.match(fault.hint ?? '', hint);
      return true;
    });

  const real = process.env.SLUICE_TEST_ML_URL;
  describe(real === undefined ? 'on a local server in its place' : `on the cluster ${new URL(real).host}`, () => {
    const place = real === undefined ? {} : { nodes: real };
    const model_id = real === undefined ? 'm' : (process.env.SLUICE_TEST_ML_MODEL ?? 'm');

    test('starts, and infers every text', async () => {
      const engine = engineFor({ ...place, model_id });
      await engine.start();
      const results = await inferAll(engine, texts);
      assert.ok(
        results.every((result) => result.status === 'fulfilled' && 'predicted_value' in (result.value as object)),
      );
    });

    test('a model that is not there stops the start', () =>
      stopped({ ...place, model_id: 'sluice-none' }, 'SLUICE_MODEL_MISSING', /_ml\/trained_models/));

    test('an inference endpoint that is not there stops the start', () =>
      stopped({ ...place, inference_id: 'sluice-none' }, 'SLUICE_MODEL_MISSING', /_inference/));

    test('an option that the cluster does not know is the failure of each document', async () => {
      const results = await inferAll(engineFor({ ...place, model_id }), ['a', 'b'], { ner: { no_such_option: 1 } });
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'rejected'],
      );
    });
  });

  test("what is in flight never exceeds the deployment's queue", async () => {
    const engine = engineFor({ model_id: 'small', max_in_flight: 2 });
    await engine.start();
    const results = await inferAll(engine, texts);
    assert.ok(results.every(({ status }) => status === 'fulfilled'));
    assert.equal(Math.max(...server.received.map((received) => received.texts.length)), 3);
  });

  test('a model that the user may not see stops the start', async () => {
    await stopped({ model_id: 'forbidden' }, 'SLUICE_SINK_AUTH', /monitor_ml/);
    await stopped({ model_id: 'unauthorized' }, 'SLUICE_SINK_AUTH', /auth/);
  });

  test("a deployment's id, an endpoint's, and a cluster that is busy do not stop it", async () => {
    warnings.length = 0;
    await engineFor({ model_id: 'deployed' }).start();
    await engineFor({ inference_id: 'e', task_type: 'text_embedding' }).start();
    assert.deepEqual(warnings, []);
    await engineFor({ model_id: 'busy' }).start();
    assert.equal(warnings.length, 1);
  });

  test('what is taken away while the stream runs is waited for', async () => {
    server.refusals = [
      () => error(404, 'resource_not_found_exception'),
      () => error(401, 'security_exception'),
      () => error(403, 'security_exception'),
    ];
    const results = await inferAll(engineFor({ model_id: 'm', max_in_flight: 1 }), texts.slice(0, 20));
    assert.ok(results.every(({ status }) => status === 'fulfilled'));
    assert.deepEqual(server.refusals, []);
  });

  test('gets many texts a request, with its timeout and inference_config', async () => {
    const engine = engineFor({ model_id: 'm', timeout: '7s' });
    await engine.start();
    const results = await inferAll(engine, texts, { ner: { results_field: 'x' } });
    assert.deepEqual(
      results.map(
        (result) => result.status === 'fulfilled' && (result.value as { predicted_value: string }).predicted_value,
      ),
      texts.map((text) => `<${text}>`),
    );
    assert.ok(server.received.length <= 8, `${server.received.length} requests`);
    assert.ok(Math.max(...server.received.map(({ texts: sent }) => sent.length)) > 8);
    assert.deepEqual(server.received[0]!.config, { ner: { results_field: 'x' } });
    assert.ok(server.received.every(({ timeout }) => timeout === '7000ms'));
  });

  test('keeps the fault of one text apart', async () => {
    const results = await inferAll(engineFor({ model_id: 'm' }), ['a', 'bad', 'c']);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const reason = (results[1] as PromiseRejectedResult).reason as ProcessorError;
    assert.ok(reason instanceof ProcessorError);
    assert.deepEqual([reason.type, reason.message], ['inference_exception', 'this text is bad']);
  });

  test('waits for a full queue, a timeout and an outage: no document fails', async () => {
    server.refusals = [
      () => error(429, 'es_rejected_execution_exception'),
      () => error(408, 'status_exception'),
      () => error(503, 'status_exception'),
    ];
    const engine = engineFor({ model_id: 'm', max_in_flight: 1 });
    const results = await inferAll(engine, texts.slice(0, 20));
    assert.ok(results.every(({ status }) => status === 'fulfilled'));
    assert.deepEqual(server.refusals, []);
    assert.ok(warnings.length >= 3);
  });

  test('falls back to one text a request where the model takes one only', async () => {
    server.refusals = [({ texts: sent }) => (sent.length > 1 ? error(400, 'status_exception') : undefined)];
    const engine = engineFor({ model_id: 'm', max_in_flight: 1 });
    assert.ok((await inferAll(engine, texts.slice(0, 20))).every(({ status }) => status === 'fulfilled'));
    assert.equal(engine.batchSize, 1);
    assert.equal(server.received.filter(({ texts: sent }) => sent.length > 1).length, 1);
  });

  test('finds the one text that makes a request fail', async () => {
    server.refusals = [
      ({ texts: sent }) => (sent.includes('poison') ? error(400, 'illegal_argument_exception') : undefined),
    ];
    const engine = engineFor({ model_id: 'm', max_in_flight: 1 });
    const results = await inferAll(engine, ['a', 'poison', 'c', 'd']);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    assert.ok(engine.batchSize > 1);
  });

  test('asks once for a text where results are kept', async () => {
    const engine = engineFor({ model_id: 'm', cache_size: '1mb' });
    const first = await inferAll(engine, ['a', 'b']);
    const before = server.received.length;
    assert.deepEqual(await inferAll(engine, ['b', 'a']), [first[1], first[0]]);
    assert.equal(server.received.length, before);
    assert.deepEqual([engine.cache.hits, engine.cache.misses], [2, 2]);
    await inferAll(engine, ['a'], { ner: {} });
    assert.ok(server.received.length > before, 'asked for another thing');
  });

  test('may be an inference endpoint', async () => {
    const results = await inferAll(engineFor({ inference_id: 'e', task_type: 'text_embedding' }), ['four', 'sixsix']);
    assert.deepEqual(
      results.map((result) => (result as PromiseFulfilledResult<unknown>).value),
      [{ predicted_value: [4, 0.5] }, { predicted_value: [6, 0.5] }],
    );
  });
});
