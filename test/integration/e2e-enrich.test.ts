import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readModel } from '../../src/inference/manifest.ts';
import { onnxDeployment } from '../../src/inference/onnx/deployment.ts';
import type { InferenceOutput } from '../../src/inference/onnx/protocol.ts';
import type { Entity } from '../../src/inference/tasks/ner.ts';
import { asksOf, entitiesIn, vectorsIn } from '../support/ask.ts';
import { allHits, elastic } from './support/elasticsearch.ts';
import { infer, MODEL, models } from './support/enrich.ts';
import { createTopic, produce } from './support/kafka.ts';
import { brokers, clusters, uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const DOCUMENTS = 400;

const { texts } = JSON.parse(readFileSync(new URL('../fixtures/golden_onepass.json', import.meta.url), 'utf8')) as {
  texts: { text: string }[];
};

/** Each document another text, of one to three sentences from the fixture. */
const textOf = (n: number): string =>
  Array.from({ length: 1 + (n % 3) }, (_, index) => texts[(n * 7 + index * 3) % texts.length]!.text).join(' ');

interface Enriched {
  readonly n: number;
  readonly body: string;
  readonly ml: {
    readonly ner: {
      readonly predicted_value: string;
      readonly model_id: string;
      readonly entities: readonly Entity[];
    };
    readonly body: { readonly predicted_value: readonly number[]; readonly model_id: string };
  };
}

const compare = ({ n, ml }: Enriched, reference: InferenceOutput): void => {
  const names = (entities: readonly Entity[]) =>
    entities.map(({ entity, class_name, start_pos, end_pos }) => ({ entity, class_name, start_pos, end_pos }));
  assert.deepEqual(names(ml.ner.entities), names(entitiesIn(reference)), `document ${n}`);
  ml.ner.entities.forEach(({ class_probability }, index) =>
    assert.ok(Math.abs(class_probability - entitiesIn(reference)[index]!.class_probability) < 1e-5, `document ${n}`),
  );
  for (const { entity, class_name } of entitiesIn(reference))
    assert.ok(
      ml.ner.predicted_value.includes(`[${entity}](${class_name}&`),
      `document ${n}: ${ml.ner.predicted_value}`,
    );
  const [vector] = vectorsIn(reference);
  assert.equal(ml.body.predicted_value.length, vector!.length);
  const worst = Math.max(...ml.body.predicted_value.map((value, index) => Math.abs(value - vector![index]!)));
  assert.ok(worst < 1e-5, `document ${n}: the vector differs by ${worst}`);
};

for (const { url, version } of await clusters())
  scene(
    `a topic of 4 partitions → entities and vectors → Elasticsearch ${version}, each document as a reference computes it`,
    async ({ run }) => {
      const topic = await createTopic('articles', 4);
      const index = uniqueName('articles');
      const articles = Array.from({ length: DOCUMENTS }, (_, n) => ({ n, body: textOf(n) }));
      await produce(
        topic,
        articles.map((article) => ({ partition: article.n % 4, value: JSON.stringify(article) })),
      );
      const worker = await run({
        name: 'articles',
        source: { kafka: { brokers: brokers(), topics: topic, group_id: uniqueName('group') } },
        processors: [infer('ml.ner', { ner: {} }), infer('ml.body', { text_embedding: {} })],
        models,
        sink: { elasticsearch: { nodes: url, index, id: '{{{n}}}', mappings: 'auto' } },
      });
      await until('all delivered', async () => (await worker.settled('delivered')) === DOCUMENTS, { seconds: 120 });
      assert.equal(await worker.end('SIGTERM'), 0);

      const hits = await allHits(url, index);
      assert.equal(hits.length, DOCUMENTS);
      const deployment = onnxDeployment({
        model: readModel(MODEL),
        number_of_allocations: 1,
        threads_per_allocation: 1,
        queue_capacity: DOCUMENTS,
        timeout_ms: 60_000,
        log: { warn: () => {} },
      });
      await deployment.start();
      const asks = asksOf(readModel(MODEL).manifest, 'ner', 'text_embedding');
      try {
        await Promise.all(
          hits.map(async ({ _id, _source }) => {
            const found = _source as unknown as Enriched;
            const { body } = articles[found.n]!;
            assert.equal(_id, String(found.n));
            assert.equal(found.body, body);
            const reference = await new Promise<InferenceOutput>((resolve, reject) =>
              deployment.infer(
                { text: body, asks, truncate: 'first', span: -1, longText: 'truncate' },
                (error, output) => (error === undefined ? resolve(output!) : reject(error)),
              ),
            );
            compare(found, reference);
          }),
        );
      } finally {
        await deployment.close();
      }
      const nearest = await elastic<{ hits: { hits: { _source: Enriched }[] } }>(url, 'POST', `/${index}/_search`, {
        size: 1,
        knn: {
          field: 'ml.body.predicted_value',
          query_vector: (hits[0]!._source as unknown as Enriched).ml.body.predicted_value,
          k: 1,
          num_candidates: 50,
        },
      });
      assert.equal(nearest.hits.hits[0]!._source.body, (hits[0]!._source as unknown as Enriched).body);
    },
  );
