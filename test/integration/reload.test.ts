import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allHits } from './support/elasticsearch.ts';
import { Feed, inMidStream } from './support/feed.ts';
import { elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

scene(
  'SIGHUP changes the pipeline, then the index, in mid-stream: nothing lost, nothing doubled',
  async ({ run, folder }) => {
    const feed = await Feed.start();
    const worker = await run(feed.pipeline());
    try {
      const [name = ''] = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
      const change = async (pipeline: object) => {
        writeFileSync(join(folder, name), JSON.stringify(pipeline));
        const before = worker.stderr.length;
        worker.signal('SIGHUP');
        await until('the change is in use', () => worker.stderr.slice(before).includes('is in use'));
      };
      await inMidStream(feed.index, 200);

      await change(feed.pipeline({ processors: [{ set: { field: 'by', value: 'new' } }] }));
      assert.equal(worker.stderr.match(/joined the group/g)?.length, 1, 'new processors need no new membership');
      await inMidStream(feed.index, (await allHits(elasticsearchUrl(), feed.index)).length + 200);

      const other = uniqueName('index');
      await change(feed.pipeline({ sink: { index: other }, processors: [{ set: { field: 'by', value: 'other' } }] }));
      await inMidStream(other, 200);

      // A cluster that is not there: the old stream goes on.
      writeFileSync(
        join(folder, name),
        JSON.stringify(feed.pipeline({ sink: { index: other, nodes: 'http://127.0.0.1:1', connect_timeout: '1s' } })),
      );
      worker.signal('SIGHUP');
      await until('the change is refused', () => worker.stderr.includes('is refused; the old one goes on'));
      await inMidStream(other, (await allHits(elasticsearchUrl(), other)).length + 200);

      await feed.stop();
      const all = async () => [
        ...(await allHits(elasticsearchUrl(), feed.index)),
        ...(await allHits(elasticsearchUrl(), other)),
      ];
      await until('everything is there', async () => (await all()).length >= feed.sent, { seconds: 60 });
      const hits = await all();
      assert.deepEqual(
        hits.map(({ _source }) => Number(_source.n)).sort((a, b) => a - b),
        Array.from({ length: feed.sent }, (_, n) => n),
      );
      assert.deepEqual([...new Set(hits.map(({ _source }) => String(_source.by)))].sort(), [
        'new',
        'other',
        'undefined',
      ]);
      assert.equal(await worker.end('SIGTERM'), 0);
    } finally {
      await feed.stop();
    }
  },
);
