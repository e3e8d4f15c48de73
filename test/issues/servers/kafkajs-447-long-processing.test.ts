import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopic, numbered, produce, withAdmin } from '../../integration/support/kafka.ts';
import { uniqueName, until } from '../../integration/support/servers.ts';
import { asJson, collectingSink, kafkaStream } from '../../integration/support/stream.ts';

const SESSION_MS = 6000;

// tulios/kafkajs#447: a handler that takes longer than the session loses the membership, and its work is done twice.
test('kafkajs#447: work that takes longer than two sessions is done once, by a member that stays', async () => {
  const topic = await createTopic('long', 1);
  const groupId = uniqueName('long');
  await produce(topic, numbered(20).map(asJson));
  const taken: string[] = [];
  let asked = 0;
  const sink = collectingSink(taken, async () => {
    asked += 1;
    await sleep(2.2 * SESSION_MS);
  });
  const stream = kafkaStream({ client: 'kafkajs', topic, groupId, sink, budget: 1_000_000, fetchBytes: 100_000 });
  await stream.start();
  try {
    const members = async () => {
      const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
      return groups[0]!.members.map(({ memberId }) => memberId);
    };
    await until('the work has begun', () => asked > 0);
    const before = await members();
    assert.equal(before.length, 1);
    await until('the work is done', () => taken.length >= 20, { seconds: 60 });
    assert.deepEqual(await members(), before);
    assert.equal(new Set(taken).size, 20);
    assert.equal(taken.length, 20);
  } finally {
    await stream.stop();
  }
});
