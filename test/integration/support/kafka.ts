import kafkajs from 'kafkajs';
import type {
  ConsumerEvents,
  ConsumerSettings,
  KafkaConsumer,
  KafkaRecord,
  TopicPartition,
} from '../../../src/connections/kafka/client.ts';
import { kafkaClient } from '../../../src/connections/kafka/clients.ts';
import { installCompression } from '../../../src/connections/kafka/compression.ts';
import { type KafkaConnectionOptions, kafkaConnectionSchema } from '../../../src/connections/kafka/options.ts';
import { mendRequestQueue } from '../../../src/connections/kafka/request-queue.ts';
import { brokers, uniqueName, until } from './servers.ts';

installCompression();
mendRequestQueue();

export type ClientName = KafkaConnectionOptions['client'];
/** What is asked of one client is asked of both. */
export const CLIENTS: readonly ClientName[] = ['kafkajs', 'platformatic'];

/** kafkajs as a test uses it: to prepare topics and to look at what sluice has left. */
export const testKafka = (address = brokers()): kafkajs.Kafka =>
  new kafkajs.Kafka({ brokers: address.split(','), clientId: 'test', logLevel: kafkajs.logLevel.NOTHING });

export const withAdmin = async <T>(work: (admin: kafkajs.Admin) => Promise<T>, address = brokers()): Promise<T> => {
  const admin = testKafka(address).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};

export const createTopic = async (
  what: string,
  partitions = 1,
  topic = uniqueName(what),
  config: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await withAdmin((admin) =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    }),
  );
  return topic;
};

export const produce = async (
  topic: string,
  messages: kafkajs.Message[],
  compression = kafkajs.CompressionTypes.None,
): Promise<void> => {
  const producer = testKafka().producer();
  await producer.connect();
  try {
    for (let at = 0; at < messages.length; at += 500)
      await producer.send({ topic, compression, messages: messages.slice(at, at + 500) });
  } finally {
    await producer.disconnect();
  }
};

export const numbered = (count: number, from = 0, partition?: number): kafkajs.Message[] =>
  Array.from({ length: count }, (_, index) => ({
    value: String(from + index),
    ...(partition !== undefined && { partition }),
  }));

export const committedOffsets = (groupId: string, topic: string, address = brokers()): Promise<number[]> =>
  withAdmin(async (admin) => {
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return offsets!.partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
  }, address);

/** Everything that stands in a topic now. */
export const readTopic = async (topic: string, count: number): Promise<KafkaRecord[]> => {
  const member = new Member({ topics: [topic] });
  await member.start();
  try {
    await until(`${count} records in ${topic}, ${member.seen.length} seen`, () => member.seen.length >= count);
    return member.seen;
  } finally {
    await member.close();
  }
};

/** A member of a consumer group through sluice's own client, which remembers everything that it is told. */
export class Member implements ConsumerEvents {
  readonly groupId: string;
  readonly seen: (KafkaRecord & TopicPartition)[] = [];
  readonly owned = new Set<string>();
  readonly history: string[] = [];
  readonly failures: Error[] = [];
  readonly troubles: (string | undefined)[] = [];
  /** What the engine answers for a partition that it still works on. */
  goOnAt: (partition: TopicPartition) => bigint | undefined = () => undefined;
  readonly consumer: KafkaConsumer;

  constructor(
    {
      client = 'kafkajs',
      ...settings
    }: Partial<ConsumerSettings> & Pick<ConsumerSettings, 'topics'> & { readonly client?: ClientName },
    connection = kafkaConnectionSchema.parse({ brokers: brokers(), client }),
  ) {
    this.groupId = settings.groupId ?? uniqueName('group');
    this.consumer = kafkaClient(connection).consumer({
      start: 'earliest',
      sessionTimeoutMs: 6000,
      heartbeatIntervalMs: 1000,
      rebalanceTimeoutMs: 10_000,
      metadataMaxAgeMs: 1000,
      maxBytes: 1_000_000,
      maxBytesPerPartition: 250_000,
      maxWaitMs: 200,
      ...settings,
      groupId: this.groupId,
    });
  }

  /** Resolves once partitions are assigned. */
  async start(): Promise<void> {
    await this.consumer.start(this);
    await until(`${this.groupId} owns partitions`, () => this.owned.size > 0);
  }

  /** As after a SIGTERM: nothing is committed beyond what the test has committed. */
  async close(): Promise<void> {
    await this.consumer.stop();
    await this.consumer.close();
  }

  assigned(partition: TopicPartition): bigint | undefined {
    this.owned.add(nameOf(partition));
    this.history.push(`assigned ${nameOf(partition)}`);
    return this.goOnAt(partition);
  }

  trouble(fault: { readonly type: string } | undefined): void {
    this.troubles.push(fault?.type);
  }

  revoked(partition: TopicPartition): void {
    this.owned.delete(nameOf(partition));
    this.history.push(`revoked ${nameOf(partition)}`);
  }

  records(partition: TopicPartition, records: readonly KafkaRecord[]): void {
    for (const record of records) this.seen.push({ ...record, ...partition });
  }

  failed(error: Error): void {
    this.failures.push(error);
  }

  log(_level: string, message: string, fields: object = {}): void {
    this.history.push(`${message} ${JSON.stringify(fields)}`);
  }

  values(topic?: string): string[] {
    return this.seen.filter((record) => topic === undefined || record.topic === topic).map(textOf);
  }

  async received(count: number): Promise<void> {
    await until(`${count} records`, () => this.seen.length >= count);
  }
}

export const textOf = ({ value }: { readonly value: Uint8Array | null }): string =>
  Buffer.from(value ?? []).toString('utf8');

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
