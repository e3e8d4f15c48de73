import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { ElasticsearchConnection } from '../../src/connections/elasticsearch/client.ts';
import { elasticsearchConnectionSchema } from '../../src/connections/elasticsearch/options.ts';
import type { KafkaMessage } from '../../src/connections/kafka/client.ts';
import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import type { SourceRecord } from '../../src/core/contracts.ts';
import { IngestDocument } from '../../src/core/document.ts';
import { otelTracing } from '../../src/server/otel.ts';
import { kafkaSink } from '../../src/sinks/kafka/sink.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-tracing-'));
after(() => rmSync(folder, { recursive: true }));

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
  readonly links?: readonly { traceId: string; spanId: string }[];
}

/** Takes what is posted, over loopback. */
const listen = async (answer: (path: string, body: Buffer, headers: IncomingHttpHeaders) => object) => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    response.setHeader('content-type', 'application/json');
    response.setHeader('x-elastic-product', 'Elasticsearch');
    response.end(JSON.stringify(answer(request.url!, body, request.headers)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const receive = async () => {
  const spans: OtlpSpan[] = [];
  const services = new Set<unknown>();
  let text = '';
  const url = await listen((path, body) => {
    assert.equal(path, '/v1/traces');
    text += body;
    for (const { resource, scopeSpans } of JSON.parse(String(body)).resourceSpans) {
      for (const { key, value } of resource.attributes) if (key === 'service.name') services.add(value.stringValue);
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    return {};
  });
  return { url, spans, services, text: () => text };
};

const record = (headers: SourceRecord['headers']): SourceRecord => ({
  position: 7n,
  next: 8n,
  bytes: 3,
  value: Buffer.from('{"secret":1}'),
  key: null,
  headers,
  timestamp: undefined,
  defaultId: () => 'x',
  origin: () => ({ name: '_kafka', fields: { topic: 'news', partition: 3 } }),
});
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

test('a document continues its record’s trace, models are its children, requests are linked', async () => {
  const { url, spans, services, text } = await receive();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url;
  const { tracing, close } = otelTracing();
  const sampled = tracing.document('s', 'news-3', record({ traceparent: Buffer.from(`00-${TRACE}-${PARENT}-01`) }));
  const unsampled = tracing.document('s', 'news-3', record({ traceparent: `00-${TRACE}-${PARENT}-00` }));
  const fresh = tracing.document('s', 'news-3', record({ traceparent: 'rubbish' }));
  sampled.inference('enrich')(undefined);
  assert.match(sampled.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  assert.match(unsampled.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  assert.equal(tracing.request('s', 'elasticsearch', [unsampled, undefined]), undefined);
  const many = Array.from({ length: 500 }, () => sampled);
  const request = tracing.request('s', 'elasticsearch', [...many, unsampled])!;
  request.end(Object.assign(new Error('quotes {"secret":1}'), { fault: { type: 'timeout' } }));
  for (const document of [sampled, unsampled, fresh]) document.end('delivered');
  await close();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  assert.deepEqual([...services], ['sluice']);
  assert.equal(spans.length, 4);
  const [, , id] = sampled.traceparent.split('-');
  const span = spans.find(({ spanId }) => spanId === id)!;
  assert.deepEqual([span.traceId, span.parentSpanId, span.name], [TRACE, PARENT, 'process s']);
  const attributes = Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  assert.equal(attributes['messaging.system'], 'kafka');
  assert.equal(attributes['messaging.destination.name'], 'news');
  assert.equal(Number(attributes['messaging.kafka.offset']), 7);
  assert.equal(attributes['sluice.outcome'], 'delivered');
  const child = spans.find(({ name }) => name === 'infer enrich')!;
  assert.deepEqual([child.traceId, child.parentSpanId], [TRACE, id]);
  const write = spans.find(({ name }) => name === 'write elasticsearch')!;
  assert.equal(write.links!.length, 128);
  assert.deepEqual([write.links![0]!.traceId, write.links![0]!.spanId], [TRACE, id]);
  assert.ok(!text().includes('secret'), 'contents in a trace');
});

test('a sampler and its ratio are taken from the environment', async () => {
  const sampledOf = async (sampler: string, ratio: string): Promise<boolean> => {
    Object.assign(process.env, { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio });
    const { tracing, close } = otelTracing();
    const { sampled } = tracing.document('s', 'news-3', record({}));
    await close();
    delete process.env.OTEL_TRACES_SAMPLER;
    delete process.env.OTEL_TRACES_SAMPLER_ARG;
    return sampled;
  };
  assert.equal(await sampledOf('parentbased_traceidratio', '0'), false);
  assert.equal(await sampledOf('traceidratio', '1'), true);
  assert.equal(await sampledOf('always_off', '1'), false);
});

test('the context goes on with requests to Elasticsearch and messages to Kafka', async () => {
  let header: unknown;
  const url = await listen((_, __, headers) => {
    header = headers.traceparent;
    return {};
  });
  const traceparent = `00-${TRACE}-${PARENT}-01`;
  const connection = new ElasticsearchConnection(elasticsearchConnectionSchema.parse({ nodes: url }));
  await connection.request({ method: 'POST', path: '/_bulk', bulk: '{}\n', traceparent });
  assert.equal(header, traceparent);
  await connection.request({ method: 'POST', path: '/_bulk', bulk: '{}\n' });
  assert.equal(header, undefined);
  await connection.close();
  const client = kafkaClient(kafkaConnectionSchema.parse({ brokers: 'nowhere:1' }));
  const sink = kafkaSink({ client, topic: () => 't', key: undefined });
  const document = new IngestDocument({ source: {} });
  const headersOf = () => (sink.prepare(document, record({})) as unknown as { message: KafkaMessage }).message.headers;
  assert.equal(headersOf(), undefined);
  document.trace = { traceparent, sampled: true, inference: () => () => {}, end: () => {} };
  assert.deepEqual(headersOf(), { traceparent });
});

test('a run sends its traces, and none where nobody asks', async () => {
  const { url, spans, services } = await receive();
  writeFileSync(join(folder, 'in.ndjson'), '{"a":1}\n{"a":2}\n{"a":3}\n');
  const yaml = `name: traced\nsource: { dump: { paths: "${folder}/in.ndjson" } }\nprocessors: []\nsink: { file: { path: "${folder}/out.ndjson" } }\n`;
  writeFileSync(join(folder, 'p.yaml'), yaml);
  const run = async (env: NodeJS.ProcessEnv) => {
    const child = spawn(process.execPath, ['bin/sluice.js', 'run', join(folder, 'p.yaml')], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0, said);
  };
  await run({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'mine' });
  assert.deepEqual([...services], ['mine']);
  const ids = (name: string) => spans.filter((span) => span.name === name).map(({ spanId }) => spanId);
  assert.equal(ids('process traced').length, 3);
  assert.equal(ids('write file').length, 1);
  const [write] = spans.filter(({ name }) => name === 'write file');
  assert.deepEqual(write!.links!.map(({ spanId }) => spanId).sort(), ids('process traced').sort());
  await run({ OTEL_EXPORTER_OTLP_ENDPOINT: '' });
  assert.equal(spans.length, 4, 'traced although nobody asked');
});
