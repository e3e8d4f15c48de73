/**
 * What sluice asks of a Kafka client, and nothing more: another library can take kafkajs' place behind it.
 */
export interface KafkaRecord {
  readonly offset: bigint;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface ConsumerEvents {
  /**
   * A partition is this member's now, for the first time or again. Answers with the offset to go on at, where this
   * process still holds documents of it; undefined leaves it to the committed offset.
   */
  assigned(partition: TopicPartition): bigint | undefined;
  revoked(partition: TopicPartition): void;
  /**
   * Hands over at once: heartbeats depend on it in some clients.
   * @param end offset behind the partition's last record, as of this fetch
   */
  records(partition: TopicPartition, records: readonly KafkaRecord[], end: bigint): void;
  /** The consumer cannot go on. Passing trouble is retried inside. */
  failed(error: Error): void;
  /** Nothing can be read for now, and the client goes on trying; undefined once it is a member again. */
  trouble(fault: { readonly type: string; readonly reason: string } | undefined): void;
  log(level: 'info' | 'warn', message: string, fields?: object): void;
}

export interface ConsumerSettings {
  readonly groupId: string;
  /** Default: classic. */
  readonly groupProtocol?: 'classic' | 'consumer' | undefined;
  /** A name that this member keeps when it starts again, so that its partitions wait for it. */
  readonly groupInstanceId?: string | undefined;
  /** Names, and patterns that may match topics which do not exist yet. */
  readonly topics: readonly (string | RegExp)[];
  /** Where a partition without a committed offset begins; a number is milliseconds since 1970. */
  readonly start: 'earliest' | 'latest' | number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly maxWaitMs: number;
}

export interface KafkaConsumer {
  /** Joins the group. Rejects with a SluiceError when no broker answers, or one refuses the credentials. */
  start(events: ConsumerEvents): Promise<void>;
  /** Stops fetching all partitions; the membership stays, however long. */
  pause(): void;
  /** Goes on with all but those that are paused by themselves. */
  resume(): void;
  pausePartition(partition: TopicPartition): void;
  resumePartition(partition: TopicPartition): void;
  /** False where the group may have given this member's partitions to others since its last heartbeat. */
  holds(): boolean;
  /** @param offsets next offset to read. Rejects when this member's generation is over. */
  commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void>;
  /** No more records after this resolves. The membership lasts until `close`, so that commits are still possible. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaMessage {
  readonly topic: string;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}

export interface KafkaProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have the messages. Rejects with a KafkaSendError. */
  send(messages: readonly KafkaMessage[]): Promise<void>;
  close(): Promise<void>;
}

/** Whose fault a failed send is. */
export class KafkaSendError extends Error {
  override name = 'KafkaSendError';
  readonly kind: 'retry' | 'destination' | 'split';
  readonly type: string;
  constructor(kind: KafkaSendError['kind'], type: string, message: string, cause: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.type = type;
  }
}

export interface KafkaClient {
  consumer(settings: ConsumerSettings): KafkaConsumer;
  producer(): KafkaProducer;
}
