import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kafkaSourceOptions } from './options.ts';

const base = { brokers: 'localhost:9092', topics: 'news', group_id: 'g', codec: { json: {} }, group_instance_id: 'a' };

test('static membership is refused where the client has none, at its own key, with the way out', () => {
  const { error } = kafkaSourceOptions.safeParse(base);
  assert.deepEqual(error?.issues[0]?.path, ['group_instance_id']);
  assert.match(error!.issues[0]!.message, /set `client: platformatic`/);
  assert.ok(kafkaSourceOptions.safeParse({ ...base, client: 'platformatic' }).success);
});

test('a group_instance_id is one word', () => {
  assert.ok(!kafkaSourceOptions.safeParse({ ...base, client: 'platformatic', group_instance_id: 'a b' }).success);
});
