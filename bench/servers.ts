import { Client, type estypes } from '@elastic/elasticsearch';
import kafkajs from 'kafkajs';

export interface Servers {
  readonly brokers: string;
  readonly elasticsearch: string;
}

const { Kafka, logLevel } = kafkajs;
const PARTITIONS = 4;
const CHUNK = 2000;

/** Creates a topic of four partitions and fills it. */
export const fillTopic = async ({ brokers }: Servers, topic: string, values: Iterable<string>): Promise<number> => {
  const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }],
    waitForLeaders: true,
  });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  let count = 0;
  let messages: { key: string; value: string; partition: number }[] = [];
  for (const value of values) {
    messages.push({ key: String(count), value, partition: count % PARTITIONS });
    count += 1;
    if (messages.length === CHUNK) {
      await producer.send({ topic, messages });
      messages = [];
    }
  }
  if (messages.length > 0) await producer.send({ topic, messages });
  await producer.disconnect();
  return count;
};

/** An index without refreshes and replicas: what is measured is writing. */
export const createIndex = async (
  { elasticsearch }: Servers,
  index: string,
  properties: Record<string, estypes.MappingProperty>,
): Promise<Client> => {
  const client = new Client({ node: elasticsearch });
  await client.indices.delete({ index, ignore_unavailable: true });
  await client.indices.create({
    index,
    settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' },
    mappings: { properties },
  });
  return client;
};

export const ARTICLE: Record<string, estypes.MappingProperty> = {
  id: { type: 'long' },
  title: { type: 'text' },
  published_at: { type: 'date' },
  category: { type: 'keyword' },
  body: { type: 'text' },
};

/** Documents of one kilobyte, all different. */
export function* kilobyteDocuments(count: number): Generator<string> {
  const words =
    'the river council opened a new bridge between two old quarters and nobody remembered who had first asked for it while boats went on under the arches'.split(
      ' ',
    );
  for (let id = 0; id < count; id += 1) {
    let body = '';
    for (let at = id; body.length < 840; at = (at * 31 + 7) % 1_000_003) body += `${words[at % words.length]} `;
    yield JSON.stringify({
      id,
      title: `Bridge number ${id}`,
      published_at: '2026-01-02T03:04:05Z',
      category: words[id % words.length],
      body,
    });
  }
}
