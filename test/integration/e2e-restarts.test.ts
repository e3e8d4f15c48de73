import assert from 'node:assert/strict';
import { Feed, inMidStream } from './support/feed.ts';
import { committedOffsets } from './support/kafka.ts';
import { until } from './support/servers.ts';
import { scene } from './support/worker.ts';

scene(
  'SIGTERM in mid-stream: what is in flight is finished and committed, and the next run goes on there',
  async ({ run }) => {
    const feed = await Feed.start();
    const first = await run(feed.pipeline());
    await inMidStream(feed.index, 500);
    assert.equal(await first.end('SIGTERM'), 0);
    const committed = (await committedOffsets(feed.groupId, feed.topic)).reduce(
      (sum, offset) => sum + Math.max(0, offset),
      0,
    );
    assert.ok(committed >= 500, `${committed} committed`);
    const second = await run(feed.pipeline());
    await feed.settle();
    assert.equal(await second.end('SIGTERM'), 0);
    // A graceful end leaves nothing to be written twice.
    assert.equal(Number(/(\d+) documents in/.exec(second.stderr)?.[1]), feed.sent - committed);
  },
);

scene('kill -9 in mid-stream, three times: every document exactly once in the index', async ({ run }) => {
  const feed = await Feed.start();
  for (const documents of [300, 900, 1500]) {
    const worker = await run(feed.pipeline());
    await inMidStream(feed.index, documents);
    assert.equal(await worker.end('SIGKILL'), 'SIGKILL');
  }
  const last = await run(feed.pipeline());
  await feed.settle();
  assert.equal(await last.end('SIGTERM'), 0);
});

scene('two workers share the partitions; one is killed, and the other takes over', async ({ run }) => {
  const feed = await Feed.start();
  const first = await run(feed.pipeline());
  const second = await run(feed.pipeline());
  await until('both work', async () => (await first.settled()) > 100 && (await second.settled()) > 100);
  await second.end('SIGKILL');
  await feed.settle();
  assert.equal(await first.end('SIGTERM'), 0);
});

scene('redelivery: another group reads the same topic into the same index and changes nothing', async ({ run }) => {
  const feed = await Feed.start();
  const first = await run(feed.pipeline());
  await inMidStream(feed.index, 300);
  await feed.settle();
  await first.end('SIGTERM');
  const again = feed.pipeline() as { source: { kafka: { group_id: string } } };
  again.source.kafka.group_id += '-again';
  const second = await run(again);
  await until('everything read again', async () => (await second.settled('delivered')) === feed.sent);
  await feed.settle();
  assert.equal(await second.end('SIGTERM'), 0);
});
