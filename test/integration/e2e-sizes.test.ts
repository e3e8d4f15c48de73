import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { count, elastic } from './support/elasticsearch.ts';
import { infer, models } from './support/enrich.ts';
import { createTopic, produce, readTopic, textOf } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const MB = 1024 * 1024;

/** A character of every plane that has any, and the ones that JSON escapes. */
const PLANES = 'a\u00e9\u4e2d\ufffd😀𠀀𰀀\u{e0041}\u{f0000}\u{10fffd} "\\\b\f\n\r\t\u0001\u2028';

/** Texts of JSON whose numbers and keys JavaScript would not keep. */
const EXACT = {
  longs: '{"n":9223372036854775807,"m":-9223372036854775808,"z":18446744073709551616}',
  decimals: '{"one":1.0,"many":0.1234567890123456789012345,"exponent":1e2,"minus":-0.0}',
  order: '{"b":1,"10":2,"9":3,"a":4}',
  prototype: '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":"x"}',
  planes: JSON.stringify({ text: PLANES }),
  empty: '{}',
};

/** A document's `_source` as the cluster keeps it, byte for byte. */
const sourceOf = async (index: string, id: string): Promise<string> => {
  const answer = await fetch(`${elasticsearchUrl()}/${index}/_source/${id}`);
  assert.equal(answer.status, 200, id);
  return answer.text();
};

const prepareIndex = async (index: string): Promise<void> => {
  await elastic(elasticsearchUrl(), 'PUT', `/${index}`, { mappings: { enabled: false } });
};

scene('what no processor touches arrives byte for byte', async ({ run }) => {
  const topic = await createTopic('exact');
  const index = uniqueName('exact');
  await prepareIndex(index);
  await produce(
    topic,
    Object.entries(EXACT).map(([key, value]) => ({ key, value })),
  );
  const worker = await run({
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
    processors: [{ set: { field: 'touched', value: true, if: 'ctx.containsKey("touch")' } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{_kafka.key}}}' } },
  });
  await until('all delivered', async () => (await worker.settled('delivered')) === Object.keys(EXACT).length);
  assert.equal(await worker.end('SIGTERM'), 0);
  for (const [id, text] of Object.entries(EXACT)) assert.equal(await sourceOf(index, id), text);
});

scene('what a processor adds to leaves the rest byte for byte', async ({ run }) => {
  const topic = await createTopic('exact-set');
  const index = uniqueName('exact-set');
  await prepareIndex(index);
  await produce(
    topic,
    Object.entries(EXACT).map(([key, value]) => ({ key, value })),
  );
  const worker = await run({
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
    processors: [{ set: { field: 'added', value: 1 } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{_kafka.key}}}' } },
  });
  await until('all delivered', async () => (await worker.settled('delivered')) === Object.keys(EXACT).length);
  assert.equal(await worker.end('SIGTERM'), 0);
  for (const [id, text] of Object.entries(EXACT)) {
    const expected = text === '{}' ? '{"added":1}' : text.replace(/\}$/, ',"added":1}');
    // Characters may be escaped in another way; what they say may not change.
    if (id === 'planes') assert.deepEqual(JSON.parse(await sourceOf(index, id)), JSON.parse(expected));
    else assert.equal(await sourceOf(index, id), expected);
  }
});

scene('1,000,000 characters of text and no text at all, with entities and vectors', async ({ run }) => {
  const topic = await createTopic('long-text');
  const index = uniqueName('long-text');
  const sentence = 'Grace Hopper spoke in Philadelphia about compilers. 😀 ';
  const body = sentence.repeat(Math.ceil(1_000_000 / sentence.length)).slice(0, 1_000_000);
  await produce(topic, [
    { key: 'long', value: JSON.stringify({ body }) },
    { key: 'empty', value: JSON.stringify({ body: '' }) },
    { key: 'short', value: JSON.stringify({ body: sentence }) },
  ]);
  const worker = await run({
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
    models,
    processors: [infer('ner', { ner: {} }), infer('vector', { text_embedding: {} })],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{_kafka.key}}}', mappings: 'auto' } },
  });
  await until('all delivered', async () => (await worker.settled('delivered')) === 3, { seconds: 120 });
  assert.equal(await worker.end('SIGTERM'), 0);
  interface Enriched {
    body: string;
    ner: { predicted_value: string; entities: { entity: string }[]; is_truncated?: boolean };
    vector: { predicted_value: number[] };
  }
  const of = async (id: string) => JSON.parse(await sourceOf(index, id)) as Enriched;
  const [long, empty, short] = [await of('long'), await of('empty'), await of('short')];
  assert.equal(long.body, body);
  assert.equal(long.ner.is_truncated, true);
  assert.equal(long.ner.entities[0]!.entity, 'Grace Hopper');
  assert.deepEqual(empty.ner.entities, []);
  for (const { vector } of [long, empty, short]) assert.equal(vector.predicted_value.length, 384);
  assert.deepEqual(
    short.ner.entities.map(({ entity }) => entity),
    ['Grace Hopper', 'Philadelphia'],
  );
});

scene('a document of 30 MB travels alone through a budget of 16 MB', async ({ run }) => {
  const topic = await createTopic('large', 1, undefined, { 'max.message.bytes': String(40 * MB) });
  const index = uniqueName('large');
  await prepareIndex(index);
  const large = JSON.stringify({ text: PLANES.repeat(Math.ceil((30 * MB) / Buffer.byteLength(PLANES))), n: 0.5 });
  const small = (n: number) => ({ key: `small-${n}`, value: JSON.stringify({ n }) });
  await produce(
    topic,
    Array.from({ length: 50 }, (_, n) => small(n)),
  );
  await produce(topic, [{ key: 'large', value: large }]);
  await produce(
    topic,
    Array.from({ length: 50 }, (_, n) => small(50 + n)),
  );
  const worker = await run({
    source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
    processors: [{ set: { field: 'seen', value: true, if: 'ctx.n == 7' } }],
    sink: { elasticsearch: { nodes: elasticsearchUrl(), index, id: '{{{_kafka.key}}}' } },
    limits: { in_flight_bytes: '16mb' },
  });
  await until('all delivered', async () => (await worker.settled('delivered')) === 101, { seconds: 60 });
  assert.equal(await worker.end('SIGTERM'), 0);
  assert.ok((await sourceOf(index, 'large')) === large, 'the large one came through unchanged');
  assert.equal(await count(elasticsearchUrl(), index), 101);
});

scene(
  'a document over the cluster’s request limit is a dead letter, and its neighbours are not',
  async ({ run, folder }) => {
    const { nodes } = await elastic<{ nodes: Record<string, { http: { max_content_length_in_bytes: number } }> }>(
      elasticsearchUrl(),
      'GET',
      '/_nodes/http',
    );
    const limit = Object.values(nodes)[0]!.http.max_content_length_in_bytes;
    const topic = await createTopic('too-large', 1, undefined, { 'max.message.bytes': String(limit + 20 * MB) });
    const dead = await createTopic('too-large-dead');
    const index = uniqueName('too-large');
    await prepareIndex(index);
    const large = JSON.stringify({ text: 'x'.repeat(limit + MB) });
    await produce(topic, [{ value: '{"n":1}' }, { key: 'large', value: large }, { value: '{"n":2}' }]);
    const pipeline = (deadLetter: object) => ({
      source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
      processors: [],
      sink: { elasticsearch: { nodes: elasticsearchUrl(), index } },
      dead_letter: deadLetter,
      limits: { dead_letter_ratio: 1 },
    });
    const path = join(folder, 'dead.ndjson');
    const file = await run(pipeline({ file: { path } }));
    await until('all settled', async () => (await file.settled()) === 3, { seconds: 60 });
    assert.equal(await file.end('SIGTERM'), 0);
    const letter = JSON.parse(readFileSync(path, 'utf8')) as {
      error: Record<string, string>;
      origin: { topic: string; offset: number };
      raw: { base64: string; bytes: number; cut: boolean };
    };
    assert.deepEqual([letter.origin.topic, letter.origin.offset], [topic, 1]);
    assert.equal(letter.raw.cut, false);
    assert.ok(Buffer.from(letter.raw.base64, 'base64').equals(Buffer.from(large)), 'the raw bytes are kept');
    await until('both neighbours', async () => (await count(elasticsearchUrl(), index)) === 2);

    // A topic takes 1 MB: what fits is kept, and the letter says that it is not all.
    const kafka = await run(pipeline({ kafka: { topic: dead } }));
    await until('all settled', async () => (await kafka.settled()) === 3, { seconds: 60 });
    assert.equal(await kafka.end('SIGTERM'), 0);
    const [record] = await readTopic(dead, 1);
    const cut = JSON.parse(textOf(record!)) as typeof letter;
    assert.deepEqual([cut.raw.cut, cut.raw.bytes], [true, Buffer.byteLength(large)]);
    assert.equal(cut.error.type, letter.error.type);
  },
);
