import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import kafkajs from 'kafkajs';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import {
  CLIENTS,
  type ClientName,
  committedOffsets,
  createTopic,
  Member,
  numbered,
  produce,
  testKafka,
  textOf,
  withAdmin,
} from './support/kafka.ts';
import { brokers, uniqueName, until } from './support/servers.ts';
import { asJson, collectingSink, kafkaStream } from './support/stream.ts';

/** Ends one transaction after the other, in the order given. */
const transactions = async (
  topic: string,
  list: readonly { readonly value: string; readonly count: number; readonly end: 'commit' | 'abort' }[],
): Promise<void> => {
  const producer = testKafka().producer({
    transactionalId: uniqueName('tx'),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  try {
    for (const { value, count, end } of list) {
      const transaction = await producer.transaction();
      for (let at = 0; at < count; at += 100)
        await transaction.send({
          topic,
          messages: Array.from({ length: Math.min(100, count - at) }, (_, n) => ({ value: `${value}-${at + n}` })),
        });
      await transaction[end]();
    }
  } finally {
    await producer.disconnect();
  }
};

for (const client of CLIENTS)
  describe(`topics as they are (${client})`, () => {
    test('of several aborted transactions, also such as are longer than a fetch, nothing is seen', async () => {
      const topic = await createTopic('aborts');
      await transactions(topic, [
        { value: 'aborted-1', count: 10, end: 'abort' },
        { value: 'kept-1', count: 10, end: 'commit' },
        { value: `aborted-2-${'x'.repeat(500)}`, count: 2000, end: 'abort' },
        { value: 'aborted-3', count: 10, end: 'abort' },
        { value: 'kept-2', count: 10, end: 'commit' },
      ]);
      const member = new Member({ client, topics: [topic], maxBytes: 60_000, maxBytesPerPartition: 60_000 });
      await member.start();
      try {
        await member.received(20);
        await produce(topic, [{ value: 'end' }]);
        await until('the last record', () => member.values().includes('end'));
        assert.deepEqual(
          member.values().map((value) => value.split('-', 2).join('-')),
          [...Array(10).fill('kept-1'), ...Array(10).fill('kept-2'), 'end'],
        );
      } finally {
        await member.close();
      }
    });

    test('a topic that ends with an aborted transaction is committed as far as it was read, and nothing hangs', async () => {
      const topic = await createTopic('aborted-end');
      const groupId = uniqueName('group');
      const taken: string[] = [];
      await produce(topic, numbered(20).map(asJson));
      await transactions(topic, [{ value: 'aborted', count: 50, end: 'abort' }]);
      const sink = collectingSink(taken, async () => {});
      const stream = kafkaStream({ client, topic, groupId, sink, budget: 100_000, fetchBytes: 10_000 });
      await stream.start();
      try {
        await until('what is there is committed', async () => String(await committedOffsets(groupId, topic)) === '20');
        await produce(topic, numbered(1, 20).map(asJson));
        await until('behind the gap', async () => Number((await committedOffsets(groupId, topic))[0]) === 72);
        assert.equal(taken.length, 21);
      } finally {
        await stream.stop();
      }
    });

    test('a compacted topic has gaps; positions move over them', { timeout: 90_000 }, async () => {
      const topic = await createTopic('compacted', 1, undefined, {
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.001',
        'segment.ms': '100',
        'max.compaction.lag.ms': '200',
        'delete.retention.ms': '0',
      });
      const keyed = (round: number) =>
        Array.from({ length: 50 }, (_, key) => ({ key: `k${key}`, value: JSON.stringify({ key, round }) }));
      for (let round = 0; round < 4; round += 1) await produce(topic, keyed(round));
      // Each write rolls a segment, and only what lies in closed ones is compacted.
      const compacted = async (): Promise<number> => {
        await produce(topic, [{ key: 'tick', value: '{}' }]);
        const reader = new Member({ client: 'kafkajs', topics: [topic] });
        await reader.start();
        await until('the tick', () => textOf(reader.seen.at(-1) ?? { value: null }) === '{}');
        await new Promise((resolve) => setTimeout(resolve, 500));
        await reader.close();
        return reader.seen.length;
      };
      await until('the cleaner has been there', async () => (await compacted()) < 150, { seconds: 75 });
      const [end] = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
      const groupId = uniqueName('group');
      const taken: string[] = [];
      const sink = collectingSink(taken, async () => {});
      const stream = kafkaStream({ client, topic, groupId, sink, budget: 100_000, fetchBytes: 10_000 });
      await stream.start();
      try {
        await until(
          'everything committed',
          async () => (await committedOffsets(groupId, topic))[0] === Number(end!.offset),
        );
        assert.ok(taken.length < Number(end!.offset), 'nothing was compacted: that proves nothing');
        assert.equal(new Set(taken).size, taken.length);
      } finally {
        await stream.stop();
      }
    });

    test('partitions that a topic gets in mid-stream are found within metadata_max_age', async () => {
      const topic = await createTopic('grows', 1);
      await produce(topic, numbered(10, 0, 0));
      const member = new Member({ client, topics: [topic], metadataMaxAgeMs: 1000 });
      await member.start();
      try {
        await member.received(10);
        await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
        await until('three partitions', () => member.owned.size === 3, { seconds: 10 });
        // Written before they were found, and yet not missed.
        await produce(topic, [...numbered(10, 10, 1), ...numbered(10, 20, 2)]);
        await member.received(30);
        assert.equal(new Set(member.values()).size, 30);
        assert.deepEqual(member.failures, []);
      } finally {
        await member.close();
      }
    });

    test('a topic that is deleted in mid-stream is told of, and the others go on', async () => {
      const [gone, stays] = [await createTopic('gone', 2), await createTopic('stays', 2)];
      await produce(gone, numbered(10));
      await produce(stays, numbered(10));
      const member = new Member({ client, topics: [gone, stays], metadataMaxAgeMs: 1000 });
      member.goOnAt = ({ topic, partition }) => {
        const last = member.seen.findLast((record) => record.topic === topic && record.partition === partition);
        return last === undefined ? undefined : last.offset + 1n;
      };
      await member.start();
      try {
        await member.received(20);
        await withAdmin((admin) => admin.deleteTopics({ topics: [gone] }));
        await until('trouble', () => member.troubles.at(-1) === 'unknown_topic_or_partition', { seconds: 20 });
        await produce(stays, numbered(10, 10));
        await member.received(30);
        assert.deepEqual(new Set(member.values(stays)), new Set(numbered(20).map(({ value }) => value)));
        assert.deepEqual(member.failures, []);
        assert.equal(member.troubles.at(-1), 'unknown_topic_or_partition', 'the trouble does not pass by itself');
        // Whoever deleted it by mistake makes it anew, and the stream goes on.
        await createTopic('', 2, gone);
        await produce(gone, numbered(5, 100), kafkajs.CompressionTypes.None);
        await until('its new records', () => member.values(gone).includes('104'), { seconds: 30 });
        assert.equal(member.troubles.at(-1), undefined);
      } finally {
        await member.close();
      }
    });

    test('a topic that is deleted and created anew before anyone has noticed is read from its beginning', async () => {
      const topic = await createTopic('anew', 1);
      const groupId = uniqueName('group');
      const taken: string[] = [];
      await produce(topic, numbered(50).map(asJson));
      const sink = collectingSink(taken, async () => {});
      const stream = kafkaStream({ client, topic, groupId, sink, budget: 100_000, fetchBytes: 10_000 });
      await stream.start();
      try {
        await until('all committed', async () => String(await committedOffsets(groupId, topic)) === '50');
        await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
        await until('it is gone', async () => !(await withAdmin((admin) => admin.listTopics())).includes(topic));
        await createTopic('', 1, topic);
        await produce(topic, numbered(10).map(asJson));
        await until('the new records', () => taken.length === 60, { seconds: 40 });
        await until('committed', async () => String(await committedOffsets(groupId, topic)) === '10');
      } finally {
        await stream.stop();
      }
    });
  });

for (const [first, second] of [CLIENTS, CLIENTS.toReversed()] as [ClientName, ClientName][])
  test(`a group of ${first} takes no member with ${second}: it is told, and the group goes on`, async () => {
    const topic = await createTopic('mixed', 2);
    const inside = new Member({ client: first, topics: [topic] });
    const outside = new Member(
      { topics: [topic], groupId: inside.groupId },
      kafkaConnectionSchema.parse({ brokers: brokers(), client: second, connect_timeout: 2000 }),
    );
    await inside.start();
    const starting = outside.consumer.start(outside).catch(() => {});
    try {
      await until('it is told', () => outside.history.some((entry) => entry.includes('protocols are incompatible')));
      await produce(topic, numbered(10));
      await inside.received(10);
      assert.equal(outside.troubles.at(-1), 'consumer_stopped');
      assert.deepEqual([inside.owned.size, outside.owned.size], [2, 0]);
    } finally {
      await Promise.all([inside.close(), outside.close()]);
      await starting;
    }
  });
