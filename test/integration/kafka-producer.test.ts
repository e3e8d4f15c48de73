import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { CLIENTS, type ClientName, createTopic, Member, readTopic, textOf } from './support/kafka.ts';
import { brokers, uniqueName } from './support/servers.ts';

const producing = async <T>(
  client: ClientName,
  work: (producer: ReturnType<ReturnType<typeof kafkaClient>['producer']>) => Promise<T>,
): Promise<T> => {
  const producer = kafkaClient(kafkaConnectionSchema.parse({ brokers: brokers(), client })).producer();
  await producer.connect();
  try {
    return await work(producer);
  } finally {
    await producer.close();
  }
};

test('a key has the same partition whichever client writes', async () => {
  const partitions: string[] = [];
  for (const client of CLIENTS) {
    const topic = await createTopic('keys', 7);
    const messages = Array.from({ length: 200 }, (_, n) => ({ topic, key: `key-${n}-ł`, value: 'v' }));
    await producing(client, (producer) => producer.send(messages));
    const member = new Member({ topics: [topic] });
    await member.start();
    await member.received(200);
    await member.close();
    partitions.push(
      member.seen
        .map(({ key, partition }) => `${Buffer.from(key!).toString()} ${partition}`)
        .sort()
        .join(),
    );
  }
  assert.equal(partitions[0], partitions[1]);
});

for (const client of CLIENTS)
  describe(`a producer (${client})`, () => {
    test('keeps values, tombstones, keys and headers, and spreads what has no key', async () => {
      const topic = await createTopic('produced', 4);
      await producing(client, async (producer) => {
        await producer.send([
          { topic, key: 'k', value: 'Łódź', headers: { a: 'b', c: Buffer.from([255]) } },
          { topic, key: 'k', value: null },
        ]);
        await producer.send(Array.from({ length: 40 }, (_, n) => ({ topic, key: null, value: String(n) })));
      });
      const records = await readTopic(topic, 42);
      const keyed = records.filter(({ key }) => key !== null);
      assert.deepEqual(keyed.map(textOf), ['Łódź', '']);
      assert.equal(keyed[1]!.value, null);
      assert.equal(String(keyed[0]!.headers.a), 'b');
      assert.deepEqual([...Buffer.from(keyed[0]!.headers.c as Uint8Array)], [255]);
      assert.equal(new Set(records.map((record) => textOf(record))).size, 42);
    });

    test('says whose fault it is: a message that is too large, a topic that cannot be', async () => {
      const topic = await createTopic('large');
      const random = Array.from({ length: 300_000 }, () => Math.random().toString(36).slice(2, 10)).join('');
      await assert.rejects(
        producing(client, (producer) => producer.send([{ topic, key: null, value: random }])),
        { name: 'KafkaSendError', kind: 'split', type: 'MESSAGE_TOO_LARGE' },
      );
      await assert.rejects(
        producing(client, (producer) => producer.send([{ topic: 'a/b', key: null, value: 'x' }])),
        { name: 'KafkaSendError', kind: 'destination', type: 'INVALID_TOPIC_EXCEPTION' },
      );
    });
  });

// kafkajs asks for it again for longer than a test should take.
test('platformatic: a topic that is not there is the destination’s fault', async () => {
  await assert.rejects(
    producing('platformatic', (producer) => producer.send([{ topic: uniqueName('missing'), key: null, value: 'x' }])),
    { name: 'KafkaSendError', kind: 'destination', type: 'UNKNOWN_TOPIC_OR_PARTITION' },
  );
});
