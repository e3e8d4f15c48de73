import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENTS, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { until } from './support/servers.ts';

const SESSION_MS = 6000;
const HOUR_MS = 3_600_000;

for (const client of CLIENTS)
  test(`a time of day that is set back an hour costs no membership (${client})`, async (t) => {
    const topic = await createTopic('clock', 2);
    await produce(topic, numbered(10, 0, 0));
    const member = new Member({ client, topics: [topic], sessionTimeoutMs: SESSION_MS });
    await member.start();
    try {
      await member.received(10);
      const { now } = Date;
      t.mock.method(Date, 'now', () => now() - HOUR_MS);
      await sleep(2 * SESSION_MS);
      await until('it is a member', () => member.consumer.holds());
      // Longer than a session again: whoever only looked like one would not be one any more.
      await sleep(SESSION_MS + 1000);
      assert.equal(member.consumer.holds(), true);
      await produce(topic, numbered(10, 100, 1));
      await until('what came later has arrived', () => new Set(member.values()).size === 20);
    } finally {
      await member.close();
    }
  });
