import {
  type Connection,
  type ConnectionPool,
  type Consumer,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
} from '@platformatic/kafka';
import type { ConsumerSettings, KafkaRecord, TopicPartition } from './client.ts';
import { nameOf } from './partition-name.ts';
import { committedRecords } from './platformatic-batches.ts';
import { apiIdOf } from './platformatic-errors.ts';

type FetchApi = typeof fetchV17.api;
type FetchResponse = ReturnType<typeof fetchV17.parseResponse>;
type FetchResponsePartition = FetchResponse['responses'][number]['partitions'][number];
type FetchRequestTopic = Parameters<typeof fetchV17.createRequest>[6][number];
/** The newest first; from 13 on topics have ids, so that a topic that was deleted and created anew is another one. */
const APIS = [fetchV17.api, fetchV16.api, fetchV15.api, fetchV14.api, fetchV13.api] as readonly FetchApi[];

const READ_COMMITTED = 1;
const NO_SESSION = 0;
const SESSIONLESS = -1;
/** Wait after a fetch that failed, for what it asked for. */
const AGAIN_MS = 500;
const OFFSET_OUT_OF_RANGE = 1;
/** Answers that mean: this topic is not there (any more), or another one has its name. */
const GONE: ReadonlySet<number> = new Set([3, 100, 103]);

interface Position extends TopicPartition {
  offset: bigint;
  /** Of the topic that the offset is one of. */
  topicId: string | undefined;
  /** No fetch before this moment, on the monotonic clock. */
  notBefore: number;
  /** A fetch of several batches could not be read: ask for one. */
  single: boolean;
}

export interface FetcherEvents {
  records(partition: TopicPartition, records: readonly KafkaRecord[], end: bigint): void;
  outOfRange(partition: TopicPartition, logStart: bigint): void;
  /** Its topic cannot be found. */
  gone(topic: string): void;
  trouble(error: unknown): void;
  /** A fetch succeeded after trouble. */
  recovered(): void;
}

export interface FetcherParts {
  readonly consumer: Consumer;
  readonly pool: ConnectionPool;
  readonly settings: ConsumerSettings;
  readonly events: FetcherEvents;
}

/** One fetch at a time for each broker, of all partitions there that are wanted; on connections of its own. */
export class Fetcher {
  readonly #parts: FetcherParts;
  readonly #positions = new Map<string, Position>();
  /** Partitions that wait for room by themselves, also where it is not known yet at which offset they begin. */
  readonly #pausedAlone = new Set<string>();
  readonly #busy = new Set<number>();
  #api: FetchApi | undefined;
  #paused = false;
  #stopped = false;
  #pumping = false;
  #again = false;
  #troubled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FetcherParts) {
    this.#parts = parts;
  }

  add(partition: TopicPartition, offset: bigint): void {
    const { topic, partition: number } = partition;
    this.#positions.set(nameOf(partition), {
      topic,
      partition: number,
      offset,
      topicId: undefined,
      notBefore: 0,
      single: false,
    });
    this.#pump();
  }

  remove(partition: TopicPartition): void {
    this.#positions.delete(nameOf(partition));
    this.#pausedAlone.delete(nameOf(partition));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  pausePartition(partition: TopicPartition, paused: boolean): void {
    if (paused) this.#pausedAlone.add(nameOf(partition));
    else if (this.#pausedAlone.delete(nameOf(partition))) this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    void this.#send()
      .catch((error: unknown) => this.#failed(error, [...this.#positions.values()]))
      .finally(() => {
        this.#pumping = false;
        if (this.#again) {
          this.#again = false;
          this.#pump();
        }
      });
  }

  async #send(): Promise<void> {
    const now = performance.now();
    const wanted = [...this.#positions].flatMap(([name, position]) =>
      position.notBefore <= now && !this.#pausedAlone.has(name) ? [position] : [],
    );
    if (this.#stopped || this.#paused || wanted.length === 0) return;
    const byNode = new Map<number, { topicIds: Map<string, string>; positions: Position[] }>();
    for (const topic of new Set(wanted.map((position) => position.topic))) {
      const mine: Position[] = wanted.filter((position) => position.topic === topic);
      const found = await this.#topic(topic, mine);
      if (found === undefined) continue;
      for (const position of mine) {
        position.topicId ??= found.id;
        if (position.topicId !== found.id) {
          // Deleted and created anew: none of its records was read.
          this.#parts.events.outOfRange(position, 0n);
          continue;
        }
        const leader = found.partitions[position.partition]?.leader ?? -1;
        if (leader < 0) {
          this.#later([position]);
          continue;
        }
        const node = byNode.get(leader) ?? { topicIds: new Map<string, string>(), positions: [] as Position[] };
        byNode.set(leader, node);
        node.topicIds.set(found.id, topic);
        node.positions.push(position);
      }
    }
    for (const [node, { topicIds, positions }] of byNode) {
      if (this.#busy.has(node) || this.#stopped) continue;
      this.#busy.add(node);
      void this.#fetch(node, topicIds, positions).finally(() => {
        this.#busy.delete(node);
        this.#pump();
      });
    }
  }

  /** Alone, because one topic that is gone must not stop the others. */
  async #topic(topic: string, positions: readonly Position[]) {
    try {
      const { topics } = await this.#parts.consumer.metadata({ topics: [topic] });
      return topics.get(topic);
    } catch (error) {
      if (/^Unknown topic/.test((error as Error).message)) this.#parts.events.gone(topic);
      else this.#trouble(error);
      this.#later(positions);
      return undefined;
    }
  }

  async #fetch(node: number, topicIds: ReadonlyMap<string, string>, positions: readonly Position[]): Promise<void> {
    const { consumer, pool } = this.#parts;
    const single = positions.find((position) => position.single);
    const asked = single === undefined ? positions : [single];
    try {
      this.#api ??= await this.#choose();
      const broker = consumer.currentMetadata?.brokers.get(node);
      if (broker === undefined) return this.#later(positions);
      const connection = await pool.get(broker);
      const response = await this.#ask(connection, topicIds, asked);
      if (single !== undefined) single.single = false;
      const stuck = [...this.#positions.values()].some((position) => position.single);
      if (this.#troubled && !stuck) {
        this.#troubled = false;
        this.#parts.events.recovered();
      }
      for (const { topicId, partitions } of response.responses)
        for (const partition of partitions) this.#take(topicIds.get(topicId)!, partition, asked);
    } catch (error) {
      // What cannot be read stands in one batch of one partition: each is asked for alone, and that one holds up no other.
      if (!isConnectionError(error)) for (const position of asked) position.single = true;
      this.#failed(error, single === undefined || isConnectionError(error) ? positions : asked);
    }
  }

  async #choose(): Promise<FetchApi> {
    const range = (await this.#parts.consumer.listApis()).find(({ name }) => name === 'Fetch');
    const api = APIS.find(
      ({ version }) => range !== undefined && version >= range.minVersion && version <= range.maxVersion,
    );
    if (api === undefined) throw new Error('the broker is too old for client: platformatic; set client: kafkajs');
    return api;
  }

  async #ask(
    connection: Connection,
    topicIds: ReadonlyMap<string, string>,
    asked: readonly Position[],
  ): Promise<FetchResponse> {
    const { maxWaitMs, maxBytes, maxBytesPerPartition } = this.#parts.settings;
    // A broker answers with a whole batch, however large it is.
    const oneBatch = asked[0]?.single === true;
    const topics: FetchRequestTopic[] = [];
    for (const [topicId, topic] of topicIds) {
      const partitions = asked
        .filter((position) => position.topic === topic)
        .map(({ partition, offset }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: offset,
          lastFetchedEpoch: -1,
          partitionMaxBytes: oneBatch ? 1 : maxBytesPerPartition,
        }));
      if (partitions.length > 0) topics.push({ topicId, partitions });
    }
    try {
      return await this.#api!.async(
        connection,
        maxWaitMs,
        1,
        oneBatch ? 1 : maxBytes,
        READ_COMMITTED,
        NO_SESSION,
        SESSIONLESS,
        topics,
        [],
        '',
      );
    } catch (error) {
      // One partition's error is thrown with the answers for the others.
      const { response } = error as { response?: FetchResponse };
      if (response === undefined) throw error;
      return response;
    }
  }

  #take(topic: string, answer: FetchResponsePartition, asked: readonly Position[]): void {
    const position = this.#positions.get(nameOf({ topic, partition: answer.partitionIndex }));
    // Given away, or placed elsewhere, while the fetch was under way.
    if (position === undefined || !asked.includes(position) || this.#stopped) return;
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) {
      this.#later([position]);
      return this.#parts.events.outOfRange(position, answer.logStartOffset);
    }
    if (answer.errorCode !== 0) {
      this.#parts.consumer.clearMetadata();
      this.#later([position]);
      if (GONE.has(answer.errorCode)) this.#parts.events.gone(topic);
      return;
    }
    const { records, next } = committedRecords(answer.records ?? [], answer.abortedTransactions ?? [], position.offset);
    position.offset = next;
    if (records.length > 0)
      this.#parts.events.records({ topic, partition: position.partition }, records, answer.highWatermark);
  }

  #failed(error: unknown, positions: readonly Position[]): void {
    if (this.#stopped) return;
    // Whoever leads these partitions may be another broker by now.
    this.#parts.consumer.clearMetadata();
    this.#trouble(error);
    this.#later(positions);
  }

  #trouble(error: unknown): void {
    this.#troubled = true;
    this.#parts.events.trouble(apiIdOf(error) === undefined ? error : new Error(apiIdOf(error)));
  }

  #later(positions: readonly Position[]): void {
    const until = performance.now() + AGAIN_MS;
    for (const position of positions) position.notBefore = until;
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#pump(), AGAIN_MS + 1);
  }
}

const isConnectionError = (error: unknown): boolean => {
  const { code } = error as { code?: string };
  return code === 'PLT_KFK_NETWORK' || code === 'PLT_KFK_MULTIPLE' || code === 'PLT_KFK_TIMEOUT';
};
