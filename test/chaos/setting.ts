import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { PARTITIONS } from './producer.ts';

const { Kafka, logLevel } = kafkajs;
const root = fileURLToPath(new URL('../..', import.meta.url));

export const SESSION_MS = 6000;
export const GROUPS = { articles: 'chaos-articles', events: 'chaos-events' } as const;
export const DEAD_TOPIC = 'chaos-dead';
export const INDEX = { articles: 'chaos-articles', events: 'chaos-events', dead: 'chaos-dead' } as const;

/** The two streams that every worker runs: documents that are written again and again, and a data stream. */
export const pipelineFiles = (
  folder: string,
  { client, brokers, cluster }: { client: string; brokers: string; cluster: string },
): string[] => {
  mkdirSync(folder, { recursive: true });
  const source = (topic: 'articles' | 'events') => `source:
  kafka:
    client: ${client}
    brokers: "${brokers}"
    topics: ${topic}
    group_id: ${GROUPS[topic]}
    session_timeout: ${SESSION_MS}ms
    heartbeat_interval: 1s
    rebalance_timeout: 15s
    connect_timeout: 2m
    request_timeout: 5s
`;
  const sink = `
    nodes: "${cluster}"
    connect_timeout: 2m
    request_timeout: 5s
    batch: { max_documents: 100, max_age: 100ms }`;
  const limits = 'limits: { in_flight_bytes: 512kb, commit_interval: 500ms, dead_letter_ratio: 1 }\n';
  const files = {
    articles: `${source('articles')}processors:
  - fail: { if: "ctx.kind == 'fail'", tag: poison, message: told to fail }
  - uppercase: { field: title }
  - set: { field: seen, value: "{{{id}}}-{{{version}}}" }
  - inference: { if: ctx.body != null, model_id: enrich, target_field: ml.ner, field_map: { body: text_field }, inference_config: { ner: {} } }
  - inference: { if: ctx.body != null, model_id: enrich, target_field: ml.body, field_map: { body: text_field }, inference_config: { text_embedding: {} } }
models:
  enrich: { path: ${root}models/minilm-l6-enrich-en, number_of_allocations: 1 }
sink:
  elasticsearch:${sink}
    index: ${INDEX.articles}
    id: "{{{id}}}"
    version: "{{{version}}}"
    mappings: off
dead_letter: { kafka: { topic: ${DEAD_TOPIC} } }
${limits}`,
    events: `${source('events')}processors:
  - fail: { if: "ctx.kind == 'fail'", tag: poison, message: told to fail }
  - set: { field: seen, value: "event-{{{n}}}" }
sink:
  elasticsearch:${sink}
    index: ${INDEX.events}
    data_stream: true
    mappings: off
dead_letter:
  elasticsearch:${sink}
    index: ${INDEX.dead}
${limits}`,
  };
  return Object.entries(files).map(([name, text]) => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, text);
    return file;
  });
};

export const call = async (url: string, method: string, path: string, body?: object): Promise<unknown> => {
  const answer = await fetch(`${url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text === '' ? undefined : JSON.parse(text);
};

export const prepareServers = async (brokers: string, cluster: string): Promise<void> => {
  const admin = new Kafka({ clientId: 'chaos', brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: ['articles', 'events', DEAD_TOPIC].map((topic) => ({
      topic,
      numPartitions: topic === DEAD_TOPIC ? 1 : PARTITIONS,
      replicationFactor: 1,
    })),
  });
  await admin.disconnect();
  const one = { number_of_shards: 1, number_of_replicas: 0 };
  const value = { value: { type: 'long' } };
  const vector = {
    ml: {
      properties: { body: { properties: { predicted_value: { type: 'dense_vector', dims: 384, index: false } } } },
    },
  };
  await call(cluster, 'PUT', `/${INDEX.articles}`, {
    settings: one,
    mappings: { properties: { ...value, ...vector } },
  });
  await call(cluster, 'PUT', '/_index_template/chaos-events', {
    index_patterns: [`${INDEX.events}*`],
    data_stream: {},
    template: { settings: one, mappings: { properties: { '@timestamp': { type: 'date' }, ...value } } },
  });
};

/** Records that the groups have not committed. */
export const lag = async (brokers: string): Promise<number> => {
  const admin = new Kafka({ clientId: 'chaos', brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    let total = 0;
    for (const topic of ['articles', 'events'] as const) {
      const ends = await admin.fetchTopicOffsets(topic);
      const [committed] = await admin.fetchOffsets({ groupId: GROUPS[topic], topics: [topic] });
      for (const { partition, high } of ends) {
        const at = committed?.partitions.find((entry) => entry.partition === partition)?.offset ?? '-1';
        total += Number(high) - Math.max(0, Number(at));
      }
    }
    return total;
  } finally {
    await admin.disconnect();
  }
};
