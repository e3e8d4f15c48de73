import { connectWithin } from './connect.ts';
import { kafkajsOf } from './kafkajs.ts';
import type { KafkaConnectionOptions } from './options.ts';

/** The beginning of a partition, its end, or the first record that is as late as a time in milliseconds since 1970. */
export type OffsetAt = 'earliest' | 'latest' | number;

/**
 * Offsets of a topic's partitions at some places, by partition. Asked through kafkajs whichever client reads.
 * @throws SluiceError SLUICE_SOURCE_UNREACHABLE, SLUICE_SOURCE_AUTH; kafkajs' own where the topic does not exist
 */
export const topicOffsets = async (
  options: KafkaConnectionOptions,
  topic: string,
  places: readonly OffsetAt[],
): Promise<ReadonlyMap<number, bigint>[]> => {
  const { kafka, sockets } = kafkajsOf(options);
  const admin = kafka.admin({ retry: { retries: 3 } });
  try {
    await connectWithin(options, 'source', sockets.faults, () => admin.connect());
    const known = await admin.fetchTopicOffsets(topic);
    return await Promise.all(
      places.map(async (place) => {
        if (typeof place !== 'number')
          return new Map(
            known.map(({ partition, low, high }) => [partition, BigInt(place === 'earliest' ? low : high)]),
          );
        const found = await admin.fetchTopicOffsetsByTimestamp(topic, place);
        return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]));
      }),
    );
  } finally {
    await admin.disconnect().catch(() => {});
    sockets.close();
  }
};
