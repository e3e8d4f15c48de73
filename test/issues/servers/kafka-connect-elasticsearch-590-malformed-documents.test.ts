import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allHits, elastic } from '../../integration/support/elasticsearch.ts';
import { createTopic, testKafka } from '../../integration/support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from '../../integration/support/servers.ts';
import { scene } from '../../integration/support/worker.ts';

// confluentinc/kafka-connect-elasticsearch#590: documents that the index refuses never reach the dead letter.
scene(
  'kafka-connect-elasticsearch#590: what cannot be read or indexed is a dead letter, its neighbours are not',
  async ({ run, folder }) => {
    const topic = await createTopic('malformed', 1);
    const index = uniqueName('malformed');
    const url = elasticsearchUrl();
    await elastic(url, 'PUT', `/${index}`, { mappings: { properties: { n: { type: 'long' }, at: { type: 'date' } } } });
    const values = ['{"n":0}', '{"n":1', '{"n":"two"}', '{"n":3,"at":"yesterday"}', '{"n":{"a":4}}', '[5]', '{"n":6}'];
    const producer = testKafka().producer();
    await producer.connect();
    await producer.send({ topic, messages: values.map((value) => ({ key: 'k', value })) });
    await producer.disconnect();
    const dead = join(folder, 'dead.ndjson');
    const worker = await run({
      name: 'malformed',
      source: { kafka: { brokers: brokers(), topics: topic, group_id: topic } },
      sink: { elasticsearch: { nodes: url, index, mappings: 'off' } },
      dead_letter: { file: { path: dead } },
      limits: { dead_letter_ratio: 1 },
    });
    await until('all have ended', async () => (await worker.settled()) === values.length);
    assert.equal(await worker.end('SIGTERM'), 0);
    assert.deepEqual((await allHits(url, index)).map(({ _source }) => Number(_source.n)).sort(), [0, 6]);
    const letters = readFileSync(dead, 'utf8')
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            origin: { offset: number };
            error: { type: string; message: string };
            raw: { base64: string };
          },
      )
      .sort((a, b) => a.origin.offset - b.origin.offset);
    assert.deepEqual(
      letters.map(({ origin, error }) => [origin.offset, error.type]),
      [
        [1, 'parse_exception'],
        [2, 'document_parsing_exception'],
        [3, 'document_parsing_exception'],
        [4, 'document_parsing_exception'],
        [5, 'parse_exception'],
      ],
    );
    assert.deepEqual(
      letters.map(({ raw }) => Buffer.from(raw.base64, 'base64').toString()),
      values.slice(1, 6),
    );
    assert.match(letters[1]!.error.message, /failed to parse field \[n\] of type \[long\]/);
  },
);
