import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allHits } from './support/elasticsearch.ts';
import { createTopic, produce } from './support/kafka.ts';
import { ClusterProxy } from './support/proxy.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const KEYS = 100;
const VERSIONS = 50;

/** A model in a cluster that takes its time, another one for each request. */
const slowModel = async (random: () => number) => {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    await sleep(random() * 40);
    const answer = request.url!.includes('_infer')
      ? {
          inference_results: (JSON.parse(body) as { docs: object[] }).docs.map(() => ({ predicted_value: [1, 0] })),
        }
      : { status: 'green', version: { number: '9.0.4' }, count: 1, trained_model_configs: [{ model_id: 'm' }] };
    response.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

/** mulberry32: the same delays in every run. */
const seeded = (seed: number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

scene('50 versions of 100 keys under random inference and bulk delays end with the last of each', async ({ run }) => {
  const random = seeded(7);
  const topic = await createTopic('versions', 4);
  const index = uniqueName('versions');
  await produce(
    topic,
    Array.from({ length: VERSIONS * KEYS }, (_, n) => {
      const key = `key-${n % KEYS}`;
      return { key, value: JSON.stringify({ key, version: Math.floor(n / KEYS), text: `text ${n}` }) };
    }),
  );
  const model = await slowModel(random);
  let refused = 0;
  const proxy = await ClusterProxy.before(elasticsearchUrl(), async ({ url }) => {
    if (!url!.includes('_bulk')) return undefined;
    await sleep(random() * 80);
    if (random() > 0.2) return undefined;
    refused += 1;
    return {
      status: 429,
      body: { error: { type: 'es_rejected_execution_exception', reason: 'busy' }, status: 429 },
    };
  });
  try {
    const worker = await run({
      name: 'versions',
      source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
      processors: [
        {
          inference: {
            model_id: 'slow',
            if: 'ctx.version % 3 != 0',
            target_field: 'ml',
            field_map: { text: 'text_field' },
            inference_config: { text_embedding: {} },
          },
        },
      ],
      models: { slow: { elasticsearch: { nodes: model.url, model_id: 'm', max_in_flight: 8 } } },
      sink: {
        elasticsearch: { nodes: proxy.url, index, id: '{{{key}}}', mappings: 'off', batch: { max_documents: 40 } },
      },
    });
    await until('all delivered', async () => (await worker.settled('delivered')) === VERSIONS * KEYS, {
      seconds: 120,
    });
    assert.equal(await worker.end('SIGTERM'), 0);
    const hits = await allHits(elasticsearchUrl(), index);
    assert.equal(hits.length, KEYS);
    for (const { _id, _source } of hits) assert.equal(_source.version, VERSIONS - 1, _id);
    assert.ok(refused > 0, 'no bulk was refused');
  } finally {
    proxy.close();
    model.server.closeAllConnections();
    model.server.close();
  }
});
