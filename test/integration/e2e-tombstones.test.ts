import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allHits } from './support/elasticsearch.ts';
import { createTopic, produce } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { type Scene, scene } from './support/worker.ts';

const KEYS = 60;
const RECORDS = KEYS + KEYS / 3 + 1;

/** Keyed documents, then a tombstone for every third key and for one that there never was. */
const play = async ({ run }: Scene, tombstones: string, more: object = {}) => {
  const topic = await createTopic('tombstones', 2);
  const index = uniqueName('tombstones');
  await produce(topic, [
    ...Array.from({ length: KEYS }, (_, n) => ({ key: `k-${n}`, partition: n % 2, value: JSON.stringify({ n }) })),
    ...Array.from({ length: KEYS / 3 }, (_, n) => ({ key: `k-${3 * n}`, partition: (3 * n) % 2, value: null })),
    { key: 'never', partition: 0, value: null },
  ]);
  const worker = await run({
    name: 'tombstones',
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group'), tombstones } },
    processors: [{ set: { field: 'seen', value: true } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{_kafka.key}}}' } },
    ...more,
  });
  await until('all settled', async () => (await worker.settled()) === RECORDS);
  const settled = {
    delivered: await worker.settled('delivered'),
    filtered: await worker.settled('filtered'),
    dead_lettered: await worker.settled('dead_lettered'),
  };
  assert.equal(await worker.end('SIGTERM'), 0);
  const ids = (await allHits(elasticsearchUrl(), index)).map(({ _id }) => _id).sort();
  return { topic, ids, settled };
};

const all = Array.from({ length: KEYS }, (_, n) => `k-${n}`).sort();

scene('tombstones that delete: what has one is gone, and one without a document does no harm', async (stage) => {
  const { ids, settled } = await play(stage, 'delete');
  assert.deepEqual(
    ids,
    all.filter((id) => Number(id.slice(2)) % 3 !== 0),
  );
  assert.equal(settled.dead_lettered, 0);
});

scene('tombstones that are ignored: every document stays', async (stage) => {
  const { ids, settled } = await play(stage, 'ignore');
  assert.deepEqual(ids, all);
  assert.deepEqual(settled, { delivered: KEYS, filtered: RECORDS - KEYS, dead_lettered: 0 });
});

scene('tombstones as dead letters: every document stays, and each tombstone is kept with its origin', async (stage) => {
  const path = join(stage.folder, 'dead.ndjson');
  const { topic, ids, settled } = await play(stage, 'dead_letter', { dead_letter: { file: { path } } });
  assert.deepEqual(ids, all);
  assert.deepEqual(settled, { delivered: KEYS, filtered: 0, dead_lettered: RECORDS - KEYS });
  const letters = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          error: { type: string; message: string };
          origin: { topic: string; partition: number; offset: number };
          raw?: object;
        },
    );
  const places = letters.map(({ error, origin, raw }) => {
    assert.equal(error.type, 'parse_exception');
    assert.match(error.message, /tombstone/);
    assert.equal(origin.topic, topic);
    assert.equal(raw, undefined);
    return `${origin.partition}-${origin.offset}`;
  });
  // Each partition has half of the keys before its tombstones.
  const expected = [11, 10].flatMap((count, partition) =>
    Array.from({ length: count }, (_, n) => `${partition}-${KEYS / 2 + n}`),
  );
  assert.deepEqual(places.sort(), expected.sort());
});
