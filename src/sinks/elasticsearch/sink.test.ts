import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ElasticsearchConnection } from '../../connections/elasticsearch/client.ts';
import { elasticsearchConnectionSchema } from '../../connections/elasticsearch/options.ts';
import { systemClock } from '../../core/clock.ts';
import type { ItemResult, SourceRecord } from '../../core/contracts.ts';
import { IngestDocument } from '../../core/document.ts';
import { SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { prepareIndex } from './mappings.ts';
import { type ElasticsearchSinkOptions, elasticsearchSinkOptions } from './options.ts';
import { elasticsearchSink } from './sink.ts';

interface Received {
  readonly request: string;
  readonly query: Readonly<Record<string, string>>;
  readonly lines: readonly PlainObject[];
}

/** What each request may have in its query; anything else is refused, as Elasticsearch refuses it. */
const QUERIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^GET \/_cluster\/health$/, ['filter_path']],
  [/^POST \/_bulk$/, ['filter_path', 'pipeline']],
  [/^(GET|PUT) \/news\/_mapping$/, []],
  [/^PUT \/news$/, []],
];
const CREATE_INDEX: readonly string[] = ['aliases', 'mappings', 'settings'];

/** Speaks `_bulk` and mappings as far as the sink asks, over one index and one ingest pipeline. */
class BulkServer {
  received: Received[] = [];
  index: PlainObject | undefined;
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
      response.end(JSON.stringify(body));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(message: IncomingMessage): Promise<{ status: number; body: object }> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const url = new URL(message.url!, 'http://x');
    const request = `${message.method} ${url.pathname}`;
    const query = Object.fromEntries(url.searchParams);
    const known = QUERIES.find(([pattern]) => pattern.test(request))?.[1];
    const strange = Object.keys(query).find((key) => !known?.includes(key));
    if (known === undefined || strange !== undefined)
      return refusal(`request [${request}] contains unrecognized parameter: [${strange}]`);
    const text = Buffer.concat(chunks).toString().trimEnd();
    const lines = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as PlainObject);
    this.received.push({ request, query, lines });
    return this.#answers(request, query, lines);
  }

  #answers(request: string, { pipeline }: Received['query'], lines: readonly PlainObject[]) {
    if (request.endsWith('/_cluster/health')) return { status: 200, body: { status: 'green' } };
    if (request === 'POST /_bulk') {
      const actions = lines.filter((_, at) => at % 2 === 0).map((line) => Object.keys(line)[0]!);
      const missing = pipeline !== undefined && pipeline !== 'clean';
      const item = missing ? refusal(`pipeline with id [${pipeline}] does not exist`).body : { status: 201 };
      return { status: 200, body: { errors: missing, items: actions.map((action) => ({ [action]: item })) } };
    }
    if (request === 'PUT /news') {
      const strange = Object.keys(lines[0]!).find((key) => !CREATE_INDEX.includes(key));
      if (strange !== undefined) return refusal(`unknown key [${strange}] for create index`);
      this.index = lines[0]!;
    } else if (this.index === undefined) return { ...refusal('no such index [news]'), status: 404 };
    return { status: 200, body: { news: { mappings: this.index?.mappings ?? {} } } };
  }
}

const refusal = (reason: string) => ({
  status: 400,
  body: { status: 400, error: { type: 'illegal_argument_exception', reason } },
});

const record: SourceRecord = {
  position: 0n,
  next: 1n,
  bytes: 1,
  value: null,
  key: null,
  headers: {},
  timestamp: 0,
  defaultId: () => 'topic-0-0-0',
  origin: () => ({ name: '_kafka', fields: {} }),
};

describe('the sink to a cluster that refuses what it does not know', () => {
  const server = new BulkServer();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
  let nodes = '';
  before(async () => {
    nodes = await server.start();
  });
  beforeEach(() => {
    server.received = [];
    server.index = undefined;
  });
  after(() => {
    server.stop();
    rmSync(folder, { recursive: true });
  });

  const sinkOf = (more: Partial<ElasticsearchSinkOptions>) => {
    const options = elasticsearchSinkOptions.parse({ nodes, index: 'news', mappings: 'off', ...more });
    const connection = new ElasticsearchConnection(elasticsearchConnectionSchema.parse({ nodes }));
    return elasticsearchSink({
      options,
      connection,
      clock: systemClock,
      templates: {
        index: () => options.index,
        id: undefined,
        routing: undefined,
        version: undefined,
        versionType: options.version_type,
        opType: options.op_type,
        docAsUpsert: false,
        retryOnConflict: undefined,
        requireAlias: undefined,
        dynamicTemplates: undefined,
      },
      prepareIndex: () =>
        prepareIndex(connection, {
          index: options.index,
          dataStream: options.data_stream,
          mappings: options.mappings,
          body: {},
          fields: [],
          streamName: 'test',
          allowMixedVectors: false,
        }),
    });
  };
  const written = async (more: Partial<ElasticsearchSinkOptions>): Promise<readonly ItemResult[]> => {
    const sink = sinkOf(more);
    const actions = [1, 2].map((a) => sink.prepare(new IngestDocument({ source: { a } }), record));
    try {
      return await sink.write(actions, AbortSignal.timeout(10_000));
    } finally {
      await sink.close(true);
    }
  };

  for (const op_type of ['index', 'create'] as const)
    test(`pipeline goes along with every ${op_type}, and not in the actions`, async () => {
      const results = await written({ op_type, pipeline: 'clean' });
      assert.deepEqual(results, [{ outcome: 'delivered' }, { outcome: 'delivered' }]);
      const [{ request, query, lines } = assert.fail('nothing was sent')] = server.received;
      assert.equal(request, 'POST /_bulk');
      assert.equal(query.pipeline, 'clean');
      assert.deepEqual(lines[0], { [op_type]: { _index: 'news', _id: 'topic-0-0-0' } });
    });

  test('without the option no pipeline is named', async () => {
    await written({});
    assert.deepEqual(
      server.received.map(({ query }) => Object.keys(query)),
      [['filter_path']],
    );
  });

  test('a pipeline that the cluster lacks is not the fault of the documents', async () => {
    const fault = {
      type: 'illegal_argument_exception',
      reason: 'pipeline with id [gone] does not exist',
      status: 400,
    };
    const result = { outcome: 'destination', fault };
    assert.deepEqual(await written({ pipeline: 'gone' }), [result, result]);
  });

  const opened = async (content: string, name = 'mappings.json'): Promise<void> => {
    const mappings = join(folder, name);
    if (content !== '') writeFileSync(mappings, content);
    const sink = sinkOf({ mappings });
    try {
      await sink.open();
    } finally {
      await sink.close(true);
    }
  };
  const FILE = {
    settings: { number_of_shards: 3 },
    mappings: { dynamic: 'strict', properties: { a: { type: 'long' } } },
    aliases: { all: {} },
  };

  test('a mappings file is the body of the request that creates the index, and leaves one that is there alone', async () => {
    await opened(JSON.stringify(FILE));
    assert.deepEqual(server.index, FILE);
    server.received = [];
    await opened(JSON.stringify(FILE));
    assert.deepEqual(
      server.received.map(({ request }) => request),
      ['GET /_cluster/health', 'GET /news/_mapping'],
    );
  });

  for (const [what, content, code, reason] of [
    [
      'contradicts the index',
      '{"mappings":{"properties":{"a":{"type":"keyword"}}}}',
      'MAPPING',
      /\[a\] is mapped as long/,
    ],
    ['is not JSON', '{"mappings":', 'UNREADABLE', /mappings file cannot be read/],
    ['is not there', '', 'UNREADABLE', /mappings file cannot be read/],
  ] as const)
    test(`a mappings file that ${what} stops the start`, async () => {
      server.index = FILE;
      await assert.rejects(opened(content, `${what}.json`), (error) => {
        assert.ok(error instanceof SluiceError, String(error));
        assert.match(error.code, new RegExp(`${code}$`));
        assert.match(error.message, reason);
        return true;
      });
    });

  test('a mappings file that the cluster does not take is told with its reason', async () => {
    await assert.rejects(opened('{"maping":{}}'), /unknown key \[maping\] for create index/);
  });
});
