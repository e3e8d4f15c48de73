import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CLIENTS,
  committedOffsets,
  createTopic,
  Member,
  numbered,
  produce,
  readTopic,
  textOf,
  withAdmin,
} from './support/kafka.ts';
import { brokers, uniqueName, until } from './support/servers.ts';
import { asJson, collectingSink, kafkaStream } from './support/stream.ts';
import { scene } from './support/worker.ts';

const SESSION_MS = 6000;

const membersOf = async (groupId: string): Promise<string[]> => {
  const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
  assert.equal(groups[0]!.state, 'Stable');
  return groups[0]!.members.map(({ memberId }) => memberId);
};

/** The same member, asked every two seconds for three session timeouts: a rejoin would show as another one. */
const staysMember = async (groupId: string): Promise<void> => {
  const before = await membersOf(groupId);
  assert.equal(before.length, 1);
  const end = Date.now() + 3 * SESSION_MS;
  while (Date.now() < end) {
    await sleep(2000);
    assert.deepEqual(await membersOf(groupId), before);
  }
};

for (const client of CLIENTS)
  describe(`a member stays one (${client})`, { concurrency: true }, () => {
    test('through a pause of three session timeouts', async () => {
      const topic = await createTopic('pause', 2);
      await produce(topic, numbered(10, 0, 0));
      const member = new Member({ client, topics: [topic], sessionTimeoutMs: SESSION_MS });
      await member.start();
      try {
        await member.received(10);
        member.consumer.pause();
        await produce(topic, [...numbered(2000, 10, 0), ...numbered(2000, 5000, 1)]);
        await staysMember(member.groupId);
        // A fetch that was under way may still arrive; the rest waits.
        assert.ok(member.seen.length < 4010, `${member.seen.length} records in spite of the pause`);
        assert.equal(member.history.filter((entry) => entry.startsWith('assigned')).length, 2);
        member.consumer.resume();
        await member.received(4010);
        await member.consumer.commit([{ topic, partition: 0, offset: 2010n }]);
        assert.deepEqual(await committedOffsets(member.groupId, topic), [2010, -1]);
        assert.equal(new Set(member.values()).size, 4010);
      } finally {
        await member.close();
      }
    });

    test('through a pipeline that stalls for three session timeouts, with the byte budget full', async () => {
      const topic = await createTopic('stall', 2);
      const groupId = uniqueName('group');
      await produce(topic, [...numbered(500, 0, 0), ...numbered(500, 500, 1)].map(asJson));
      let open = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const taken: string[] = [];
      // What a stalled destination looks like to the engine: writes that do not end.
      const sink = collectingSink(taken, () => opened);
      const stream = kafkaStream({ client, topic, groupId, sink, budget: 20_000, fetchBytes: 2048 });
      await stream.start();
      try {
        await until('a full budget', () => stream.inFlight.bytes >= 20_000);
        await staysMember(groupId);
        const held = stream.inFlight.documents;
        assert.ok(held < 1000, `${held} documents in memory: fetching went on`);
        open();
        await until('everything committed', async () => String(await committedOffsets(groupId, topic)) === '500,500');
        assert.equal(taken.length, 1000);
        assert.equal(new Set(taken).size, 1000);
      } finally {
        open();
        await stream.stop();
      }
    });
  });

const DOCUMENTS = 2000;
/** Each holds the event loop for as long as a regular expression may run. */
const isGuilty = (n: number) => n % 100 === 25;

for (const client of CLIENTS)
  scene(
    `a worker stays a member while catastrophic regular expressions keep it busy for longer (${client})`,
    async ({ run }) => {
      const [topic, copy, dead] = [
        await createTopic('evil'),
        await createTopic('evil-out'),
        await createTopic('evil-dead'),
      ];
      const groupId = uniqueName('group');
      const all = Array.from({ length: DOCUMENTS }, (_, n) => n);
      await produce(
        topic,
        all.map((n) => ({ value: JSON.stringify({ n, text: isGuilty(n) ? `${'a'.repeat(40)}!` : `aaa ${n}` }) })),
      );
      const worker = await run({
        source: {
          kafka: {
            client,
            brokers: brokers(),
            topics: topic,
            group_id: groupId,
            session_timeout: `${SESSION_MS}ms`,
            heartbeat_interval: '1s',
          },
        },
        processors: [{ gsub: { field: 'text', pattern: '(a+)+$', replacement: 'x' } }],
        sink: { kafka: { topic: copy } },
        dead_letter: { kafka: { topic: dead } },
        limits: { dead_letter_ratio: 1 },
      });
      await until('a member', async () => (await membersOf(groupId)).length === 1);
      const started = Date.now();
      const before = await membersOf(groupId);
      // A busy worker may answer late; what counts here is the group.
      while ((await worker.settled().catch(() => 0)) < DOCUMENTS) {
        // The coordinator's own view: an expelled member is gone from it at once.
        assert.deepEqual(await membersOf(groupId), before);
        await sleep(500);
      }
      const busy = Date.now() - started;
      assert.ok(busy > 1.5 * SESSION_MS, `busy for ${busy} ms only: that proves nothing`);
      assert.deepEqual(await membersOf(groupId), before);
      await until(
        'everything committed',
        async () => String(await committedOffsets(groupId, topic)) === String(DOCUMENTS),
      );
      assert.equal(await worker.end('SIGTERM'), 0);
      // A rebalance that the same member came through would show here, and records that came again below.
      assert.equal(worker.stderr.split('joined the group').length - 1, 1, worker.stderr);
      const guilty = all.filter(isGuilty);
      const [copies, letters] = [
        await readTopic(copy, DOCUMENTS - guilty.length),
        await readTopic(dead, guilty.length),
      ];
      const numbers = copies.map((record) => (JSON.parse(textOf(record)) as { n: number }).n);
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        all.filter((n) => !isGuilty(n)),
      );
      const failed = letters.map(
        (record) => JSON.parse(textOf(record)) as { error: { type: string }; origin: { offset: number } },
      );
      assert.deepEqual(
        failed.map(({ origin }) => origin.offset).sort((a, b) => a - b),
        guilty,
      );
      for (const { error } of failed) assert.equal(error.type, 'timeout_exception');
    },
  );
