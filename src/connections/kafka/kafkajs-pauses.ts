import type kafkajs from 'kafkajs';
import type { TopicPartition } from './client.ts';
import { nameOf } from './partition-name.ts';

/** What waits for room: kafkajs forgets it, or remembers it for ever, where it joins again. */
export class Pauses {
  readonly #alone = new Map<string, TopicPartition>();
  #all = false;

  pause(consumer: kafkajs.Consumer | undefined, topics: readonly string[]): void {
    this.#all = true;
    this.apply(consumer, topics);
  }

  resume(consumer: kafkajs.Consumer | undefined, topics: readonly string[]): void {
    this.#all = false;
    whileRunning(() => {
      consumer?.resume(topics.map((topic) => ({ topic })));
      this.apply(consumer, topics);
    });
  }

  pausePartition(partition: TopicPartition, consumer: kafkajs.Consumer | undefined, topics: readonly string[]): void {
    this.#alone.set(nameOf(partition), partition);
    this.apply(consumer, topics);
  }

  resumePartition(partition: TopicPartition, consumer: kafkajs.Consumer | undefined): void {
    this.#alone.delete(nameOf(partition));
    if (this.#all) return;
    whileRunning(() => consumer?.resume([{ topic: partition.topic, partitions: [partition.partition] }]));
  }

  /** kafkajs remembers a pause over assignments: where the partition came back, it would never be read again. */
  revoked(partition: TopicPartition, consumer: kafkajs.Consumer | undefined): void {
    if (this.#alone.has(nameOf(partition))) this.resumePartition(partition, consumer);
  }

  apply(consumer: kafkajs.Consumer | undefined, topics: readonly string[]): void {
    const alone = [...this.#alone.values()].map(({ topic, partition }) => ({ topic, partitions: [partition] }));
    whileRunning(() => consumer?.pause(this.#all ? topics.map((topic) => ({ topic })) : alone));
  }
}

/** Not running at the moment: it starts without a pause, and joining applies it. */
const whileRunning = (call: () => void): void => {
  try {
    call();
  } catch {}
};
