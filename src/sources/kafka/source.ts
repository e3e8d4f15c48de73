import { isUtf8 } from 'node:buffer';
import type { KafkaClient, KafkaConsumer, KafkaRecord, TopicPartition } from '../../connections/kafka/client.ts';
import type { Source, SourcePort, SourceRecord } from '../../core/contracts.ts';
import type { Origin } from '../../core/document.ts';
import type { JsonValue, PlainObject } from '../../core/json/values.ts';
import { type KafkaSourceOptions, timestampOf, topicPattern } from './options.ts';

export interface KafkaSourceParts {
  readonly options: KafkaSourceOptions;
  readonly client: KafkaClient;
  /** limits.in_flight_bytes: fetches follow it, because what was fetched has to be kept. */
  readonly budget: number;
  readonly log: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
}

/** What a record costs beside its bytes. */
const OVERHEAD = 256;
const MAX_FETCH = 16 * 1024 * 1024;

/** Topics of a consumer group; one partition for each topic-partition, positions are offsets. */
export class KafkaSource implements Source {
  readonly type = 'kafka';
  readonly #consumer: KafkaConsumer;
  readonly #log: KafkaSourceParts['log'];
  readonly #partitions = new Map<string, TopicPartition>();
  /** Records behind the last one that was read, as of the fetch that brought it. */
  readonly #lags = new Map<string, number>();

  constructor({ options, client, budget, log }: KafkaSourceParts) {
    this.#log = log;
    const maxBytes = options.fetch_max_bytes ?? Math.min(MAX_FETCH, Math.max(64 * 1024, Math.floor(budget / 4)));
    this.#consumer = client.consumer({
      groupId: options.group_id,
      groupProtocol: options.group_protocol,
      groupInstanceId: options.group_instance_id,
      topics: [options.topics].flat().map(topicPattern),
      start: typeof options.start === 'object' ? timestampOf(options.start.timestamp) : options.start,
      sessionTimeoutMs: options.session_timeout,
      heartbeatIntervalMs: options.heartbeat_interval,
      rebalanceTimeoutMs: options.rebalance_timeout,
      metadataMaxAgeMs: options.metadata_max_age,
      maxBytes,
      maxBytesPerPartition: Math.max(64 * 1024, Math.floor(maxBytes / 4)),
      maxWaitMs: options.fetch_max_wait,
    });
  }

  start(port: SourcePort): Promise<void> {
    return this.#consumer.start({
      assigned: (partition) => {
        const name = nameOf(partition);
        this.#partitions.set(name, partition);
        return port.assigned(name);
      },
      revoked: (partition) => {
        this.#partitions.delete(nameOf(partition));
        this.#lags.delete(nameOf(partition));
        port.revoked(nameOf(partition));
      },
      records: (partition, records, end) => {
        const name = nameOf(partition);
        const last = records.at(-1);
        if (last !== undefined) this.#lags.set(name, Number(end - last.offset - 1n));
        port.deliver(
          name,
          records.map((record) => new KafkaSourceRecord(partition, record)),
        );
      },
      failed: (error) => port.failed(error),
      trouble: (fault) => port.trouble(fault),
      log: (level, message, fields) => this.#log[level](message, fields),
    });
  }

  pause(): void {
    this.#consumer.pause();
  }

  resume(): void {
    this.#consumer.resume();
  }

  lags(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#lags);
  }

  holds(): boolean {
    return this.#consumer.holds();
  }

  pausePartition(name: string): void {
    const partition = this.#partitions.get(name);
    if (partition !== undefined) this.#consumer.pausePartition(partition);
  }

  resumePartition(name: string): void {
    const partition = this.#partitions.get(name);
    if (partition !== undefined) this.#consumer.resumePartition(partition);
  }

  async commit(positions: ReadonlyMap<string, bigint>): Promise<void> {
    const offsets = [...positions].flatMap(([name, offset]) => {
      const partition = this.#partitions.get(name);
      return partition === undefined ? [] : [{ ...partition, offset }];
    });
    await this.#consumer.commit(offsets);
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  close(): Promise<void> {
    return this.#consumer.close();
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

const headerBytes = (headers: KafkaRecord['headers']): number => {
  let bytes = 0;
  for (const name in headers) bytes += name.length + headers[name]!.length;
  return bytes;
};

/** A class, not a literal with closures: there are tens of thousands of them a second. */
class KafkaSourceRecord implements SourceRecord {
  readonly position: bigint;
  readonly next: bigint;
  readonly bytes: number;
  readonly #partition: TopicPartition;
  readonly #record: KafkaRecord;

  constructor(partition: TopicPartition, record: KafkaRecord) {
    this.#partition = partition;
    this.#record = record;
    this.position = record.offset;
    this.next = record.offset + 1n;
    this.bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0) + headerBytes(record.headers) + OVERHEAD;
  }

  get value(): Uint8Array | null {
    return this.#record.value;
  }
  get key(): Uint8Array | null {
    return this.#record.key;
  }
  get headers(): SourceRecord['headers'] {
    return this.#record.headers;
  }
  get timestamp(): number {
    return this.#record.timestamp;
  }

  defaultId(): string {
    const { topic, partition } = this.#partition;
    return `${topic}-${partition}-${this.position}-${this.timestamp}`;
  }

  origin(): Origin {
    const { topic, partition } = this.#partition;
    const { key, headers, timestamp } = this.#record;
    const named: PlainObject = {};
    for (const [name, value] of Object.entries(headers)) if (name !== '__proto__') named[name] = textOf(value);
    const offset: JsonValue = Number.isSafeInteger(Number(this.position)) ? Number(this.position) : this.position;
    return {
      name: '_kafka',
      fields: { topic, partition, offset, timestamp, key: key === null ? null : textOf(key), headers: named },
    };
  }
}

/** Keys and headers are bytes; what is not UTF-8 is shown as base64. */
const textOf = (bytes: string | Uint8Array): string => {
  if (typeof bytes === 'string') return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString('utf8') : buffer.toString('base64');
};
