import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import {
  CLIENTS,
  committedOffsets,
  createTopic,
  Member,
  numbered,
  produce,
  testKafka,
  textOf,
} from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';

for (const client of CLIENTS)
  describe(client, () => {
    test('a member gets the records of each partition in order, with key, headers and time', async () => {
      const topic = await createTopic('order', 3);
      for (const partition of [0, 1, 2]) await produce(topic, numbered(700, partition * 1000, partition));
      await produce(topic, [
        { partition: 0, key: 'k', value: null, headers: { a: ['1', '2'], b: Buffer.from([255]) } },
      ]);
      const member = new Member({ client, topics: [topic] });
      await member.start();
      try {
        await member.received(2101);
        for (const partition of [0, 1, 2]) {
          const mine = member.seen.filter((record) => record.partition === partition);
          assert.deepEqual(
            mine.map(({ offset }) => offset),
            Array.from({ length: partition === 0 ? 701 : 700 }, (_, index) => BigInt(index)),
          );
          assert.deepEqual(
            mine.slice(0, 700).map(textOf),
            numbered(700, partition * 1000).map(({ value }) => value),
          );
        }
        const tombstone = member.seen.find(({ value }) => value === null)!;
        assert.equal(Buffer.from(tombstone.key!).toString(), 'k');
        assert.equal(String(tombstone.headers.a), '2');
        assert.deepEqual([...Buffer.from(tombstone.headers.b as Uint8Array)], [255]);
        assert.ok(Math.abs(tombstone.timestamp - Date.now()) < 60_000);
      } finally {
        await member.close();
      }
    });

    test('a restart goes on at the committed offsets', async () => {
      const topic = await createTopic('restart', 2);
      await produce(topic, [...numbered(300, 0, 0), ...numbered(300, 1000, 1)]);
      const first = new Member({ client, topics: [topic] });
      await first.start();
      await first.received(600);
      await first.consumer.commit([
        { topic, partition: 0, offset: 120n },
        { topic, partition: 1, offset: 300n },
      ]);
      // Reading has stopped, and the membership still holds for a last commit.
      await first.consumer.stop();
      await first.consumer.commit([{ topic, partition: 0, offset: 200n }]);
      await first.consumer.close();
      assert.deepEqual(await committedOffsets(first.groupId, topic), [200, 300]);
      const second = new Member({ client, topics: [topic], groupId: first.groupId });
      await second.start();
      try {
        await second.received(100);
        await produce(topic, numbered(10, 2000, 1));
        await second.received(110);
        assert.deepEqual(
          second.values(),
          [...numbered(100, 200), ...numbered(10, 2000)].map(({ value }) => value),
        );
      } finally {
        await second.close();
      }
    });

    test('what is committed after the membership has ended is refused, not lost silently', async () => {
      const topic = await createTopic('late-commit');
      await produce(topic, numbered(5));
      const member = new Member({ client, topics: [topic] });
      await member.start();
      await member.received(5);
      await member.close();
      await assert.rejects(member.consumer.commit([{ topic, partition: 0, offset: 5n }]));
    });

    test('a group without commits starts at the beginning, at the end, or at a moment', async () => {
      const topic = await createTopic('start', 2);
      await produce(topic, [...numbered(50, 0, 0), ...numbered(50, 100, 1)]);
      await sleep(20);
      const moment = Date.now();
      await sleep(20);
      await produce(topic, [...numbered(20, 50, 0)]);
      const members = {
        earliest: new Member({ client, topics: [topic], start: 'earliest' }),
        latest: new Member({ client, topics: [topic], start: 'latest' }),
        moment: new Member({ client, topics: [topic], start: moment }),
        future: new Member({ client, topics: [topic], start: Date.now() + 3_600_000 }),
      };
      const all = Object.values(members);
      await Promise.all(all.map((member) => member.start()));
      try {
        await Promise.all([members.earliest.received(120), members.moment.received(20)]);
        await sleep(1000);
        await produce(topic, [
          { partition: 0, value: 'late' },
          { partition: 1, value: 'late' },
        ]);
        await Promise.all([
          members.earliest.received(122),
          members.moment.received(22),
          members.latest.received(2),
          members.future.received(2),
        ]);
        assert.deepEqual(members.latest.values(), ['late', 'late']);
        assert.deepEqual(members.future.values(), ['late', 'late']);
        assert.deepEqual(
          members.moment.values().sort(),
          [...numbered(20, 50).map(({ value }) => String(value)), 'late', 'late'].sort(),
        );
      } finally {
        await Promise.all(all.map((member) => member.close()));
      }
    });

    test('a topic that does not exist is a mistake that is told', async () => {
      const member = new Member({ client, topics: [uniqueName('missing')] });
      await assert.rejects(member.consumer.start(member), /does not exist/);
      await member.close();
    });

    test('records of an aborted transaction are not seen', async () => {
      const topic = await createTopic('transactions');
      const producer = testKafka().producer({
        transactionalId: uniqueName('tx'),
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      for (const [value, end] of [
        ['kept-1', 'commit'],
        ['aborted', 'abort'],
        ['kept-2', 'commit'],
      ] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: Array.from({ length: 10 }, () => ({ value })) });
        await transaction[end]();
      }
      await producer.disconnect();
      await produce(topic, [{ value: 'end' }], kafkajs.CompressionTypes.None);
      const member = new Member({ client, topics: [topic] });
      await member.start();
      try {
        await until('the last record', () => member.values().includes('end'));
        assert.deepEqual(member.values(), [...Array(10).fill('kept-1'), ...Array(10).fill('kept-2'), 'end']);
        // Control records take offsets too: the next position lies behind the gap.
        assert.ok(member.seen.at(-1)!.offset > 30n);
      } finally {
        await member.close();
      }
    });

    test('a timestamp is where partitions begin that the group never committed, and only those', async () => {
      const topic = await createTopic('since', 2);
      const now = Date.now();
      const at = (timestamp: number, from: number) =>
        [...numbered(50, from, 0), ...numbered(50, 1000 + from, 1)].map((message) => ({
          ...message,
          timestamp: String(timestamp),
        }));
      await produce(topic, at(now - 60_000, 0));
      await produce(topic, at(now, 50));
      const first = new Member({ client, topics: [topic], start: now - 30_000 });
      try {
        await first.start();
        await first.received(100);
        assert.deepEqual(
          first.values().sort(),
          [...numbered(50, 50), ...numbered(50, 1050)].map(({ value }) => value).sort(),
        );
        await first.consumer.commit([{ topic, partition: 0, offset: 90n }]);
      } finally {
        await first.close();
      }
      // The committed offset counts for partition 0, however often the group is joined; partition 1 still has none.
      const second = new Member({ client, topics: [topic], start: now - 30_000, groupId: first.groupId });
      try {
        await second.start();
        await second.received(60);
        assert.deepEqual(
          second.values().sort(),
          [...numbered(10, 90), ...numbered(50, 1050)].map(({ value }) => value).sort(),
        );
      } finally {
        await second.close();
      }
    });
  });
