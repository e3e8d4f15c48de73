import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import kafkajs from 'kafkajs';
import { CLIENTS, type ClientName, createTopic, Member, produce } from './support/kafka.ts';
import { produceWithJava } from './support/servers.ts';

const { None, GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes;
const NODE = { none: None, gzip: GZIP, snappy: Snappy, lz4: LZ4, zstd: ZSTD };

/** Long enough for a batch to take several blocks of 32 kB (xerial snappy) and 64 kB (LZ4), partly repeated text. */
const lines = Array.from(
  { length: 4000 },
  (_, index) => `${index} ${'Łódź and Paris '.repeat(index % 7)}${((index * 2654435761) >>> 0).toString(36).repeat(5)}`,
);

const received = async (client: ClientName, topic: string): Promise<string[]> => {
  const member = new Member({ client, topics: [topic] });
  await member.start();
  try {
    await member.received(lines.length);
    return member.values();
  } finally {
    await member.close();
  }
};

for (const client of CLIENTS)
  describe(`${client} reads batches whatever their compression`, () => {
    for (const [name, compression] of Object.entries(NODE)) {
      test(`${name} from kafkajs`, async () => {
        const topic = await createTopic(`node-${name}`);
        const messages = lines.map((value) => ({ value }));
        await produce(topic, messages, compression);
        assert.deepEqual(await received(client, topic), lines);
      });
      test(`${name} from the Java producer`, async () => {
        const topic = await createTopic(`java-${name}`);
        await produceWithJava(topic, name, lines);
        assert.deepEqual(await received(client, topic), lines);
      });
    }
  });
