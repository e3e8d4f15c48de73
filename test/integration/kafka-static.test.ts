import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopic, Member, numbered, produce } from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';

/** Of the two clients, the one that has static membership. */
const client = 'platformatic';

test('a worker that starts again under its group_instance_id gets its partitions back, and nothing moves', async () => {
  const topic = await createTopic('static', 4);
  const groupId = uniqueName('group');
  const create = (groupInstanceId: string) =>
    new Member({ client, topics: [topic], groupId, groupInstanceId, sessionTimeoutMs: 10_000 });
  const [first, second] = [create('a'), create('b')];
  await first.start();
  await second.start();
  let again: Member | undefined;
  try {
    await until('two partitions each', () => first.owned.size === 2 && second.owned.size === 2);
    const [before, moves] = [[...second.owned].sort(), first.history.length];
    for (const partition of [0, 1, 2, 3]) await produce(topic, numbered(10, 0, partition));
    await second.received(20);
    await second.consumer.commit(
      before.map((name) => ({ topic, partition: Number(name.split('-').at(-1)), offset: 5n })),
    );
    await second.close();
    // As long as a restart takes; a member that had left would be missed at once.
    await sleep(3000);
    assert.equal(first.owned.size, 2);
    again = create('b');
    await again.start();
    await again.received(10);
    assert.deepEqual([...again.owned].sort(), before);
    assert.deepEqual([...new Set(again.values())], ['5', '6', '7', '8', '9']);
    const changes = first.history.slice(moves).filter((entry) => /^(assigned|revoked)/.test(entry));
    assert.deepEqual(changes, []);
  } finally {
    await Promise.all([first.close(), second.close(), again?.close()]);
  }
});

test('of two workers with one group_instance_id, the older ends and says why', async () => {
  const topic = await createTopic('fenced', 2);
  const groupId = uniqueName('group');
  const create = () => new Member({ client, topics: [topic], groupId, groupInstanceId: 'twin' });
  const [first, second] = [create(), create()];
  await first.start();
  await second.start();
  try {
    await until('the older ends', () => first.failures.length > 0);
    assert.match(first.failures[0]!.message, /another member of the group has the group_instance_id \[twin\]/);
    await sleep(2000);
    assert.equal(second.owned.size, 2);
    assert.deepEqual(second.failures, []);
    await assert.rejects(first.consumer.commit([{ topic, partition: 0, offset: 1n }]));
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});
