import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { kafkaSink } from '../../src/sinks/kafka/sink.ts';
import { kafkaSourceOptions } from '../../src/sources/kafka/options.ts';
import { KafkaSource } from '../../src/sources/kafka/source.ts';
import { sinkContract } from '../conformance/sink-contract.ts';
import { sourceContract } from '../conformance/source-contract.ts';
import { testSink } from './support/elasticsearch.ts';
import { CLIENTS, createTopic, Member, produce, textOf } from './support/kafka.ts';
import { brokers, clusters, uniqueName } from './support/servers.ts';

for (const { url, version } of await clusters()) {
  sinkContract(`elasticsearch ${version}`, async () => {
    const index = uniqueName('conformance');
    return {
      sink: testSink(url, { index }).sink,
      written: async () => {
        await fetch(`${url}/${index}/_refresh`, { method: 'POST' });
        // As text: a parser would not tell 1.0 from 1.
        const answer = await (await fetch(`${url}/${index}/_search?sort=n&size=100`)).text();
        return [...answer.matchAll(/"_source":(\{.*?\}),"sort":/gs)].map(([, source]) => source!);
      },
    };
  });
}

for (const client of CLIENTS) {
  sinkContract(`kafka (${client})`, async () => {
    const topic = await createTopic('conformance');
    return {
      sink: kafkaSink({
        client: kafkaClient(kafkaConnectionSchema.parse({ client, brokers: brokers() })),
        topic: () => topic,
        key: undefined,
      }),
      written: async () => {
        const member = new Member({ topics: [topic] });
        try {
          await member.start();
          await member.received(4);
          return member.seen.map(textOf);
        } finally {
          await member.close();
        }
      },
    };
  });

  sourceContract(`kafka (${client})`, async () => {
    const topic = await createTopic('conformance', 3);
    const values = new Map<string, string[]>();
    for (const partition of [0, 1, 2]) {
      const list = Array.from({ length: 300 }, (_, n) => JSON.stringify({ partition, n }));
      await produce(
        topic,
        list.map((value) => ({ partition, value })),
      );
      values.set(`${topic}-${partition}`, list);
    }
    const group_id = uniqueName('group');
    return {
      values,
      create: () => {
        const options = kafkaSourceOptions.parse({
          client,
          brokers: brokers(),
          topics: topic,
          codec: { json: {} },
          group_id,
        });
        return new KafkaSource({
          options,
          client: kafkaClient(options),
          budget: 1_000_000,
          log: { info: () => {}, warn: () => {} },
        });
      },
    };
  });
}
