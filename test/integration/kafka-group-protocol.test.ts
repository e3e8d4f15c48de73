import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, consumerGroupDescribeV0, consumerGroupHeartbeatV1, FindCoordinatorKeyTypes } from '@platformatic/kafka';
import type { ConsumerSettings } from '../../src/connections/kafka/client.ts';
import { committedOffsets, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { brokers, uniqueName, until } from './support/servers.ts';

const create = (settings: Partial<ConsumerSettings> & Pick<ConsumerSettings, 'topics'>): Member => {
  const member = new Member({ client: 'platformatic', groupProtocol: 'consumer', ...settings });
  // As the engine answers it: behind the last record that this process has taken.
  member.goOnAt = ({ topic, partition }) => {
    const last = member.seen.findLast((record) => record.topic === topic && record.partition === partition);
    return last === undefined ? undefined : last.offset + 1n;
  };
  return member;
};
const places = ({ seen }: Member): string[] => seen.map(({ partition, offset }) => `${partition}-${offset}`);
const PARTITIONS = [0, 1, 2, 3];

/** What the group's coordinator is asked, or told. */
const withCoordinator = async <T>(
  groupId: string,
  work: (connection: Awaited<ReturnType<Admin['connections']['get']>>) => Promise<T>,
): Promise<T> => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers().split(',') });
  try {
    const [found] = await admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [groupId] });
    return await work(await admin.connections.get({ host: found!.host, port: found!.port }));
  } finally {
    await admin.close();
  }
};

const membersOf = (groupId: string): Promise<string[]> =>
  withCoordinator(groupId, async (connection) => {
    const { groups } = await consumerGroupDescribeV0.api.async(connection, [groupId], false);
    return groups[0]!.members.map(({ memberId }) => memberId);
  });

describe('group_protocol: consumer', { concurrency: true }, () => {
  test('a member reads, commits, and a restart goes on at the committed offsets', async () => {
    const topic = await createTopic('heartbeats', 4);
    for (const partition of PARTITIONS) await produce(topic, numbered(100, 0, partition));
    const first = create({ topics: [topic] });
    await first.start();
    await first.received(400);
    assert.equal(new Set(places(first)).size, 400);
    assert.ok(first.consumer.holds());
    await first.consumer.commit(PARTITIONS.map((partition) => ({ topic, partition, offset: 90n })));
    await first.close();
    assert.deepEqual(await committedOffsets(first.groupId, topic), [90, 90, 90, 90]);
    await assert.rejects(first.consumer.commit([{ topic, partition: 0, offset: 100n }]));
    const second = create({ topics: [topic], groupId: first.groupId });
    await second.start();
    await second.received(40);
    await second.close();
    assert.deepEqual(new Set(second.seen.map(({ offset }) => Number(offset) >= 90)), new Set([true]));
    assert.deepEqual([...first.failures, ...second.failures], []);
  });

  test('a second member takes half, nothing that the first keeps is read twice, and it gives them back', async () => {
    const topic = await createTopic('half', 4);
    for (const partition of PARTITIONS) await produce(topic, numbered(100, 0, partition));
    const first = create({ topics: [topic] });
    await first.start();
    await first.received(400);
    await first.consumer.commit(PARTITIONS.map((partition) => ({ topic, partition, offset: 60n })));
    const second = create({ topics: [topic], groupId: first.groupId });
    await second.start();
    try {
      await until('two partitions each', () => first.owned.size === 2 && second.owned.size === 2);
      assert.equal(new Set([...first.owned, ...second.owned]).size, 4);
      await second.received(80);
      for (const partition of PARTITIONS) await produce(topic, numbered(10, 100, partition));
      await Promise.all([first.received(420), second.received(100)]);
      assert.equal(new Set(places(first)).size, first.seen.length, 'a kept partition was read twice');
      const given = Number([...second.owned][0]!.split('-').at(-1));
      // Not its own any more: left out, and no error.
      await first.consumer.commit([{ topic, partition: given, offset: 110n }]);
      assert.equal((await committedOffsets(first.groupId, topic))[given], 60);
      await second.close();
      await until('all partitions again', () => first.owned.size === 4);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  test('a member that the group has forgotten joins again, and reads on where it was', async () => {
    const topic = await createTopic('forgotten', 2);
    await produce(topic, numbered(10, 0, 0));
    const member = create({ topics: [topic] });
    await member.start();
    try {
      await member.received(10);
      const [memberId] = await membersOf(member.groupId);
      await withCoordinator(member.groupId, (connection) =>
        consumerGroupHeartbeatV1.api.async(
          connection,
          member.groupId,
          memberId!,
          -1,
          null,
          null,
          -1,
          null,
          null,
          null,
          null,
        ),
      );
      await until('all revoked', () => member.history.filter((entry) => entry.startsWith('revoked')).length === 2);
      await until('all assigned again', () => member.owned.size === 2);
      await produce(topic, numbered(10, 10, 0));
      await member.received(20);
      assert.equal(new Set(places(member)).size, 20);
      await member.consumer.commit([{ topic, partition: 0, offset: 20n }]);
      assert.deepEqual(member.failures, []);
    } finally {
      await member.close();
    }
  });

  test('a static member gets its partitions back after a restart, and nothing moves', async () => {
    const topic = await createTopic('paused', 4);
    const groupId = uniqueName('group');
    const named = (groupInstanceId: string) => create({ topics: [topic], groupId, groupInstanceId });
    const [first, second] = [named('a'), named('b')];
    await first.start();
    await second.start();
    let again: Member | undefined;
    try {
      await until('two partitions each', () => first.owned.size === 2 && second.owned.size === 2);
      const [before, moves] = [[...second.owned].sort(), first.history.length];
      await second.close();
      await sleep(6000);
      again = named('b');
      await again.start();
      await until('both partitions again', () => again!.owned.size === 2);
      assert.deepEqual([...again.owned].sort(), before);
      assert.deepEqual(first.history.slice(moves), []);
    } finally {
      await Promise.all([first.close(), second.close(), again?.close()]);
    }
  });

  test('a topic that matches the pattern later is read, and more partitions too', async () => {
    const prefix = uniqueName('later');
    await createTopic('later', 1, `${prefix}-a`);
    const member = create({ topics: [new RegExp(`^${prefix}-`)] });
    await member.start();
    try {
      await createTopic('later', 1, `${prefix}-b`);
      await produce(`${prefix}-b`, numbered(5));
      await member.received(5);
      assert.equal(member.owned.size, 2);
    } finally {
      await member.close();
    }
  });

  test('of two workers with one group_instance_id, the newer one waits until the older one stops', async () => {
    const topic = await createTopic('twins', 2);
    const named = () =>
      create({ topics: [topic], groupId: first?.groupId ?? uniqueName('group'), groupInstanceId: 'twin' });
    let first: Member | undefined;
    first = named();
    await first.start();
    const second = named();
    await second.consumer.start(second);
    try {
      await until('that it is told', () => second.troubles.includes('consumer_stopped'));
      assert.equal(second.consumer.holds(), false);
      assert.equal(first.owned.size, 2);
      await first.close();
      await until('both partitions', () => second.owned.size === 2);
      assert.equal(second.troubles.at(-1), undefined);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  test('workers change over from classic one after the other', async () => {
    const topic = await createTopic('changed', 2);
    for (const partition of [0, 1]) await produce(topic, numbered(10, 0, partition));
    const classic = create({ topics: [topic], groupProtocol: 'classic' });
    await classic.start();
    await classic.received(20);
    await classic.consumer.commit([0, 1].map((partition) => ({ topic, partition, offset: 10n })));
    const newer = create({ topics: [topic], groupId: classic.groupId });
    await newer.start();
    try {
      await until('one partition each', () => classic.owned.size === 1 && newer.owned.size === 1);
      await classic.close();
      await until('both partitions', () => newer.owned.size === 2);
      for (const partition of [0, 1]) await produce(topic, numbered(10, 10, partition));
      await newer.received(20);
      assert.deepEqual(
        [...new Set(newer.values().map(Number))].sort((a, b) => a - b),
        [...Array(10).keys()].map((n) => n + 10),
      );
    } finally {
      await Promise.all([classic.close(), newer.close()]);
    }
  });
});
