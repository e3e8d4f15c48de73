import type {
  ConsumerEvents,
  ConsumerSettings,
  KafkaClient,
  KafkaConsumer,
  KafkaProducer,
  TopicPartition,
} from './client.ts';
import type { KafkaConnectionOptions } from './options.ts';

/** KafkaClient on @platformatic/kafka, which takes half a second to load: only where it is used. */
export const platformaticClient = (options: KafkaConnectionOptions): KafkaClient => ({
  consumer: (settings) => new LateConsumer(settings, options),
  producer: () => lateProducer(options),
});

class LateConsumer implements KafkaConsumer {
  readonly #settings: ConsumerSettings;
  readonly #options: KafkaConnectionOptions;
  #consumer: KafkaConsumer | undefined;
  #paused = false;
  #stopped = false;

  constructor(settings: ConsumerSettings, options: KafkaConnectionOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  async start(events: ConsumerEvents): Promise<void> {
    const { PlatformaticConsumer } = await import('./platformatic-consumer.ts');
    if (this.#stopped) return;
    this.#consumer = new PlatformaticConsumer(this.#settings, this.#options);
    if (this.#paused) this.#consumer.pause();
    await this.#consumer.start(events);
  }

  pause(): void {
    this.#paused = true;
    this.#consumer?.pause();
  }
  resume(): void {
    this.#paused = false;
    this.#consumer?.resume();
  }
  pausePartition(partition: TopicPartition): void {
    this.#consumer?.pausePartition(partition);
  }
  resumePartition(partition: TopicPartition): void {
    this.#consumer?.resumePartition(partition);
  }
  holds(): boolean {
    return this.#consumer?.holds() ?? false;
  }
  async commit(offsets: Parameters<KafkaConsumer['commit']>[0]): Promise<void> {
    if (offsets.length === 0) return;
    if (this.#consumer === undefined) throw new Error('the consumer is not a member of the group yet');
    await this.#consumer.commit(offsets);
  }
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#consumer?.stop();
  }
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#consumer?.close();
  }
}

const lateProducer = (options: KafkaConnectionOptions): KafkaProducer => {
  let producer: KafkaProducer | undefined;
  return {
    connect: async () => {
      const { platformaticProducer } = await import('./platformatic-producer.ts');
      producer = platformaticProducer(options);
      await producer.connect();
    },
    send: (messages) => producer!.send(messages),
    close: async () => producer?.close(),
  };
};
