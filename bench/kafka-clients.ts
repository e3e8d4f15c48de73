// How fast sluice's two Kafka clients read the same topic, in turns: `node bench/kafka-clients.ts [records] [rounds]`.
import { kafkaClient } from '../src/connections/kafka/clients.ts';
import { kafkaConnectionSchema } from '../src/connections/kafka/options.ts';
import { planServers } from '../test/servers/plan.ts';
import { startServers } from '../test/servers/running.ts';
import { fillTopic, kilobyteDocuments } from './servers.ts';

const [records = 200_000, rounds = 5] = process.argv.slice(2).map(Number);
const CLIENTS = ['kafkajs', 'platformatic'] as const;

const read = async (
  brokers: string,
  name: (typeof CLIENTS)[number],
  topic: string,
  groupId: string,
): Promise<number> => {
  const consumer = kafkaClient(kafkaConnectionSchema.parse({ brokers, client: name })).consumer({
    groupId,
    topics: [topic],
    start: 'earliest',
    sessionTimeoutMs: 30_000,
    heartbeatIntervalMs: 3000,
    rebalanceTimeoutMs: 60_000,
    metadataMaxAgeMs: 60_000,
    maxBytes: 16 * 1024 * 1024,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxWaitMs: 500,
  });
  let seen = 0;
  let first = 0;
  let end = () => {};
  const read = new Promise<void>((resolve) => {
    end = resolve;
  });
  await consumer.start({
    assigned: () => undefined,
    revoked: () => {},
    records: (_, list) => {
      if (seen === 0) first = performance.now();
      seen += list.length;
      if (seen >= records) end();
    },
    failed: (error) => {
      throw error;
    },
    trouble: () => {},
    log: () => {},
  });
  await read;
  const seconds = (performance.now() - first) / 1000;
  await consumer.stop();
  await consumer.close();
  return seen / seconds;
};

const given = process.env.KAFKA_BROKERS;
const { elasticsearch: _, ...plan } = planServers();
const servers = given === undefined ? await startServers({ ...plan, elasticsearch: {} }) : undefined;
try {
  const brokers = given ?? servers!.env.KAFKA_BROKERS!;
  const topic = `bench-clients-${process.pid}`;
  await fillTopic({ brokers, elasticsearch: '' }, topic, kilobyteDocuments(records));
  const speeds = new Map<string, number[]>(CLIENTS.map((name) => [name, []]));
  // One round of each warms up.
  for (let round = 0; round <= rounds; round += 1)
    for (const name of round % 2 === 0 ? CLIENTS : CLIENTS.toReversed()) {
      const speed = await read(brokers, name, topic, `${topic}-${name}-${round}`);
      if (round > 0) speeds.get(name)!.push(speed);
    }
  const median = (name: string): number => {
    const sorted = speeds.get(name)!.sort((a, b) => a - b);
    return sorted[sorted.length >> 1]!;
  };
  for (const name of CLIENTS)
    console.log(
      name.padEnd(14),
      speeds
        .get(name)!
        .map((speed) => Math.round(speed))
        .join(' '),
      'records/s',
    );
  console.log(`platformatic / kafkajs: ${(median('platformatic') / median('kafkajs')).toFixed(2)}`);
} finally {
  await servers?.stop();
}
process.exit(0);
