import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Client } from '@elastic/elasticsearch';
import { ModelStore } from '../../src/inference/store/store.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { serveSchema } from '../../src/server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../src/server/elasticsearch/server.ts';
import { allHits, elastic } from './support/elasticsearch.ts';
import { clusters, uniqueName } from './support/servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-serve-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const start = async (nodes: string, config: object = {}) => {
  const { cluster, ...rest } = config as { cluster?: object };
  const server = new ElasticsearchServer({
    config: serveSchema.parse({ port: 0, cluster: { nodes, ...cluster }, ...rest }),
    store: new ModelStore(join(folder, 'models')),
    table: PROCESSORS,
    version: 'test',
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: () => {} },
  });
  const { port } = await server.start();
  return { server, url: `http://127.0.0.1:${port}` };
};

interface Item {
  readonly _index: string;
  readonly _id: string;
  readonly status: number;
  readonly result?: string;
  readonly error?: { readonly type: string; readonly reason: string };
}
const itemsOf = (answer: { readonly items: readonly Record<string, Item>[] }) =>
  answer.items.map((item) => Object.values(item)[0]!);
const bulk = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

for (const { url: cluster, version } of await clusters())
  describe(`in front of Elasticsearch ${version}`, async () => {
    const { server, url } = await start(cluster);
    after(() => server.close());
    await elastic(url, 'PUT', '/_ingest/pipeline/clean', {
      processors: [
        { set: { field: 'seen', value: '{{{_ingest.timestamp}}}' } },
        { drop: { if: "ctx.kind == 'noise'" } },
        { fail: { if: "ctx.kind == 'bad'", message: 'kind [{{{kind}}}] is not wanted' } },
        { set: { if: "ctx.kind == 'moved'", field: '_index', value: '{{{to}}}' } },
        { set: { if: "ctx.kind == 'named'", field: '_id', value: 'own' } },
      ],
    });

    test('a bulk through a pipeline of the server: one answer, in the order of the request', async () => {
      const [index, other] = [uniqueName('serve'), uniqueName('serve-other')];
      const answer = await elastic<never>(
        url,
        'POST',
        `/${index}/_bulk?pipeline=clean&refresh=true`,
        bulk([
          { index: { _id: '1' } },
          { kind: 'good', n: 1 },
          { index: { _id: '2' } },
          { kind: 'noise' },
          { create: { _id: '1' } },
          { kind: 'good', n: 2 },
          { index: { _id: '3' } },
          { kind: 'bad' },
          { index: { _id: '4' } },
          { kind: 'moved', to: other },
          { create: {} },
          { kind: 'named' },
          { delete: { _id: 'nobody' } },
          { index: { _id: '5', pipeline: '_none' } },
          { kind: 'bad', n: 5 },
          { update: { _id: '1' } },
          { doc: { n: 10 } },
        ]),
      );
      const items = itemsOf(answer);
      assert.deepEqual(
        items.map(({ _id, status, result }) => [_id, status, result]),
        [
          ['1', 201, 'created'],
          ['2', 200, 'noop'],
          ['1', 409, undefined],
          ['3', 500, undefined],
          ['4', 201, 'created'],
          ['own', 201, 'created'],
          ['nobody', 404, 'not_found'],
          ['5', 201, 'created'],
          ['1', 200, 'updated'],
        ],
      );
      assert.equal(items[3]!.error!.reason, 'kind [bad] is not wanted');
      assert.equal(items[4]!._index, other);
      assert.equal((answer as { errors: boolean }).errors, true);
      const hits = await allHits(cluster, index);
      assert.deepEqual(hits.map(({ _id }) => _id).sort(), ['1', '5', 'own']);
      assert.equal(typeof hits.find(({ _id }) => _id === '1')!._source.seen, 'string');
      assert.equal(hits.find(({ _id }) => _id === '5')!._source.seen, undefined);
      assert.equal((await allHits(cluster, other)).length, 1);
    });

    test("an index's own pipeline runs here, set on the index, by a template, behind an alias", async () => {
      const [index, alias, made] = [uniqueName('serve'), uniqueName('alias'), uniqueName('made')];
      await elastic(cluster, 'PUT', `/${index}`, {
        settings: { 'index.default_pipeline': 'clean' },
        aliases: { [alias]: {} },
      });
      await elastic(cluster, 'PUT', `/_index_template/${made}`, {
        index_patterns: [`${made}-*`],
        template: { settings: { 'index.default_pipeline': 'clean' } },
      });
      for (const name of [index, alias, `${made}-1`]) {
        const answer = await elastic<never>(
          url,
          'POST',
          '/_bulk',
          bulk([{ index: { _index: name } }, { kind: 'good' }, { index: { _index: name } }, { kind: 'noise' }]),
        );
        assert.deepEqual(
          itemsOf(answer).map(({ result }) => result),
          ['created', 'noop'],
          name,
        );
      }
      const seen = (await allHits(cluster, index)).map(({ _source }) => typeof _source.seen);
      assert.deepEqual(seen, ['string', 'string']);
      await elastic(cluster, 'DELETE', `/_index_template/${made}`);
    });

    test('one document, by its name or without one', async () => {
      const index = uniqueName('serve');
      const put = await elastic<Item>(url, 'PUT', `/${index}/_doc/a%2Fb?pipeline=clean&routing=r`, { kind: 'good' });
      assert.deepEqual([put._id, put.result], ['a/b', 'created']);
      const posted = await elastic<Item>(url, 'POST', `/${index}/_doc?pipeline=clean`, { kind: 'named' });
      assert.equal(posted._id, 'own');
      const dropped = await elastic<Item>(url, 'PUT', `/${index}/_doc/n?pipeline=clean`, { kind: 'noise' });
      assert.equal(dropped.result, 'noop');
      await assert.rejects(
        elastic(url, 'PUT', `/${index}/_doc/b?pipeline=clean`, { kind: 'bad' }),
        /500 .*is not wanted/,
      );
      await assert.rejects(
        elastic(url, 'PUT', `/${index}/_create/a%2Fb?pipeline=clean&routing=r`, { kind: 'good' }),
        /409/,
      );
      const hits = await allHits(cluster, index);
      assert.deepEqual(hits.map(({ _id }) => _id).sort(), ['a/b', 'own']);
    });

    test('a processor that only the cluster may have is its business, in its words', async () => {
      const put = (node: string) =>
        fetch(`${node}/_ingest/pipeline/theirs`, {
          method: 'PUT',
          body: '{"processors":[{"nobodys":{"field":"a"}}]}',
          headers: { 'content-type': 'application/json' },
        }).then(async (answer) => [answer.status, await answer.json()]);
      assert.deepEqual(await put(url), await put(cluster));
      const name = uniqueName('serve-theirs');
      await elastic(cluster, 'PUT', `/_ingest/pipeline/${name}`, { processors: [] });
      const listed = await elastic(url, 'GET', '/_ingest/pipeline');
      assert.ok(name in listed && 'clean' in listed);
      await elastic(url, 'DELETE', `/_ingest/pipeline/${name}`);
      assert.equal((await fetch(`${cluster}/_ingest/pipeline/${name}`)).status, 404);
    });

    test('what is not handled is as it would be without the server, to the byte', async () => {
      const index = uniqueName('serve');
      await elastic(url, 'PUT', `/${index}`, { mappings: { properties: { n: { type: 'long' } } } });
      const documents = Array.from({ length: 3000 }, (_, n) => [
        { index: { _id: String(n) } },
        { n, text: 'x'.repeat(200) },
      ]).flat();
      await elastic(url, 'POST', `/${index}/_bulk?refresh=true`, bulk(documents));
      const both = async (path: string, init: RequestInit = {}) => {
        const [own, theirs] = await Promise.all([fetch(`${url}${path}`, init), fetch(`${cluster}${path}`, init)]);
        assert.equal(own.status, theirs.status, path);
        assert.equal(own.headers.get('content-type'), theirs.headers.get('content-type'), path);
        assert.equal(own.headers.get('x-elastic-product'), theirs.headers.get('x-elastic-product'), path);
        const [a, b] = [await own.text(), await theirs.text()];
        assert.equal(a.replace(/"took":\d+/, ''), b.replace(/"took":\d+/, ''), path);
        return a;
      };
      assert.equal(JSON.parse(await both(`/${index}/_search?size=3000&sort=n`)).hits.hits.length, 3000);
      await both(`/${index}/_doc/7`);
      await both(`/${index}/_doc/7`, { method: 'HEAD' });
      await both(`/${index}/_doc/none`, { method: 'HEAD' });
      await both('/nobody/_search');
      await both('/_no_such_thing', { method: 'POST' });
      await both(`/${index}/_search`, {
        method: 'POST',
        body: '{"query":',
        headers: { 'content-type': 'application/json' },
      });
      await both(`/${index}/_search`, {
        headers: { accept: 'application/json', 'accept-encoding': 'gzip' },
      });
      // One that only the cluster could have.
      await both(`/${index}/_doc/1?pipeline=elsewhere`, {
        method: 'PUT',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      });
    });

    test('the official client works through it: its bulk helper, its types, its product check', async () => {
      const index = uniqueName('serve');
      const compatible = version.startsWith('8')
        ? { accept: 'application/vnd.elasticsearch+json; compatible-with=8' }
        : undefined;
      const client = new Client({ node: url });
      if (compatible === undefined) {
        const { failed, successful } = await client.helpers.bulk({
          datasource: Array.from({ length: 500 }, (_, n) => ({ n, kind: n % 5 === 0 ? 'noise' : 'good' })),
          onDocument: (document) => ({ index: { _index: index, _id: String(document.n) } }),
          pipeline: 'clean',
          refreshOnCompletion: index,
        });
        assert.deepEqual([failed, successful], [0, 500]);
        assert.equal((await client.count({ index })).count, 400);
      }
      await client.close();
    });

    test('a shipper begins as it does with the cluster, and its zipped bulks go through the pipeline', async () => {
      // What Filebeat's output asks for before it sends, in its order; the last parts differ between its versions.
      const stream = uniqueName('filebeat');
      const begin: (readonly [string, string, object?])[] = [
        ['GET', '/'],
        ['GET', '/_license?human=false'],
        ['HEAD', `/_ilm/policy/${stream}`],
        ['GET', `/_index_template/${stream}`],
        ['GET', `/_data_stream/${stream}`],
      ];
      for (const [method, path] of begin) {
        const [own, theirs] = await Promise.all([
          fetch(`${url}${path}`, { method }),
          fetch(`${cluster}${path}`, { method }),
        ]);
        assert.equal(own.status, theirs.status, path);
        assert.equal((await own.text()).replace(/"took":\d+/, ''), (await theirs.text()).replace(/"took":\d+/, ''));
      }
      await elastic(url, 'PUT', `/_index_template/${stream}`, {
        index_patterns: [stream],
        data_stream: {},
        priority: 500,
        template: { settings: { 'index.default_pipeline': 'clean' } },
      });
      const events = Array.from({ length: 100 }, (_, n) => [
        { create: { _index: stream } },
        {
          '@timestamp': new Date(1_700_000_000_000 + n).toISOString(),
          message: `line ${n}`,
          kind: n % 10 === 0 ? 'noise' : 'good',
        },
      ]).flat();
      const answer = await fetch(`${url}/_bulk?filter_path=errors,items.*.error,items.*.status`, {
        method: 'POST',
        body: gzipSync(bulk(events)),
        headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      });
      const told = (await answer.json()) as { errors: boolean; items: object[] };
      assert.deepEqual([answer.status, told.errors, told.items.length], [200, false, 100]);
      assert.deepEqual(told.items[0], { create: { status: 200 } });
      const hits = await allHits(cluster, stream);
      assert.equal(hits.length, 90);
      assert.ok(hits.every(({ _source }) => typeof _source.seen === 'string'));
    });
  });

describe('a cluster that is away, hangs, or asks who is there', () => {
  const opened: { close(): void }[] = [];
  after(() => {
    for (const one of opened) one.close();
  });
  const standIn = async (handle: (request: IncomingMessage, end: (status: number, body: string) => void) => void) => {
    const server = createServer((request, response) =>
      handle(request, (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(body)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({
      close: () => {
        server.closeAllConnections();
        server.close();
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test('says so in the shape of an error, and goes on', async () => {
    const hanging = await standIn(() => {});
    for (const [nodes, status] of [
      ['http://127.0.0.1:1', 502],
      [hanging, 504],
    ] as const) {
      const { server, url } = await start(nodes, { cluster: { timeout: 200 } });
      try {
        const answer = await fetch(`${url}/index/_search`);
        assert.equal(answer.status, status);
        assert.equal(((await answer.json()) as { status: number }).status, status);
        await elastic(url, 'PUT', '/_ingest/pipeline/p', { processors: [] });
        const written = await fetch(`${url}/i/_doc/1?pipeline=p`, { method: 'PUT', body: '{}' });
        assert.equal(written.status, status);
      } finally {
        await server.close();
      }
    }
  });

  test('gets the credentials of the caller, or those of the file: never both, never a key of the server', async () => {
    const seen: (string | undefined)[] = [];
    const nodes = await standIn((request, end) => {
      seen.push(request.headers.authorization);
      end(200, '{}');
    });
    const ask = async (config: object, authorization: string) => {
      const { server, url } = await start(nodes, config);
      const answer = await fetch(`${url}/_search`, { headers: { authorization } });
      await server.close();
      return answer.status;
    };
    await ask({}, 'Basic Y2FsbGVyOng=');
    await ask({ cluster: { auth: { api_key: 'own' } } }, 'Basic Y2FsbGVyOng=');
    assert.deepEqual(seen, ['Basic Y2FsbGVyOng=', 'ApiKey own']);
    const { newApiKey } = await import('../../src/server/elasticsearch/api-keys.ts');
    const { kept, encoded } = newApiKey('k');
    assert.equal(await ask({ api_keys: [kept] }, `ApiKey ${encoded}`), 200);
    assert.equal(await ask({ api_keys: [kept] }, 'ApiKey wrong'), 401);
    assert.deepEqual(seen.slice(2), [undefined]);
  });

  test('has models and endpoints of its own: what is not here is asked there, and what is here is not', async () => {
    const asked: string[] = [];
    const nodes = await standIn((request, end) => {
      asked.push(`${request.method} ${request.url}`);
      end(200, '{"inference_results":[{"predicted_value":"there"}]}');
    });
    const { server, url } = await start(nodes);
    const infer = (model: string) =>
      fetch(`${url}/_ml/trained_models/${model}/_infer`, {
        method: 'POST',
        body: '{"docs":[{"text_field":"x"}]}',
        headers: { 'content-type': 'application/json' },
      });
    assert.deepEqual(await (await infer('elser')).json(), { inference_results: [{ predicted_value: 'there' }] });
    assert.equal((await infer('minilm-l6-enrich-en')).status, 409, 'it is here, and not started');
    assert.equal(
      (await fetch(`${url}/_inference/text_embedding/theirs`, { method: 'POST', body: '{"input":"x"}' })).status,
      200,
    );
    assert.deepEqual(asked, ['POST /_ml/trained_models/elser/_infer', 'POST /_inference/text_embedding/theirs']);
    // No path of whatever shape ends the process.
    for (const path of ['//', '//x/y', '/%', '/_ml/%E0%A4%A', '/?a=%E0%A4%A']) {
      const request = httpRequest({ port: Number(new URL(url).port), host: '127.0.0.1', path });
      const status = await new Promise((resolve) => {
        request
          .once('response', (answer) => resolve(answer.resume().statusCode))
          .once('error', () => resolve('error'))
          .end();
      });
      assert.ok([200, 400, 404].includes(status as number), `${path}: ${status}`);
    }
    await server.close();
  });

  test('shows what is here and what is there in one list', async () => {
    const asked: string[] = [];
    const there: Record<string, object> = {
      '/_ingest/pipeline': { theirs: { processors: [] }, both: { description: 'there', processors: [] } },
      '/_ml/trained_models': {
        count: 3,
        trained_model_configs: [{ model_id: 'elser' }, { model_id: 'lang_ident_model_1' }],
      },
      '/_ml/trained_models/_stats': { count: 1, trained_model_stats: [{ model_id: 'elser' }] },
      '/_inference': { endpoints: [{ inference_id: 'openai', task_type: 'completion' }] },
    };
    let status = 200;
    const nodes = await standIn((request, end) => {
      asked.push(request.url!);
      const path = request.url!.replace(/\?.*/, '');
      end(status, JSON.stringify(status === 200 ? (there[path] ?? {}) : { error: 'no' }));
    });
    const { server, url } = await start(nodes);
    await elastic(url, 'PUT', '/_ingest/pipeline/both', { description: 'here', processors: [] });
    const get = <T>(path: string) => elastic<T>(url, 'GET', path);
    const pipelines = await get<Record<string, { description?: string }>>('/_ingest/pipeline');
    assert.deepEqual(Object.keys(pipelines).sort(), ['both', 'theirs']);
    assert.equal(pipelines.both!.description, 'here');
    const models = await get<{ count: number; trained_model_configs: { model_id: string }[] }>(
      '/_ml/trained_models?size=3',
    );
    // Two here, three there, of which one is here as well.
    assert.equal(models.count, 4);
    assert.deepEqual(
      models.trained_model_configs.map(({ model_id }) => model_id),
      ['minilm-l6-enrich-en', 'lang_ident_model_1', 'elser'],
    );
    assert.equal(asked.at(-1), '/_ml/trained_models?size=1&from=0');
    const stats = await get<{ trained_model_stats: { model_id: string }[] }>('/_ml/trained_models/_stats');
    assert.equal(stats.trained_model_stats.length, 3);
    assert.deepEqual(await get('/_inference'), there['/_inference']);
    // One that is named is not asked for twice.
    const before = asked.length;
    await get('/_ml/trained_models/minilm-l6-enrich-en');
    await get('/_ingest/pipeline/both');
    assert.equal(asked.length, before);
    // A cluster without models is no reason to show none; one that lets nobody in is one to say so.
    status = 400;
    assert.equal((await get<{ count: number }>('/_ml/trained_models')).count, 2);
    status = 403;
    assert.equal((await fetch(`${url}/_ml/trained_models`)).status, 403);
    await server.close();
  });

  test('an upload that is half there is known, and can be taken away', async () => {
    const asked: string[] = [];
    const nodes = await standIn((request, end) => {
      asked.push(`${request.method} ${request.url}`);
      end(404, '{"error":"none there"}');
    });
    const { server, url } = await start(nodes);
    await elastic(url, 'PUT', '/_ml/trained_models/half', {
      model_type: 'onnx',
      inference_config: { text_classification: { classification_labels: ['a', 'b'] } },
    });
    await elastic(url, 'DELETE', '/_ml/trained_models/half');
    assert.deepEqual(asked, []);
    await assert.rejects(elastic(url, 'DELETE', '/_ml/trained_models/half'), /404/);
    assert.deepEqual(asked, ['DELETE /_ml/trained_models/half']);
    await server.close();
  });

  test('endpoints of services and models that are not here are put there', async () => {
    const asked: string[] = [];
    const nodes = await standIn((request, end) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
        end(200, '{"inference_id":"x"}');
      });
    });
    const { server, url } = await start(nodes);
    const openai = { service: 'openai', service_settings: { api_key: 'k', model_id: 'm' } };
    const elser = { service: 'elasticsearch', service_settings: { model_id: '.elser_model_2', num_threads: 1 } };
    await elastic(url, 'PUT', '/_inference/completion/talk', openai);
    await elastic(url, 'PUT', '/_inference/sparse_embedding/elser', elser);
    assert.deepEqual(asked, [
      `PUT /_inference/completion/talk ${JSON.stringify(openai)}`,
      `PUT /_inference/sparse_embedding/elser ${JSON.stringify(elser)}`,
    ]);
    const here = { service: 'sluice', service_settings: { model_id: 'nobody' } };
    await assert.rejects(elastic(url, 'PUT', '/_inference/text_embedding/x', here), /404/);
    assert.equal(asked.length, 2);
    await server.close();
  });

  test('pipelines with a part that only the cluster has run there, and those that call them with them', async () => {
    const held = new Map<string, string>();
    const bulks: string[] = [];
    let refusing = false;
    const nodes = await standIn((request, end) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const name = /^\/_ingest\/pipeline\/([^/?]+)/.exec(request.url!)?.[1];
        if (request.url!.includes('_bulk')) {
          bulks.push(Buffer.concat(chunks).toString());
          return end(200, '{"took":1,"errors":false,"items":[{"index":{"status":201}}]}');
        }
        if (request.method === 'PUT' && !refusing) held.set(name!, Buffer.concat(chunks).toString());
        if (request.method === 'PUT') return end(refusing ? 400 : 200, '{"acknowledged":true}');
        end(held.has(name!) ? 200 : 404, '{}');
      });
    });
    const { server, url } = await start(nodes);
    const put = (name: string, ...processors: object[]) =>
      elastic(url, 'PUT', `/_ingest/pipeline/${name}`, { processors });
    const call = (name: string) => ({ pipeline: { name } });
    const grok = { grok: { field: 'message', patterns: ['%{IP:ip}'] } };
    const here = async () => {
      const found = await elastic<Record<string, object>>(url, 'GET', '/_ingest/pipeline');
      return Object.keys(found).sort();
    };
    // Put before what they call: both are here as long as nothing speaks against it.
    await put('outermost', call('outer'));
    await put('outer', { foreach: { field: 'a', processor: call('parse') } });
    await put('own', { set: { field: 'a', value: 1 } });
    assert.deepEqual(await here(), ['outer', 'outermost', 'own']);
    await put('parse', { set: { field: 'a', value: 1, on_failure: [grok] } });
    assert.deepEqual([...held.keys()], ['parse', 'outer', 'outermost']);
    assert.deepEqual(await here(), ['own']);
    // Put after it.
    await put('later', call('parse'));
    assert.ok(held.has('later'));
    // A document for it goes on with the name, to run there.
    await elastic(url, 'POST', '/i/_bulk?pipeline=parse', bulk([{ index: {} }, { message: '::1' }]));
    assert.equal(bulks[0], bulk([{ index: {} }, { message: '::1' }]));
    // Put anew with parts that are all here, it runs here.
    await put('parse', { set: { field: 'a', value: 1 } });
    assert.deepEqual(await here(), ['own', 'parse']);
    // What the cluster does not take is told in its words, and what is here stays.
    refusing = true;
    await assert.rejects(put('own', grok), /400 \{"acknowledged":true\}/);
    assert.deepEqual(await here(), ['own', 'parse']);
    await server.close();
  });

  test('is not left with a request whose caller went away, and takes another node where one is down', async () => {
    let closed: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const nodes = await standIn((request) => request.once('close', () => closed()));
    const { server, url } = await start(nodes);
    const request = httpRequest(`${url}/slow/_search`);
    request.once('error', () => {});
    request.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    request.destroy();
    await gone;
    await server.close();

    const there = await standIn((_request, end) => end(200, '{"ok":true}'));
    const several = await start('', { cluster: { nodes: ['http://127.0.0.1:1', there] } });
    const statuses = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await fetch(`${several.url}/_search`)).status);
    assert.ok(statuses.filter((status) => status !== 200).length <= 1, statuses.join());
    await several.server.close();
  });

  test('more bytes than may be in flight are refused with 429, and taken a moment later', async () => {
    let let_go: () => void = () => {};
    const nodes = await standIn((request, end) => {
      if (request.url?.startsWith('/slow') === true)
        let_go = () => end(200, '{"took":1,"errors":false,"items":[{"index":{"status":201}}]}');
      else end(200, '{"took":1,"errors":false,"items":[{"index":{"status":201}}]}');
    });
    const { server, url } = await start(nodes, { limits: { in_flight_bytes: '1kb' } });
    await elastic(url, 'PUT', '/_ingest/pipeline/p', { processors: [{ set: { field: 'a', value: 1 } }] });
    const body = bulk([{ index: {} }, { text: 'x'.repeat(800) }]);
    const send = (index: string) =>
      fetch(`${url}/${index}/_bulk?pipeline=p`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-ndjson' },
      });
    const first = send('slow');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = await send('fast');
    assert.deepEqual([second.status, second.headers.get('retry-after')], [429, '1']);
    let_go();
    assert.equal((await first).status, 200);
    assert.equal((await send('fast')).status, 200);
    await server.close();
  });
});
