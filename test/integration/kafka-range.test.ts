import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runSluice } from '../support/run-sluice.ts';
import { committedOffsets, createTopic, testKafka } from './support/kafka.ts';
import { brokers, uniqueName } from './support/servers.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;

describe('a part of a topic, replayed beside the live group', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-range-'));
  after(() => rmSync(folder, { recursive: true }));
  let topic = '';
  let dead = '';
  const sluice = (...args: string[]) => runSluice(folder, ...args);
  const out = (file = 'out.ndjson') => {
    const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').filter(Boolean);
    return lines.flatMap((line, at) =>
      at % 2 === 0
        ? [
            {
              id: (JSON.parse(line) as { index: { _id: string } }).index._id,
              n: (JSON.parse(lines[at + 1]!) as { n: number }).n,
            },
          ]
        : [],
    );
  };
  const numbers = (file?: string) =>
    out(file)
      .map(({ n }) => n)
      .sort((a, b) => a - b);
  const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

  before(async () => {
    topic = await createTopic('range', 2);
    dead = await createTopic('range-dead', 2);
    const producer = testKafka().producer();
    await producer.connect();
    // Numbers 0 to 99, an hour apart, in turns on two partitions.
    const messages = upTo(0, 100).map((n) => ({
      partition: n % 2,
      key: `k${n}`,
      value: JSON.stringify({ n }),
      timestamp: String(START + n * HOUR),
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();
    writeFileSync(
      join(folder, 'p.yaml'),
      JSON.stringify({
        name: 'range',
        source: { kafka: { brokers: brokers(), topics: topic, group_id: topic } },
        processors: [{ fail: { if: 'ctx.n % 10 == 7', tag: 'sevens', message: 'a seven' } }],
        sink: { file: { path: 'out.ndjson' } },
        dead_letter: { kafka: { topic: dead } },
        limits: { dead_letter_ratio: 1 },
      }),
    );
    writeFileSync(
      join(folder, 'corrected.yaml'),
      readFileSync(join(folder, 'p.yaml'), 'utf8')
        .replace('ctx.n % 10 == 7', 'false')
        .replace('out.ndjson', 'again.ndjson'),
    );
  });
  const good = (list: readonly number[]) => list.filter((n) => n % 10 !== 7);

  test('by offsets, with the ids of the live stream, whose offsets stay untouched', async () => {
    const { code, stderr } = await sluice('replay', 'p.yaml', '--from', 'kafka:10..20');
    assert.equal(code, 0, stderr);
    assert.deepEqual(numbers(), good(upTo(20, 40)));
    const one = out().find(({ n }) => n === 21)!;
    assert.equal(one.id, `${topic}-1-10-${START + 21 * HOUR}`);
    assert.deepEqual(await committedOffsets(topic, topic), [-1, -1]);
  });

  test('by times, the end exclusive', async () => {
    const time = (n: number) => new Date(START + n * HOUR).toISOString();
    const { code, stderr } = await sluice('replay', 'p.yaml', '--from', `kafka:${time(50)}..${time(56)}`);
    assert.equal(code, 0, stderr);
    assert.deepEqual(numbers(), upTo(50, 56));
  });

  test('goes on where it was stopped', async () => {
    const replay = ['replay', 'corrected.yaml', '--from', 'kafka:..', '--checkpoint', 'c.json'];
    assert.equal((await sluice(...replay, '--limit', '30')).code, 0);
    assert.equal(numbers('again.ndjson').length, 30);
    const { code, stderr } = await sluice(...replay, '--resume');
    assert.equal(code, 0, stderr);
    assert.deepEqual(numbers('again.ndjson'), upTo(0, 100));
  });

  test('a range that there is not is told', async () => {
    const { code, stderr } = await sluice('replay', 'p.yaml', '--from', 'kafka:1-2');
    assert.equal(code, 2);
    assert.match(stderr, /--from takes no such range: \[kafka:1-2\]/);
  });

  test('dead letters in a topic are counted and redriven', async () => {
    assert.equal((await sluice('replay', 'p.yaml', '--from', 'kafka:..')).code, 0);
    const stats = await sluice('dlq', 'stats', 'p.yaml', '--json', '--tag', 'sevens', '--topic', topic);
    const { total } = JSON.parse(stats.stdout) as { total: number };
    // Two of the first test, ten of this one.
    assert.equal(total, 12, stats.stderr);
    const { code, stderr } = await sluice(
      'dlq',
      'redrive',
      'p.yaml',
      '--pipeline',
      'corrected.yaml',
      '--tag',
      'sevens',
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /12 delivered/);
    const unused = uniqueName('nothing');
    assert.equal((await sluice('dlq', 'list', 'p.yaml', '--tag', unused, '--json')).stdout, '');
  });
});
