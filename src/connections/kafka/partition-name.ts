import type { TopicPartition } from './client.ts';

/** As Kafka's tools write it. */
export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
