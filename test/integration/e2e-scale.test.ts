import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSluice } from '../support/run-sluice.ts';
import { allHits } from './support/elasticsearch.ts';
import { committedOffsets, createTopic } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene, type Worker } from './support/worker.ts';

const PARTITIONS = 8;
const DOCUMENTS = 6000;

scene('a published dump is shared by 1, 2 and 4 workers, and handed over when some leave', async ({ run, folder }) => {
  const topic = await createTopic('scale', PARTITIONS);
  const index = uniqueName('scale');
  const pipeline = {
    name: 'scale',
    source: {
      kafka: { brokers: brokers(), topics: topic, group_id: topic, session_timeout: '6s', heartbeat_interval: '500ms' },
    },
    processors: [{ set: { field: 'seen', value: true } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{n}}}', batch: { max_documents: 50 } } },
    limits: { commit_interval: '200ms', in_flight_bytes: '64kb' },
  };
  writeFileSync(join(folder, 'scale.yaml'), JSON.stringify(pipeline));
  const publish = async (from: number) => {
    const dump = Array.from({ length: DOCUMENTS }, (_, n) => JSON.stringify({ n: from + n, text: 'x'.repeat(200) }));
    writeFileSync(join(folder, 'dump.ndjson'), `${dump.join('\n')}\n`);
    const { code, stderr } = await runSluice(
      folder,
      'publish',
      'scale.yaml',
      '--from',
      'dump.ndjson',
      '--key',
      '{{{n}}}',
    );
    assert.equal(code, 0, stderr);
  };
  const reads = (workers: readonly Worker[]) =>
    Promise.all(workers.map((worker) => worker.metric('sluice_documents_read_total')));
  const joined = (workers: readonly Worker[]) =>
    until(
      `${workers.length} workers share the partitions`,
      () =>
        workers.every(
          ({ stderr }) =>
            [...stderr.matchAll(/joined the group {2}partitions=(\d+)/g)].at(-1)?.[1] ===
            String(PARTITIONS / workers.length),
        ),
      { seconds: 60 },
    );
  const settled = async (total: number) => {
    await until(
      `${total} documents are there`,
      async () => (await allHits(elasticsearchUrl(), index)).length >= total,
      {
        seconds: 60,
        everyMs: 300,
      },
    );
  };

  const workers: Worker[] = [];
  let total = 0;
  for (const count of [1, 2, 4]) {
    while (workers.length < count) workers.push(await run(pipeline));
    await joined(workers);
    const before = await reads(workers);
    await publish(total);
    total += DOCUMENTS;
    await settled(total);
    const shares = (await reads(workers)).map((read, at) => (read - before[at]!) / DOCUMENTS);
    // Keys spread evenly, as hashes do: nobody has everything, nobody nothing.
    for (const share of shares)
      assert.ok(Math.abs(share - 1 / count) < 0.5 / count, `shares of ${count} workers: ${shares.join(', ')}`);
  }

  // Two leave, one of them without a word, while there is work.
  const published = publish(total);
  total += DOCUMENTS;
  const [first, second, ...rest] = workers as [Worker, Worker, ...Worker[]];
  assert.equal(await first.end('SIGTERM'), 0);
  await second.end('SIGKILL');
  await published;
  await settled(total);
  const numbers = (await allHits(elasticsearchUrl(), index)).map(({ _source }) => Number(_source.n));
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: total }, (_, n) => n),
  );
  await joined(rest);
  await until('all is committed', async () => {
    const offsets = await committedOffsets(topic, topic);
    return offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0) === total;
  });
});
