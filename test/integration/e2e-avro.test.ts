import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { TestSchemaRegistry } from '../servers/schema-registry.ts';
import { allHits } from './support/elasticsearch.ts';
import { infer, models } from './support/enrich.ts';
import { createTopic, produce } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const schema = JSON.parse(readFileSync(new URL('../../schemas/article.avsc', import.meta.url), 'utf8')) as avsc.Schema;
const DOCUMENTS = 200;
const PEOPLE = ['Angela Merkel', 'Nelson Mandela', 'Marie Curie', 'Barack Obama'];

interface Article {
  readonly id: string;
  readonly title: string;
  readonly published_at: string;
  readonly category: string | null;
  readonly body: string;
  readonly ml: {
    readonly ner: { readonly entities: readonly { readonly entity: string }[] };
    readonly body: { readonly predicted_value: readonly number[] };
  };
}

scene(
  'an Avro topic of 4 partitions with a schema registry → entities and vectors → Elasticsearch, poison aside',
  async ({ run }) => {
    await using registry = await TestSchemaRegistry.start();
    const { id: schemaId } = await registry.register('articles-value', schema);
    const url = elasticsearchUrl();
    const [topic, deadLetters] = [await createTopic('articles-avro', 4), await createTopic('dead', 1)];
    const index = uniqueName('avro');
    const type = avsc.Type.forSchema(schema);
    const articles = Array.from({ length: DOCUMENTS }, (_, n) => ({
      id: `a-${n}`,
      title: `Title ${n}`,
      published_at: 1_700_000_000_000 + n * 1000,
      category: n % 3 === 0 ? null : `c${n % 3}`,
      body: `Article ${n}: ${PEOPLE[n % PEOPLE.length]} spoke in Paris yesterday.`,
    }));
    const framed = (id: number, body: Buffer) => Buffer.concat([TestSchemaRegistry.prefix(id), body]);
    await produce(topic, [
      ...articles.map((article, n) => ({ partition: n % 4, value: framed(schemaId, type.toBuffer(article)) })),
      { partition: 0, value: Buffer.from('not Avro') },
      { partition: 1, value: framed(4711, type.toBuffer(articles[0])) },
      { partition: 2, value: framed(schemaId, Buffer.from([1, 2, 3])) },
    ]);
    const worker = await run({
      name: 'avro',
      source: {
        kafka: {
          brokers: brokers(),
          topics: topic,
          group_id: uniqueName('group'),
          codec: { avro: { schema_registry: { url: registry.url } } },
        },
      },
      processors: [infer('ml.ner', { ner: {} }), infer('ml.body', { text_embedding: {} })],
      models,
      sink: { elasticsearch: { nodes: url, index, id: '{{{id}}}', mappings: 'auto' } },
      dead_letter: { kafka: { topic: deadLetters } },
    });
    await until(
      'all settled',
      async () => (await worker.settled('delivered')) === DOCUMENTS && (await worker.settled('dead_lettered')) === 3,
      { seconds: 120 },
    );
    assert.equal(await worker.end('SIGTERM'), 0);
    const hits = await allHits(url, index);
    assert.equal(hits.length, DOCUMENTS);
    for (const { _id, _source } of hits) {
      const found = _source as unknown as Article;
      const sent = articles[Number(_id.slice(2))]!;
      assert.deepEqual(
        [found.id, found.title, found.category, found.body, found.published_at],
        [sent.id, sent.title, sent.category, sent.body, new Date(sent.published_at).toISOString()],
      );
      const names = found.ml.ner.entities.map(({ entity }) => entity);
      assert.ok(names.includes(PEOPLE[Number(_id.slice(2)) % PEOPLE.length]!), `${_id}: ${names.join(', ')}`);
      assert.equal(found.ml.body.predicted_value.length, 384);
    }
    // One request for the schema, a few for the one that does not exist.
    assert.equal(registry.requests.filter((path) => path.endsWith(`/schemas/ids/${schemaId}`)).length, 1);
  },
);
