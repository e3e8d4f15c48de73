import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allHits, elastic } from './support/elasticsearch.ts';
import { Feed, inMidStream } from './support/feed.ts';
import {
  elasticsearchUrl,
  pauseElasticsearch,
  restartKafka,
  resumeElasticsearch,
  startElasticsearch,
  startKafka,
  stopElasticsearch,
  stopKafka,
  until,
} from './support/servers.ts';
import { scene } from './support/worker.ts';

const OUTAGE_MS = 20_000;

scene(
  'Elasticsearch stopped for 20 s in mid-stream: nothing lost, nothing twice, no dead letters',
  async ({ run, folder }) => {
    const feed = await Feed.start();
    const dead = join(folder, 'dead.ndjson');
    const worker = await run(feed.pipeline({ dead_letter: { file: { path: dead } } }));
    try {
      await inMidStream(feed.index, 300);
      await stopElasticsearch();
      await sleep(OUTAGE_MS);
      assert.equal((await worker.ready()).status, 503);
    } finally {
      await startElasticsearch();
    }
    await feed.settle();
    await until('ready again', async () => (await worker.ready()).status === 200);
    assert.equal(await worker.end('SIGTERM'), 0);
    assert.equal(readFileSync(dead, 'utf8'), '');
  },
);

scene('Elasticsearch answers nothing for 15 s, as in a long garbage collection', async ({ run }) => {
  const feed = await Feed.start();
  const worker = await run(feed.pipeline({ sink: { request_timeout: '3s' } }));
  try {
    await inMidStream(feed.index, 300);
    await pauseElasticsearch();
    await sleep(15_000);
  } finally {
    await resumeElasticsearch();
  }
  await feed.settle();
  assert.equal(await worker.end('SIGTERM'), 0);
});

scene('the broker restarted in mid-stream', async ({ run }) => {
  const feed = await Feed.start();
  const worker = await run(feed.pipeline());
  await inMidStream(feed.index, 300);
  await restartKafka();
  const before = (await allHits(elasticsearchUrl(), feed.index)).length;
  await inMidStream(feed.index, before + 500);
  await feed.settle();
  assert.equal(await worker.end('SIGTERM'), 0);
});

scene(
  'a write block in mid-stream, lifted: no dead letters, nothing lost, not ready meanwhile',
  async ({ run, folder }) => {
    const feed = await Feed.start();
    const dead = join(folder, 'dead.ndjson');
    const worker = await run(feed.pipeline({ dead_letter: { file: { path: dead } } }));
    const block = (value: true | null) =>
      elastic(elasticsearchUrl(), 'PUT', `/${feed.index}/_settings`, { 'index.blocks.write': value });
    await inMidStream(feed.index, 300);
    assert.equal((await worker.ready()).status, 200);
    await block(true);
    const { text } = await until('not ready', async () => {
      const ready = await worker.ready();
      return ready.status === 503 ? ready : undefined;
    });
    assert.match(text, /cluster_block_exception/);
    // Longer than the session timeout: the membership has to outlast it.
    await sleep(15_000);
    assert.equal((await worker.ready()).status, 503);
    await block(null);
    await feed.settle();
    await until('ready again', async () => (await worker.ready()).status === 200);
    assert.equal(await worker.settled('dead_lettered'), 0);
    assert.equal(await worker.end('SIGTERM'), 0);
    assert.equal(readFileSync(dead, 'utf8'), '');
  },
);

scene('SIGTERM while no broker answers: the worker ends all the same', async ({ run }) => {
  const feed = await Feed.start();
  const worker = await run(feed.pipeline());
  await inMidStream(feed.index, 300);
  await feed.stop();
  try {
    await stopKafka();
    assert.notEqual(await worker.end('SIGTERM'), 'SIGKILL');
  } finally {
    await startKafka();
  }
  const next = await run(feed.pipeline());
  await feed.settle();
  assert.equal(await next.end('SIGTERM'), 0);
});
