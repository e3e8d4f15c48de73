import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { IngestDocument } from '../../core/document.ts';
import { ProcessorError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import { elasticsearchModelOptions } from '../options.ts';
import { ElasticsearchEngine } from './engine.ts';

type Answer = { readonly status: number; readonly body: object };
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
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/_ml/trained_models/m/_infer': ['docs', 'inference_config'],
  '/_inference/text_embedding/e': ['input'],
};

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
    if (url.pathname === '/_cluster/health') return { status: 200, body: { status: 'green' } };
    const known = FIELDS[url.pathname];
    if (known === undefined) return error(404, 'resource_not_found_exception');
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      docs?: { text_field: string }[];
      input?: string[];
      inference_config?: unknown;
    };
    const unknown = Object.keys(body).filter((key) => !known.includes(key));
    if (unknown.length > 0) return error(400, 'x_content_parse_exception');
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
      options: parsed.elasticsearch,
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

  test('may be an inference endpoint', async () => {
    const results = await inferAll(engineFor({ inference_id: 'e', task_type: 'text_embedding' }), ['four', 'sixsix']);
    assert.deepEqual(
      results.map((result) => (result as PromiseFulfilledResult<unknown>).value),
      [{ predicted_value: [4, 0.5] }, { predicted_value: [6, 0.5] }],
    );
  });
});
