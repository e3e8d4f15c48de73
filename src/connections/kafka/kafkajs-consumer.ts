import kafkajs from 'kafkajs';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerEvents, ConsumerSettings, KafkaConsumer, KafkaRecord, TopicPartition } from './client.ts';
import { connectionFailure, connectWithin, goodbyeUnheard, isRefusal } from './connect.ts';
import type { OwnKafka } from './kafkajs.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { StickyAssigner } from './sticky-assigner.ts';
import { matchingTopics, missingTopic, presentTopics } from './topics.ts';

/** Wait before a consumer that kafkajs gave up on is built anew. */
const REBUILD_MS = 2000;

/** How long a member that stops waits for brokers that do not answer: kafkajs would try for a minute. */
const GOODBYE_MS = 5000;

/**
 * A member of a consumer group on kafkajs. What it has to work around:
 * - it heartbeats between fetches only, so `eachBatch` hands over and returns at once;
 * - a rejoin starts again at the committed offset, so kept partitions are sought back to where this process is;
 * - a pattern is resolved once, so topics are listed again every metadata_max_age and the consumer rejoins for new ones.
 */
export class KafkajsConsumer implements KafkaConsumer {
  readonly #kafka: kafkajs.Kafka;
  readonly #sockets: OwnKafka['sockets'];
  readonly #settings: ConsumerSettings;
  readonly #connection: KafkaConnectionOptions;
  readonly #owned = new Map<string, TopicPartition>();
  readonly #assigner = new StickyAssigner();
  /** Partitions that begin at a timestamp, until it is known where that is: what is fetched before is not handed over. */
  readonly #unplaced = new Map<string, TopicPartition>();
  #events!: ConsumerEvents;
  #consumer: kafkajs.Consumer | undefined;
  #admin: kafkajs.Admin | undefined;
  #topics: string[] = [];
  #missing: string | undefined;
  #paused = false;
  readonly #pausedAlone = new Map<string, TopicPartition>();
  /** When the request was sent whose answer said that this is a member; milliseconds on the monotonic clock. */
  #memberSince = Number.NEGATIVE_INFINITY;
  #stopping = false;
  #watch: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();
  /** Next offsets that were committed. kafkajs hands over nothing below them, unless it had to begin anew. */
  readonly #committed = new Map<string, bigint>();
  /** Requests under way, to be called when the member stops. */
  readonly #hurry = new Set<() => void>();

  constructor({ kafka, sockets }: OwnKafka, settings: ConsumerSettings, connection: KafkaConnectionOptions) {
    this.#kafka = kafka;
    this.#sockets = sockets;
    this.#settings = settings;
    this.#connection = connection;
  }

  async start(events: ConsumerEvents): Promise<void> {
    this.#events = events;
    this.#admin = this.#kafka.admin({ retry: { retries: 3 } });
    await connectWithin(this.#connection, 'source', this.#sockets, () => this.#admin!.connect());
    if (this.#stopping) return this.close();
    this.#topics = matchingTopics(this.#settings.topics, await this.#admin.listTopics());
    if (this.#topics.length > 0) await this.#join(true);
    // A stop that came in between found nothing to close yet.
    if (this.#stopping) return this.close();
    this.#watch = setInterval(() => this.#enqueue(() => this.#lookForTopics()), this.#settings.metadataMaxAgeMs);
  }

  pause(): void {
    this.#paused = true;
    this.#applyPause();
  }

  resume(): void {
    this.#paused = false;
    try {
      this.#consumer?.resume(this.#topics.map((topic) => ({ topic })));
      this.#applyPause();
    } catch {
      // Not running at the moment: it starts without a pause.
    }
  }

  pausePartition(partition: TopicPartition): void {
    this.#pausedAlone.set(nameOf(partition), partition);
    this.#applyPause();
  }

  resumePartition(partition: TopicPartition): void {
    this.#pausedAlone.delete(nameOf(partition));
    if (this.#paused) return;
    try {
      this.#consumer?.resume([{ topic: partition.topic, partitions: [partition.partition] }]);
    } catch {
      // As above.
    }
  }

  holds(): boolean {
    return performance.now() - this.#memberSince < this.#settings.sessionTimeoutMs;
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void> {
    const mine = offsets.filter((offset) => this.#owned.has(nameOf(offset)));
    if (mine.length === 0) return;
    if (this.#consumer === undefined) throw new Error('the consumer is not a member of the group at the moment');
    const committed = this.#consumer.commitOffsets(
      mine.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
    );
    await this.#notForEver(committed);
    for (const offset of mine) if (this.#owned.has(nameOf(offset))) this.#committed.set(nameOf(offset), offset.offset);
  }

  /** kafkajs leaves the group when it is stopped, and then cannot commit; so it only stops to hand over. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const hurry of this.#hurry) hurry();
    clearInterval(this.#watch);
    await this.#busy;
    this.pause();
  }

  async close(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    // Where no broker answers, the group finds out by itself.
    await this.#notForEver(Promise.all([consumer?.disconnect(), this.#admin?.disconnect()])).catch(() => {});
    this.#sockets.close();
  }

  /** @param first true at the start: what trying again cannot help then rejects */
  async #join(first = false): Promise<void> {
    const { groupId, start, ...settings } = this.#settings;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      metadataMaxAge: settings.metadataMaxAgeMs,
      maxBytes: settings.maxBytes,
      maxBytesPerPartition: settings.maxBytesPerPartition,
      maxWaitTimeInMs: settings.maxWaitMs,
      allowAutoTopicCreation: false,
      // kafkajs' own as well: what a group uses is what all of its members know, and some may run an older sluice.
      partitionAssigners: [this.#assigner.create, kafkajs.PartitionAssigners.roundRobin],
      retry: { initialRetryTime: 200, maxRetryTime: 5000, retries: 8 },
    });
    let settleFirst: (error?: Error) => void = () => {};
    const settled = new Promise<Error | undefined>((resolve) => {
      settleFirst = resolve;
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
      this.#joined(consumer, payload.memberAssignment);
      settleFirst();
    });
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      if (first && isRefusal(error)) return settleFirst(error);
      this.#events.trouble({ type: 'consumer_stopped', reason: messageOf(error) });
      this.#events.log('warn', 'the consumer stopped and starts again', { error: messageOf(error) });
      if (!restart && !this.#stopping) this.#crashed(error);
    });
    this.#consumer = consumer;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: this.#topics, fromBeginning: start !== 'latest' });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset }) => {
          if (this.#stopping || this.#unplaced.has(nameOf(batch))) return;
          this.#handOver(batch);
          resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset());
        },
      });
      // kafkajs' run resolves however the first attempt to join ended. One that only takes long goes on in the background.
      if (first) {
        const refused = await Promise.race([settled, delay(this.#connection.connect_timeout)]);
        if (refused !== undefined) throw refused;
      }
    } catch (error) {
      if (first) await consumer.disconnect().catch(() => {});
      throw connectionFailure(error, this.#connection, 'source');
    }
  }

  /** What kafkajs does not retry by itself is built anew, unless trying again cannot help. */
  #crashed(error: Error): void {
    if (error.name === 'KafkaJSSASLAuthenticationError') {
      this.#events.failed(connectionFailure(error, this.#connection, 'source'));
      return;
    }
    setTimeout(() => {
      this.#enqueue(async () => {
        await this.#consumer?.disconnect().catch(() => {});
        this.#consumer = undefined;
        // A topic that is gone may be why: the others go on without it.
        this.#topics = await this.#present();
        if (this.#topics.length > 0) await this.#join();
        else this.#joined(undefined, {});
      });
    }, REBUILD_MS);
  }

  /** One change of the membership at a time. */
  #enqueue(work: () => Promise<void>): void {
    this.#busy = this.#busy
      .then(() => (this.#stopping ? undefined : work()))
      .catch((error: unknown) => {
        this.#events.log('warn', 'the consumer could not be renewed and tries again', { error: messageOf(error) });
        if (this.#consumer === undefined || !this.#stopping) this.#crashed(error as Error);
      });
  }

  async #lookForTopics(): Promise<void> {
    let found: string[];
    try {
      found = await this.#present();
    } catch (error) {
      // The member is well; only the question failed, and it is asked again soon.
      this.#events.log('warn', 'topics could not be listed', { error: messageOf(error) });
      return;
    }
    if (found.join() === this.#topics.join()) return;
    this.#events.log('info', 'topics changed', { topics: found });
    await this.#consumer?.disconnect();
    this.#consumer = undefined;
    this.#topics = found;
    if (found.length > 0) await this.#join();
    else this.#joined(undefined, {});
  }

  async #present(): Promise<string[]> {
    const { found, missing } = presentTopics(this.#settings.topics, await this.#admin!.listTopics());
    const changed = this.#missing !== missing;
    this.#missing = missing;
    if (changed) this.#events.trouble(missingTopic(missing));
    return found;
  }

  /**
   * Seeks to the committed offset, or where there is none to the timestamp. Asked at every assignment: the member that
   * had the partition before may have committed since.
   */
  async #place(consumer: kafkajs.Consumer): Promise<void> {
    const { start, groupId } = this.#settings;
    while (this.#unplaced.size > 0 && consumer === this.#consumer && !this.#stopping) {
      try {
        const wanted = [...this.#unplaced.values()];
        const topics = [...new Set(wanted.map(({ topic }) => topic))];
        const committed = await this.#admin!.fetchOffsets({ groupId, topics });
        for (const { topic, partitions } of committed) {
          const never = partitions.some(({ offset }) => offset === '-1');
          const byTime = never ? await this.#admin!.fetchTopicOffsetsByTimestamp(topic, start as number) : [];
          for (const { partition, offset } of partitions) {
            const name = nameOf({ topic, partition });
            const own = byTime.find((entry) => entry.partition === partition)?.offset;
            const place = offset === '-1' ? own : offset;
            if (place === undefined || !this.#unplaced.has(name) || consumer !== this.#consumer) continue;
            consumer.seek({ topic, partition, offset: place });
            this.#unplaced.delete(name);
          }
        }
      } catch (error) {
        this.#events.log('warn', 'the offsets to start at could not be found yet', { error: messageOf(error) });
        await delay(REBUILD_MS);
      }
    }
  }

  #joined(consumer: kafkajs.Consumer | undefined, assignment: Record<string, number[]>): void {
    const now = new Map<string, TopicPartition>();
    for (const [topic, partitions] of Object.entries(assignment))
      for (const partition of partitions) now.set(nameOf({ topic, partition }), { topic, partition });
    for (const [name, gone] of this.#owned) {
      if (now.has(name)) continue;
      this.#owned.delete(name);
      this.#unplaced.delete(name);
      // kafkajs remembers a pause over assignments: where the partition came back, it would never be read again.
      if (this.#pausedAlone.has(name)) this.resumePartition(gone);
      this.#committed.delete(name);
      this.#events.revoked(gone);
    }
    for (const [name, partition] of now) {
      this.#owned.set(name, partition);
      const goOn = this.#events.assigned(partition);
      if (goOn !== undefined) consumer?.seek({ ...partition, offset: String(goOn) });
      else if (typeof this.#settings.start === 'number') this.#unplaced.set(name, partition);
    }
    this.#assigner.keep(now.values());
    if (consumer !== undefined) void this.#place(consumer);
    this.#events.trouble(missingTopic(this.#missing));
    this.#events.log('info', 'joined the group', { partitions: now.size });
    this.#applyPause();
  }

  /** While the member works, kafkajs may try as long as it likes; once it stops, a few seconds have to do. */
  async #notForEver(work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let hurry = () => {};
    const late = new Promise<never>((_, reject) => {
      hurry = () => {
        timer = setTimeout(() => reject(goodbyeUnheard(this.#connection, GOODBYE_MS)), GOODBYE_MS);
      };
    });
    if (this.#stopping) hurry();
    else this.#hurry.add(hurry);
    try {
      await Promise.race([work, late]);
    } finally {
      this.#hurry.delete(hurry);
      clearTimeout(timer);
    }
  }

  #applyPause(): void {
    try {
      if (this.#paused) this.#consumer?.pause(this.#topics.map((topic) => ({ topic })));
      else
        this.#consumer?.pause(
          [...this.#pausedAlone.values()].map(({ topic, partition }) => ({ topic, partitions: [partition] })),
        );
    } catch {
      // Not running at the moment: joining applies it.
    }
  }

  #handOver({ topic, partition, messages, highWatermark }: kafkajs.Batch): void {
    if (!this.#owned.has(nameOf({ topic, partition })) || messages.length === 0) return;
    const records = messages.map(
      ({ offset, timestamp, key, value, headers }): KafkaRecord => ({
        offset: BigInt(offset),
        timestamp: Number(timestamp),
        key,
        value,
        headers: headers === undefined ? NO_HEADERS : headersOf(headers),
      }),
    );
    if (records[0]!.offset < (this.#committed.get(nameOf({ topic, partition })) ?? 0n))
      this.#begunAnew({ topic, partition });
    this.#events.records({ topic, partition }, records, BigInt(highWatermark));
  }

  /** The topic is another one with the same name: its offsets say nothing about those before. */
  #begunAnew(partition: TopicPartition): void {
    this.#events.log('warn', 'the topic was created anew; reading goes on at its first record', partition);
    this.#committed.delete(nameOf(partition));
    this.#events.revoked(partition);
    this.#events.assigned(partition);
  }
}

const NO_HEADERS = {};

const delay = (ms: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

/** Of a header that is there several times, the last one counts, as in Kafka's `lastHeader`. */
const headersOf = (headers: kafkajs.IHeaders): KafkaRecord['headers'] => {
  const out: Record<string, string | Uint8Array> = Object.create(null) as Record<string, string | Uint8Array>;
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) out[name] = last;
  }
  return out;
};
