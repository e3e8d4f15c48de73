import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopic, testKafka } from '../../integration/support/kafka.ts';
import { ClusterProxy } from '../../integration/support/proxy.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from '../../integration/support/servers.ts';
import { scene } from '../../integration/support/worker.ts';

const MB = 1024 * 1024;
const BUDGET = 2 * MB;
const TOPIC_BYTES = 60 * MB;
/** Longer than the session: a member that only waits is still one. */
const OUTAGE_SECONDS = Number(process.env.SLUICE_TEST_OUTAGE_SECONDS ?? 15);

// redpanda-data/connect#4657: memory grows for as long as the output is down.
scene(
  'redpanda-connect#4657: memory stays flat while the cluster is down, and all arrives afterwards',
  async ({ run }, t) => {
    const topic = await createTopic('flood', 4);
    const value = (n: number) => JSON.stringify({ n, text: 'x'.repeat(10_000) });
    const count = Math.floor(TOPIC_BYTES / 10_000);
    const producer = testKafka().producer();
    await producer.connect();
    for (let at = 0; at < count; at += 200)
      await producer.send({ topic, messages: Array.from({ length: 200 }, (_, n) => ({ value: value(at + n) })) });
    await producer.disconnect();
    let down = false;
    const refused = { status: 503, body: { error: { type: 'unavailable', reason: 'down' }, status: 503 } };
    const proxy = await ClusterProxy.before(elasticsearchUrl(), ({ url }) =>
      down && url?.startsWith('/_bulk') ? refused : undefined,
    );
    try {
      down = true;
      const worker = await run({
        name: 'flood',
        source: {
          kafka: {
            brokers: brokers(),
            topics: topic,
            group_id: topic,
            session_timeout: '6s',
            heartbeat_interval: '1s',
          },
        },
        sink: { elasticsearch: { nodes: proxy.url, index: uniqueName('flood'), mappings: 'off' } },
        limits: { in_flight_bytes: `${BUDGET}b` },
      });
      await until('the budget is full', async () => (await worker.metric('sluice_in_flight_bytes')) >= BUDGET / 2);
      const memory: number[] = [];
      for (let second = 0; second < OUTAGE_SECONDS; second += 1) {
        await sleep(1000);
        memory.push(await worker.metric('process_resident_memory_bytes'));
        // One fetch of each broker may have been under way.
        assert.ok((await worker.metric('sluice_in_flight_bytes')) <= 2 * BUDGET);
      }
      const growth = Math.max(...memory.slice(10)) - Math.max(...memory.slice(0, 5));
      assert.ok(growth < 20 * MB, `memory grew by ${(growth / MB).toFixed(1)} MB after the first seconds`);
      t.diagnostic(`${(Math.min(...memory) / MB).toFixed(0)} to ${(Math.max(...memory) / MB).toFixed(0)} MiB`);
      const restored = performance.now();
      assert.equal((await worker.ready()).status, 503);
      down = false;
      const sent = Math.ceil(count / 200) * 200;
      await until('all has arrived', async () => (await worker.settled('delivered')) === sent, { seconds: 90 });
      t.diagnostic(
        `${sent} documents ${((performance.now() - restored) / 1000).toFixed(1)} s after the cluster was back`,
      );
      assert.equal(worker.stderr.match(/joined the group/g)?.length, 1);
      assert.equal(await worker.end('SIGTERM'), 0);
    } finally {
      proxy.close();
    }
  },
  { timeout: (OUTAGE_SECONDS + 240) * 1000 },
);
