import { setTimeout as delay } from 'node:timers/promises';
import type kafkajs from 'kafkajs';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerSettings, TopicPartition } from './client.ts';
import { nameOf } from './partition-name.ts';

const AGAIN_MS = 2000;

export interface PlacementParts {
  readonly settings: ConsumerSettings;
  /** False once another member took this one's place, or it stops. */
  readonly current: (consumer: kafkajs.Consumer) => boolean;
  readonly log: (level: 'warn', message: string, fields?: object) => void;
}

/** Partitions that begin at a timestamp, until it is known where that is: what is fetched before is not handed over. */
export class KafkajsPlacement {
  readonly #parts: PlacementParts;
  readonly #unplaced = new Map<string, TopicPartition>();

  constructor(parts: PlacementParts) {
    this.#parts = parts;
  }

  has(partition: TopicPartition): boolean {
    return this.#unplaced.has(nameOf(partition));
  }

  add(partition: TopicPartition): void {
    if (typeof this.#parts.settings.start === 'number') this.#unplaced.set(nameOf(partition), partition);
  }

  remove(partition: TopicPartition): void {
    this.#unplaced.delete(nameOf(partition));
  }

  /**
   * Seeks to the committed offset, or where there is none to the timestamp. Asked at every assignment: the member that
   * had the partition before may have committed since.
   */
  async place(consumer: kafkajs.Consumer, admin: kafkajs.Admin): Promise<void> {
    while (this.#unplaced.size > 0 && this.#parts.current(consumer)) {
      try {
        await this.#placeAll(consumer, admin);
      } catch (error) {
        this.#parts.log('warn', 'the offsets to start at could not be found yet', { error: messageOf(error) });
        await delay(AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  async #placeAll(consumer: kafkajs.Consumer, admin: kafkajs.Admin): Promise<void> {
    const { groupId, start } = this.#parts.settings;
    const topics = [...new Set([...this.#unplaced.values()].map(({ topic }) => topic))];
    const committed = await admin.fetchOffsets({ groupId, topics });
    for (const { topic, partitions } of committed) {
      const never = partitions.some(({ offset }) => offset === '-1');
      const byTime = never ? await admin.fetchTopicOffsetsByTimestamp(topic, start as number) : [];
      for (const { partition, offset } of partitions) {
        const own = byTime.find((entry) => entry.partition === partition)?.offset;
        const place = offset === '-1' ? own : offset;
        if (place === undefined || !this.has({ topic, partition }) || !this.#parts.current(consumer)) continue;
        consumer.seek({ topic, partition, offset: place });
        this.remove({ topic, partition });
      }
    }
  }
}
