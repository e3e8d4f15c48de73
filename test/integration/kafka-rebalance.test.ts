import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENTS, committedOffsets, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';
import { asJson, collectingSink, kafkaStream } from './support/stream.ts';

/** As the engine answers it: behind the last record that this process has taken. */
const goOnWhereSeen = (member: Member) => {
  member.goOnAt = ({ topic, partition }) => {
    const last = member.seen.findLast((record) => record.topic === topic && record.partition === partition);
    return last === undefined ? undefined : last.offset + 1n;
  };
};

const places = (member: Member): string[] => member.seen.map(({ partition, offset }) => `${partition}-${offset}`);
for (const client of CLIENTS)
  describe(client, () => {
    test('a second member takes half of the partitions at their committed offsets, and gives them back', async () => {
      const topic = await createTopic('rebalance', 4);
      const partitions = [0, 1, 2, 3];
      for (const partition of partitions) await produce(topic, numbered(100, 0, partition));
      const first = new Member({ client, topics: [topic] });
      goOnWhereSeen(first);
      await first.start();
      await first.received(400);
      await first.consumer.commit(partitions.map((partition) => ({ topic, partition, offset: 60n })));
      const second = new Member({ client, topics: [topic], groupId: first.groupId });
      goOnWhereSeen(second);
      await second.start();
      try {
        await until('two partitions each', () => first.owned.size === 2 && second.owned.size === 2);
        assert.equal(new Set([...first.owned, ...second.owned]).size, 4);
        await second.received(80);
        // The others were kept by the first member, which goes on where it is, not at the committed offset.
        for (const partition of partitions) await produce(topic, numbered(10, 100, partition));
        await Promise.all([first.received(420), second.received(100)]);
        assert.equal(new Set(places(first)).size, first.seen.length, 'a kept partition was read twice');
        assert.deepEqual(
          [...new Set(second.seen.map(({ offset }) => Number(offset)))],
          numbered(50, 60).map(({ value }) => Number(value)),
        );
        await second.close();
        await until('all partitions again', () => first.owned.size === 4);
        for (const partition of partitions) await produce(topic, numbered(10, 110, partition));
        const all = partitions.flatMap((partition) => numbered(120).map(({ value }) => `${partition}-${value}`));
        await until('everything', () => new Set(places(first)).size === all.length);
        assert.deepEqual(new Set(places(first)), new Set(all));
      } finally {
        await first.close();
      }
    });

    test('a partition that was paused alone when it went away is read when it comes back', async () => {
      const topic = await createTopic('paused-alone', 2);
      const first = new Member({ client, topics: [topic] });
      await first.start();
      await until('both partitions', () => first.owned.size === 2);
      for (const partition of [0, 1]) first.consumer.pausePartition({ topic, partition });
      const second = new Member({ client, topics: [topic], groupId: first.groupId });
      await second.start();
      try {
        await until('one partition each', () => first.owned.size === 1 && second.owned.size === 1);
        const [kept] = [...first.owned];
        await second.close();
        await until('both again', () => first.owned.size === 2);
        await produce(topic, [...numbered(10, 0, 0), ...numbered(10, 0, 1)]);
        await first.received(10);
        assert.equal(
          new Set(first.seen.map(({ partition }) => partition)).size,
          1,
          'the one that was kept stays paused',
        );
        assert.ok(kept?.endsWith(String(1 - first.seen[0]!.partition)), `${kept} was kept`);
        first.consumer.resumePartition({ topic, partition: 1 - first.seen[0]!.partition });
        await first.received(20);
      } finally {
        await first.close();
      }
    });

    test('a commit for a partition that another member owns by now is left out', async () => {
      const topic = await createTopic('foreign-commit', 2);
      await produce(topic, [...numbered(10, 0, 0), ...numbered(10, 0, 1)]);
      const first = new Member({ client, topics: [topic] });
      await first.start();
      await first.received(20);
      const second = new Member({ client, topics: [topic], groupId: first.groupId });
      await second.start();
      try {
        await until('one partition each', () => first.owned.size === 1 && second.owned.size === 1);
        await first.consumer.commit([0, 1].map((partition) => ({ topic, partition, offset: 7n })));
        const committed = await committedOffsets(first.groupId, topic);
        assert.deepEqual([...committed].sort(), [-1, 7]);
      } finally {
        await Promise.all([first.close(), second.close()]);
      }
    });

    test('members that come and go under load lose nothing, and commit nothing that was not written', async () => {
      const topic = await createTopic('churn', 4);
      const groupId = uniqueName('group');
      const taken: string[] = [];
      const slow = () => sleep(10);
      const streams = Array.from({ length: 4 }, () =>
        kafkaStream({ client, topic, groupId, sink: collectingSink(taken, slow), budget: 400_000, fetchBytes: 10_000 }),
      );
      const [steady, ...guests] = streams;
      let producing = true;
      let produced = 0;
      const producer = (async () => {
        while (producing || produced < 3000) {
          for (const partition of [0, 1, 2, 3]) await produce(topic, numbered(25, produced, partition).map(asJson));
          produced += 100;
        }
      })();
      await steady!.start();
      try {
        for (const guest of guests) {
          await guest.start();
          await until('the guest works', () => guest.counters.settledTotal > 50);
          const committed = await committedOffsets(groupId, topic);
          const have = new Set(taken);
          committed.forEach((offset, partition) => {
            for (let at = 0; at < offset; at += 1)
              assert.ok(have.has(`${partition}-${at}`), `${partition}-${at} was committed`);
          });
          await guest.stop();
        }
        producing = false;
        await producer;
        const end = produced / 4;
        let committed: number[] = [];
        await until('everything committed', async () =>
          (committed = await committedOffsets(groupId, topic)).every((offset) => offset === end),
        ).catch((error: Error) => {
          const counters = streams.map(({ counters, inFlight }) => ({ ...counters, ...inFlight }));
          throw new Error(`${error.message}; ${committed} of ${end}; ${JSON.stringify(counters)}`);
        });
        assert.equal(new Set(taken).size, produced);
        // What was in flight when its partition moved may come again; no more than that.
        assert.ok(taken.length - produced < 1000, `${taken.length - produced} documents were written twice`);
      } finally {
        producing = false;
        await producer;
        await steady!.stop();
      }
    });
  });
