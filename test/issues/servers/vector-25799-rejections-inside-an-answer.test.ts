import assert from 'node:assert/strict';
import { FaultyClusterProxy } from '../../chaos/cluster-proxy.ts';
import { Feed, inMidStream } from '../../integration/support/feed.ts';
import { elasticsearchUrl } from '../../integration/support/servers.ts';
import { scene } from '../../integration/support/worker.ts';
import { randomOf } from '../../simulation/world.ts';

// vectordotdev/vector#25799: items that were refused with 429 inside a bulk answer of status 200 were dropped.
scene('vector#25799: items refused inside an answer of status 200 are sent again', async ({ run }) => {
  const proxy = await FaultyClusterProxy.before(elasticsearchUrl(), randomOf(1));
  const feed = await Feed.start();
  try {
    const worker = await run(feed.pipeline({ sink: { nodes: proxy.url } }));
    for (let n = 0; n < 10; n += 1) proxy.inject('partial_429');
    await inMidStream(feed.index, 500);
    await feed.settle();
    assert.equal(proxy.happened.partial_429, 10);
    assert.ok((await worker.metric('sluice_write_retries_total')) > 10);
    assert.equal(await worker.settled('dead_lettered'), 0);
  } finally {
    await feed.stop();
    proxy.close();
  }
});
