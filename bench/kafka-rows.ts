import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from '@elastic/elasticsearch';
import { checkAgainstLimit, type Enriched } from './check.ts';
import { ARTICLE, createIndex, fillTopic, kilobyteDocuments, type Servers } from './servers.ts';
import { ENRICH, runSluice } from './sluice.ts';
import { root } from './texts.ts';

let run = 0;
const unique = (name: string) => `bench-${name}-${process.pid}-${++run}`;

const streamOf = (servers: Servers, topic: string, index: string, mappings: string, middle: string) => `
name: bench
source: { kafka: { brokers: "${servers.brokers}", topics: ${topic}, group_id: ${topic}-${index} } }
${middle}
sink: { elasticsearch: { nodes: "${servers.elasticsearch}", index: ${index}, mappings: ${mappings} } }
`;

/** Row (c): Kafka to Elasticsearch with entities and vectors. */
export const kafkaToElasticsearch = async (servers: Servers, texts: readonly string[]): Promise<number> => {
  const topic = unique('texts');
  await fillTopic(
    servers,
    topic,
    texts.map((body, id) => JSON.stringify({ id, body })),
  );
  const index = unique('enriched');
  const { documents, documents_per_second } = await runSluice(
    streamOf(servers, topic, index, 'auto', ENRICH),
    [],
    texts.length,
  );
  if (documents !== texts.length) throw new Error(`${documents} documents came through, not ${texts.length}`);
  const client = new Client({ node: servers.elasticsearch });
  await client.indices.refresh({ index });
  const { hits } = await client.search<Enriched>({ index, size: 1000 });
  await checkAgainstLimit(hits.hits.map(({ _source }) => _source!));
  await client.indices.delete({ index });
  await client.close();
  return documents_per_second;
};

/** The topic of row (e), shared by both sides. */
export const kilobyteTopic = async (servers: Servers, count: number): Promise<string> => {
  const topic = unique('kilobytes');
  await fillTopic(servers, topic, kilobyteDocuments(count));
  return topic;
};

/** Row (e): sluice without inference. */
export const sluicePlain = async (servers: Servers, topic: string, count: number): Promise<number> => {
  const index = unique('plain');
  const client = await createIndex(servers, index, ARTICLE);
  const { documents, documents_per_second } = await runSluice(streamOf(servers, topic, index, 'off', ''), [], count);
  await check(client, index, count);
  if (documents !== count) throw new Error(`${documents} documents came through, not ${count}`);
  return documents_per_second;
};

/** Row (e): the bare loop beside it. */
export const barePlain = async (servers: Servers, topic: string, count: number): Promise<number> => {
  const index = unique('bare');
  const client = await createIndex(servers, index, ARTICLE);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`${root}bench/bare-loop.ts`, servers.brokers, servers.elasticsearch, topic, index, String(count)],
    { timeout: 300_000 },
  );
  await check(client, index, count);
  return (JSON.parse(stdout) as { documents_per_second: number }).documents_per_second;
};

const check = async (client: Awaited<ReturnType<typeof createIndex>>, index: string, count: number): Promise<void> => {
  await client.indices.refresh({ index });
  const found = (await client.count({ index })).count;
  await client.indices.delete({ index });
  await client.close();
  if (found !== count) throw new Error(`${found} documents are in the index, not ${count}`);
};
