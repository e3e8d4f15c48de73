import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerEvents, ConsumerSettings } from './client.ts';
import { connectionFailure, isRefusal } from './connect.ts';
import type { KafkaConnectionOptions } from './options.ts';
import type { StickyAssigner } from './sticky-assigner.ts';

export interface MemberEvents extends Pick<ConsumerEvents, 'trouble' | 'log'> {
  joined(consumer: kafkajs.Consumer, assignment: Record<string, number[]>): void;
  batch(payload: kafkajs.EachBatchPayload): void;
  /** kafkajs does not try again. */
  crashed(error: Error): void;
}

export interface MemberParts {
  readonly kafka: kafkajs.Kafka;
  readonly settings: ConsumerSettings;
  readonly connection: KafkaConnectionOptions;
  readonly assigner: StickyAssigner;
  readonly events: MemberEvents;
}

/** One consumer of kafkajs after the other, since kafkajs cannot subscribe to another topic without a new one. */
export class KafkajsMember {
  readonly #parts: MemberParts;
  /** When the request was sent whose answer said that this is a member; milliseconds on the monotonic clock. */
  #memberSince = Number.NEGATIVE_INFINITY;
  #consumer: kafkajs.Consumer | undefined;

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  get consumer(): kafkajs.Consumer | undefined {
    return this.#consumer;
  }

  holds(): boolean {
    return performance.now() - this.#memberSince < this.#parts.settings.sessionTimeoutMs;
  }

  async leave(): Promise<void> {
    try {
      await this.#consumer?.disconnect();
    } finally {
      this.#consumer = undefined;
    }
  }

  /** @param first true at the start: what trying again cannot help then rejects */
  async join(topics: string[], first = false): Promise<void> {
    const { settings, connection, events } = this.#parts;
    const consumer = this.#newConsumer();
    const settled = this.#listen(consumer, first);
    this.#consumer = consumer;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: settings.start !== 'latest' });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => events.batch(payload),
      });
      // kafkajs' run resolves however the first attempt to join ended. One that only takes long goes on in the background.
      if (first) {
        const late = delay(connection.connect_timeout, undefined, { ref: false });
        const refused = await Promise.race([settled, late]);
        if (refused !== undefined) throw refused;
      }
    } catch (error) {
      if (first) await consumer.disconnect().catch(() => {});
      throw connectionFailure(error, connection, 'source');
    }
  }

  #newConsumer(): kafkajs.Consumer {
    const { kafka, settings, assigner } = this.#parts;
    return kafka.consumer({
      groupId: settings.groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      metadataMaxAge: settings.metadataMaxAgeMs,
      maxBytes: settings.maxBytes,
      maxBytesPerPartition: settings.maxBytesPerPartition,
      maxWaitTimeInMs: settings.maxWaitMs,
      allowAutoTopicCreation: false,
      // kafkajs' own as well: what a group uses is what all of its members know, and some may run an older sluice.
      partitionAssigners: [assigner.create, kafkajs.PartitionAssigners.roundRobin],
      retry: { initialRetryTime: 200, maxRetryTime: 5000, retries: 8 },
    });
  }

  /** Resolves once it has joined, or with why it never will. */
  #listen(consumer: kafkajs.Consumer, first: boolean): Promise<Error | undefined> {
    const { events } = this.#parts;
    let settle: (error?: Error) => void = () => {};
    const settled = new Promise<Error | undefined>((resolve) => {
      settle = resolve;
    });
    // An answer may be read long after it came, by a process that was stopped in between: what counts is when it was asked.
    let asked = Number.NEGATIVE_INFINITY;
    consumer.on('consumer.network.request', ({ payload: { apiName, sentAt } }) => {
      if (apiName === 'Heartbeat' || apiName === 'SyncGroup')
        asked = performance.now() - Math.max(0, Date.now() - sentAt);
    });
    consumer.on('consumer.heartbeat', () => {
      this.#memberSince = asked;
    });
    consumer.on('consumer.group_join', ({ payload }) => {
      this.#memberSince = asked;
      events.joined(consumer, payload.memberAssignment);
      settle();
    });
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      if (first && isRefusal(error)) return settle(error);
      events.trouble({ type: 'consumer_stopped', reason: messageOf(error) });
      events.log('warn', 'the consumer stopped and starts again', { error: messageOf(error) });
      if (!restart) events.crashed(error);
    });
    return settled;
  }
}
