import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLIENTS, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';

for (const client of CLIENTS)
  describe(client, () => {
    test('a pattern finds a topic that comes later, and the others keep their positions', async () => {
      const prefix = uniqueName('news');
      const first = await createTopic('', 2, `${prefix}.sport`);
      await createTopic('', 1, `other-${prefix}`);
      await produce(first, [...numbered(100, 0, 0), ...numbered(100, 1000, 1)]);
      const member = new Member({ client, topics: [new RegExp(`^${prefix}\\.`)], metadataMaxAgeMs: 1000 });
      // Nothing is committed: what keeps the position is the engine's own answer.
      member.goOnAt = ({ topic, partition }) => {
        const last = member.seen.findLast((record) => record.topic === topic && record.partition === partition);
        return last === undefined ? undefined : last.offset + 1n;
      };
      await member.start();
      try {
        await member.received(200);
        const second = await createTopic('', 1, `${prefix}.politics`);
        await produce(second, numbered(50, 2000));
        await until('the new topic', () => member.owned.has(`${second}-0`), { seconds: 10 });
        await produce(first, numbered(10, 100, 0));
        await member.received(260);
        assert.deepEqual(
          member.values().sort(),
          [...numbered(110), ...numbered(100, 1000), ...numbered(50, 2000)].map(({ value }) => String(value)).sort(),
        );
        assert.deepEqual(member.failures, []);
      } finally {
        await member.close();
      }
    });

    test('a pattern may match nothing at first', async () => {
      const prefix = uniqueName('later');
      const member = new Member({ client, topics: [new RegExp(`^${prefix}`)], metadataMaxAgeMs: 500 });
      await member.consumer.start(member);
      try {
        const topic = await createTopic('', 1, `${prefix}-a`);
        await produce(topic, numbered(5));
        await member.received(5);
        assert.deepEqual(member.values(), ['0', '1', '2', '3', '4']);
      } finally {
        await member.close();
      }
    });
  });
