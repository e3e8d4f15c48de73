import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Feed, inMidStream } from './support/feed.ts';
import { ClusterProxy, type Gate } from './support/proxy.ts';
import { elasticsearchUrl, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const KEY = 'c2x1aWNlOm5ldmVyLXByaW50LXRoaXM=';

/** As Elasticsearch's security answers; the cluster of the tests has no security of its own. */
const guard =
  (valid: () => boolean): Gate =>
  ({ headers }) =>
    valid() && headers.authorization === `ApiKey ${KEY}`
      ? undefined
      : {
          status: 401,
          body: {
            error: { type: 'security_exception', reason: 'unable to authenticate with provided credentials' },
            status: 401,
          },
        };

scene('the API key revoked in mid-stream and restored: no dead letters, nothing lost', async ({ run, folder }) => {
  let valid = true;
  const proxy = await ClusterProxy.before(
    elasticsearchUrl(),
    guard(() => valid),
  );
  try {
    const feed = await Feed.start();
    const dead = join(folder, 'dead.ndjson');
    const worker = await run(
      feed.pipeline({
        sink: { nodes: proxy.url, auth: { api_key: KEY } },
        dead_letter: { file: { path: dead } },
      }),
    );
    await inMidStream(feed.index, 300);
    valid = false;
    const { text } = await until('not ready', async () => {
      const ready = await worker.ready();
      return ready.status === 503 ? ready : undefined;
    });
    assert.match(text, /security_exception/);
    valid = true;
    await feed.settle();
    await until('ready again', async () => (await worker.ready()).status === 200);
    assert.equal(await worker.settled('dead_lettered'), 0);
    assert.equal(await worker.end('SIGTERM'), 0);
    assert.equal(readFileSync(dead, 'utf8'), '');
    assert.ok(!worker.stderr.includes(KEY), 'the key is in the log');
  } finally {
    proxy.close();
  }
});
