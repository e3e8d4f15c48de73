import assert from 'node:assert/strict';
import { join } from 'node:path';
import { elastic } from '../../integration/support/elasticsearch.ts';
import { createTopic, testKafka } from '../../integration/support/kafka.ts';
import { ClusterProxy } from '../../integration/support/proxy.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from '../../integration/support/servers.ts';
import { scene } from '../../integration/support/worker.ts';

// logstash-plugins/logstash-output-elasticsearch#806: errors that trying again cannot mend are tried again for ever.
scene('logstash-output-elasticsearch#806: a document that the index refuses is sent once', async ({ run, folder }) => {
  const topic = await createTopic('permanent', 1);
  const index = uniqueName('permanent');
  await elastic(elasticsearchUrl(), 'PUT', `/${index}`, { mappings: { properties: { n: { type: 'long' } } } });
  let bulks = 0;
  const proxy = await ClusterProxy.before(elasticsearchUrl(), ({ url }) => {
    if (url?.startsWith('/_bulk')) bulks += 1;
    return undefined;
  });
  try {
    const producer = testKafka().producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: '{"n":"x"}' }] });
    const worker = await run({
      name: 'permanent',
      source: { kafka: { brokers: brokers(), topics: topic, group_id: topic } },
      sink: { elasticsearch: { nodes: proxy.url, index, mappings: 'off' } },
      dead_letter: { file: { path: join(folder, 'dead.ndjson') } },
      limits: { dead_letter_ratio: 1 },
    });
    await until('it is a dead letter', async () => (await worker.settled('dead_lettered')) === 1);
    assert.equal(bulks, 1);
    await producer.send({ topic, messages: [{ value: '{"n":2}' }] });
    await producer.disconnect();
    await until('the next one is delivered', async () => (await worker.settled('delivered')) === 1);
    assert.equal(bulks, 2);
    assert.equal(await worker.metric('sluice_write_retries_total'), 0);
    assert.equal(await worker.end('SIGTERM'), 0);
  } finally {
    proxy.close();
  }
});
