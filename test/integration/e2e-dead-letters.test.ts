import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { count, elastic } from './support/elasticsearch.ts';
import { createTopic, produce, readTopic, textOf } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

interface DeadLetter {
  readonly document: { readonly id: string; readonly source?: object };
  readonly error: Record<string, string>;
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number };
  readonly raw: { readonly base64: string };
}

const GOOD = 200;

/** A topic with good documents, one that is no JSON, one that the mapping refuses, and one that a processor fails. */
const poisoned = async () => {
  const topic = await createTopic('poison');
  const index = uniqueName('poison');
  const good = Array.from({ length: GOOD }, (_, n) => ({ value: JSON.stringify({ n }) }));
  await produce(topic, [
    ...good.slice(0, 50),
    { value: '{"n": 1, broken' },
    { value: JSON.stringify({ n: 'not a number' }) },
    { value: JSON.stringify({ n: 1000, poison: true }), key: 'a-key', headers: { trace: 'abc' } },
    ...good.slice(50),
  ]);
  await elastic(elasticsearchUrl(), 'PUT', `/${index}`, { mappings: { properties: { n: { type: 'integer' } } } });
  const pipeline = (deadLetter: object | undefined) => ({
    name: 'poisoned',
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
    processors: [{ fail: { if: 'ctx.poison == true', message: 'poison found in {{{_kafka.topic}}}', tag: 'taster' } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index } },
    ...(deadLetter && { dead_letter: deadLetter }),
  });
  return { topic, index, pipeline };
};

const check = (topic: string, letters: readonly DeadLetter[]): void => {
  const [broken, mapping, failed] = [...letters].sort((a, b) => a.origin.offset - b.origin.offset);
  assert.deepEqual(
    [broken, mapping, failed].map((letter) => [letter!.origin.topic, letter!.origin.partition, letter!.origin.offset]),
    [50, 51, 52].map((offset) => [topic, 0, offset]),
  );
  assert.equal(broken!.error.type, 'parse_exception');
  assert.equal(Buffer.from(broken!.raw.base64, 'base64').toString(), '{"n": 1, broken');
  assert.equal(mapping!.error.type, 'document_parsing_exception');
  assert.match(mapping!.error.message!, /failed to parse field \[n\] of type \[integer\]/);
  assert.deepEqual(mapping!.document.source, { n: 'not a number' });
  assert.equal(failed!.error.type, 'fail_processor_exception');
  assert.equal(failed!.error.message, `poison found in ${topic}`);
  // As in Elasticsearch, where a processor with an `if` is a processor of its own kind.
  assert.deepEqual([failed!.error.processor_type, failed!.error.processor_tag], ['conditional', 'taster']);
};

scene(
  'documents that fail end in a dead letter topic with the reason, and the others in the index',
  async ({ run }) => {
    const { topic, index, pipeline } = await poisoned();
    const dead = await createTopic('dead-letters');
    const worker = await run(pipeline({ kafka: { topic: dead } }));
    await until('all settled', async () => (await worker.settled()) === GOOD + 3);
    assert.equal(await worker.settled('dead_lettered'), 3);
    const letters = await readTopic(dead, 3);
    check(
      topic,
      letters.map((record) => JSON.parse(textOf(record)) as DeadLetter),
    );
    assert.equal(letters.filter(({ key }) => key !== null && Buffer.from(key).toString() === 'a-key').length, 1);
    assert.equal(await count(elasticsearchUrl(), index), GOOD);
    assert.equal(await worker.end('SIGTERM'), 0);
  },
);

scene('the same with a file', async ({ run, folder }) => {
  const { topic, index, pipeline } = await poisoned();
  const path = join(folder, 'dead.ndjson');
  const worker = await run(pipeline({ file: { path } }));
  await until('all settled', async () => (await worker.settled()) === GOOD + 3);
  assert.equal(await worker.end('SIGTERM'), 0);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  check(
    topic,
    lines.map((line) => JSON.parse(line) as DeadLetter),
  );
  assert.equal(await count(elasticsearchUrl(), index), GOOD);
});

scene('without a dead letter the worker stops at the first document that fails, and loses none', async ({ run }) => {
  const { index, pipeline } = await poisoned();
  const worker = await run(pipeline(undefined));
  const status = await worker.exited();
  assert.notEqual(status, 0);
  assert.match(worker.stderr, /SLUICE_DOCUMENT_FAILED/);
  assert.ok((await count(elasticsearchUrl(), index)) <= GOOD);
});
