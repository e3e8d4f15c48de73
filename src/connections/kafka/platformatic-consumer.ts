import {
  Admin,
  ConnectionPool,
  Consumer,
  consumerGroupChannel,
  consumerHeartbeatChannel,
  ListOffsetTimestamps,
} from '@platformatic/kafka';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ConsumerEvents, ConsumerSettings, KafkaConsumer, TopicPartition } from './client.ts';
import { connectionFailure, connectWithin, goodbyeUnheard, isRefusal } from './connect.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { cooperativeAssigner } from './platformatic-assigner.ts';
import { boundDecompression } from './platformatic-compression.ts';
import { apiIdOf, ConnectionFaults, plainError } from './platformatic-errors.ts';
import { Fetcher } from './platformatic-fetcher.ts';
import { connectionOptions, nameServers } from './platformatic-options.ts';
import { matchingTopics, missingTopic, presentTopics } from './topics.ts';

const AGAIN_MS = 2000;
/** Until a topic that was deleted is looked for again. */
const MISSING_MS = 5000;
/** How long a member that stops waits for brokers that do not answer. */
const GOODBYE_MS = 5000;
const NEVER_COMMITTED = -1n;

type Fault = Exclude<Parameters<ConsumerEvents['trouble']>[0], undefined>;

/** What the library publishes on its diagnostic channels. */
interface Traced {
  readonly client?: unknown;
  readonly operation?: string;
  readonly error?: unknown;
}

/**
 * A member of a consumer group on @platformatic/kafka, which keeps the membership (cooperative rebalances, heartbeats
 * by a timer); fetching is sluice's own, because the library's streams know no pause of a single partition and hand
 * over records of some aborted transactions.
 */
export class PlatformaticConsumer implements KafkaConsumer {
  readonly #settings: ConsumerSettings;
  readonly #connection: KafkaConnectionOptions;
  readonly #faults = new ConnectionFaults();
  readonly #member: Consumer;
  readonly #admin: Admin;
  readonly #pool: ConnectionPool;
  readonly #fetcher: Fetcher;
  readonly #owned = new Map<string, TopicPartition>();
  /** Partitions whose offset to begin at is not known yet. */
  readonly #unplaced = new Map<string, TopicPartition>();
  #placing = false;
  #events!: ConsumerEvents;
  #partitionCounts = '';
  #gone: string | undefined;
  /** Why this is no member at the moment, and why nothing can be fetched. */
  #outside: Fault | undefined;
  #fetchFault: Fault | undefined;
  /** When the request was sent whose answer said that this is a member; milliseconds on the monotonic clock. */
  #memberSince = Number.NEGATIVE_INFINITY;
  #asked = Number.NEGATIVE_INFINITY;
  #joining: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #started = false;
  #stopping = false;
  #closed = false;

  constructor(settings: ConsumerSettings, connection: KafkaConnectionOptions) {
    boundDecompression();
    this.#settings = settings;
    this.#connection = connection;
    const options = connectionOptions(connection);
    // Never within the library: it would join again to repeat a commit, and commit what another member owns by then.
    const base = { ...options, retries: 0, metadataMaxAge: settings.metadataMaxAgeMs };
    this.#member = new Consumer({
      ...base,
      // An answer to a join may take as long as a rebalance.
      requestTimeout: Math.max(options.requestTimeout, settings.rebalanceTimeoutMs + 5000),
      groupId: settings.groupId,
      ...(settings.groupInstanceId !== undefined && { groupInstanceId: settings.groupInstanceId }),
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      rebalanceTimeout: Math.max(settings.rebalanceTimeoutMs, settings.sessionTimeoutMs),
      autocommit: false,
      protocols: [{ name: 'cooperative-sticky', version: 3 }],
      partitionAssigner: cooperativeAssigner,
    });
    this.#admin = new Admin(base);
    this.#pool = new ConnectionPool(connection.client_id, { ...options, ownerId: this.#admin.instanceId });
    for (const pool of [this.#member.connections, this.#admin.connections, this.#pool]) nameServers(pool, options);
    this.#faults.watch(this.#member);
    this.#faults.watch(this.#admin);
    this.#fetcher = new Fetcher({
      consumer: this.#member,
      pool: this.#pool,
      settings,
      events: {
        records: (partition, records, end) => {
          if (this.#owned.has(nameOf(partition))) this.#events.records(partition, records, end);
        },
        outOfRange: (partition, logStart) => this.#outOfRange(partition, logStart),
        gone: (topic) => {
          this.#gone = topic;
          this.#look();
        },
        trouble: (error) => {
          this.#fetchFault = { type: 'fetch_failed', reason: messageOf(plainError(error)) };
          this.#tell();
        },
        recovered: () => {
          this.#fetchFault = undefined;
          this.#tell();
        },
      },
    });
  }

  async start(events: ConsumerEvents): Promise<void> {
    this.#events = events;
    this.#subscribeToEvents();
    let topics: string[] = [];
    await connectWithin(this.#connection, 'source', this.#faults, async () => {
      topics = await this.#listed();
    });
    if (this.#stopping) return this.close();
    for (const topic of matchingTopics(this.#settings.topics, topics)) this.#member.topics.track(topic);
    if (this.#member.topics.current.length > 0) {
      const joined = this.#join().catch((error: unknown) => {
        if (isRefusal(plainError(error)) || isFenced(error))
          throw connectionFailure(plainError(error), this.#connection, 'source');
        this.#joinLater(error);
      });
      // One that only takes long goes on in the background.
      await Promise.race([joined, delay(this.#connection.connect_timeout)]);
    }
    this.#started = true;
    // A stop that came in between found nothing to close yet.
    if (this.#stopping) return this.close();
    this.#watch = setInterval(() => this.#look(), this.#settings.metadataMaxAgeMs);
  }

  pause(): void {
    this.#fetcher.pause();
  }

  resume(): void {
    this.#fetcher.resume();
  }

  pausePartition(partition: TopicPartition): void {
    this.#fetcher.pausePartition(partition, true);
  }

  resumePartition(partition: TopicPartition): void {
    this.#fetcher.pausePartition(partition, false);
  }

  holds(): boolean {
    return performance.now() - this.#memberSince < this.#settings.sessionTimeoutMs;
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void> {
    if (this.#closed || this.#member.memberId === null)
      throw new Error('the consumer is not a member of the group at the moment');
    // First, so that the generation that the commit carries is the one for which the partitions are looked up here.
    await this.#member.metadata({ topics: this.#member.topics.current });
    const mine = offsets.filter((offset) => this.#owned.has(nameOf(offset)));
    if (mine.length === 0) return;
    const commit = this.#member.commit({
      offsets: mine.map(({ topic, partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 })),
    });
    try {
      await (this.#stopping ? this.#notForEver(commit) : commit);
    } catch (error) {
      throw error instanceof SluiceError ? error : plainError(error);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    clearTimeout(this.#joining);
    this.#fetcher.stop();
    await this.#looking;
    clearTimeout(this.#soon);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.stop();
    // A static member does not leave: its partitions wait for it until the session is over.
    if (this.#settings.groupInstanceId !== undefined) this.#forgetMembership();
    await this.#notForEver(
      Promise.allSettled([this.#member.close(true), this.#admin.close(), this.#pool.close()]),
    ).catch(() => {});
    this.#faults.close();
    consumerGroupChannel.start.unsubscribe(this.#asks);
    consumerHeartbeatChannel.error.unsubscribe(this.#heartbeatFailed);
  }

  #subscribeToEvents(): void {
    consumerGroupChannel.start.subscribe(this.#asks);
    consumerHeartbeatChannel.error.subscribe(this.#heartbeatFailed);
    this.#member.on('consumer:heartbeat:start', () => {
      this.#asked = performance.now();
    });
    this.#member.on('consumer:heartbeat:end', () => {
      this.#memberSince = this.#asked;
      this.#inside();
    });
    this.#member.on('consumer:heartbeat:error', ({ error }) => {
      if (!this.holds()) this.#isOutside(messageOf(plainError(error)));
    });
    // Before this member asks to join again: whoever gets what it lost may begin right after that.
    this.#member.on('consumer:group:rebalance', () => this.#reconcile());
    this.#member.on('consumer:group:join', () => {
      this.#memberSince = this.#asked;
      this.#reconcile();
      this.#inside();
      this.#events.log('info', 'joined the group', { partitions: this.#owned.size });
    });
    // The library joins again when a heartbeat says so, and tells in this way that it could not.
    (this.#member as unknown as NodeJS.EventEmitter).on('error', (error: unknown) => this.#joinLater(error));
  }

  readonly #asks = (message: unknown): void => {
    const { client, operation } = message as Traced;
    if (client === this.#member && operation === 'syncGroup') this.#asked = performance.now();
  };

  readonly #heartbeatFailed = (message: unknown): void => {
    const { client, error } = message as Traced;
    if (client === this.#member && isFenced(error) && !this.#stopping) this.#fail(error);
  };

  async #join(): Promise<void> {
    await this.#member.metadata({ topics: this.#member.topics.current, forceUpdate: true });
    this.#partitionCounts = await this.#counted();
    await this.#member.joinGroup({});
  }

  #joinLater(error: unknown): void {
    if (this.#stopping) return;
    const plain = plainError(error);
    if (this.#started && (plain.name === 'CredentialsError' || isFenced(error))) return this.#fail(error);
    this.#isOutside(plain.message);
    this.#events.log('warn', 'the consumer stopped and starts again', { error: plain.message });
    clearTimeout(this.#joining);
    this.#joining = setTimeout(() => {
      void this.#join().catch((again: unknown) => this.#joinLater(again));
    }, AGAIN_MS);
  }

  /** Without a word to the group. The library does not join again either. */
  #forgetMembership(): void {
    this.#member.memberId = null;
    this.#member.leaveGroup(false, () => {});
  }

  #fail(error: unknown): void {
    this.#stopping = true;
    this.#memberSince = Number.NEGATIVE_INFINITY;
    this.#fetcher.stop();
    // Joining again would drive out the other one, which would join again, and so on.
    if (isFenced(error)) this.#forgetMembership();
    if (!isFenced(error)) return this.#events.failed(connectionFailure(plainError(error), this.#connection, 'source'));
    this.#events.failed(
      new SluiceError(
        'SLUICE_SOURCE_FAILED',
        `another member of the group has the group_instance_id [${this.#settings.groupInstanceId}]`,
        { hint: 'Give each worker a group_instance_id of its own.', cause: error },
      ),
    );
  }

  async #listed(): Promise<string[]> {
    try {
      return await this.#admin.listTopics({ includeInternals: false });
    } catch (error) {
      throw plainError(error);
    }
  }

  /** How many partitions each topic has: whoever leads the group knows only what it has asked for. */
  async #counted(): Promise<string> {
    const topics = [...this.#member.topics.current].sort();
    const { topics: found } = await this.#admin.metadata({ topics: [...topics], forceUpdate: true });
    return topics.map((topic) => `${topic}=${found.get(topic)?.partitionsCount}`).join();
  }

  #look(): void {
    if (this.#looking !== undefined || this.#stopping) return;
    clearTimeout(this.#soon);
    this.#looking = this.#lookForTopics()
      .catch((error: unknown) =>
        this.#events.log('warn', 'topics could not be listed', { error: messageOf(plainError(error)) }),
      )
      .finally(() => {
        this.#looking = undefined;
        // Whoever deleted it by mistake makes it anew soon.
        if (this.#gone !== undefined && !this.#stopping) this.#soon = setTimeout(() => this.#look(), MISSING_MS);
      });
  }

  async #lookForTopics(): Promise<void> {
    const existing = await this.#listed();
    const { topics } = this.#member;
    const { found: wanted, missing } = presentTopics(this.#settings.topics, existing);
    const before = [...topics.current];
    for (const topic of before) if (!wanted.includes(topic)) topics.untrack(topic);
    for (const topic of wanted) if (!before.includes(topic)) topics.track(topic);
    const changed = before.sort().join() !== wanted.join();
    if (changed) this.#events.log('info', 'topics changed', { topics: wanted });
    this.#gone = missing;
    this.#tell();
    if (this.#stopping || (!changed && (await this.#counted()) === this.#partitionCounts)) return;
    if (wanted.length > 0) await this.#join().catch((error: unknown) => this.#joinLater(error));
    else for (const partition of this.#owned.values()) this.#revoke(partition);
  }

  #isOutside(reason: string): void {
    this.#outside = { type: 'consumer_stopped', reason };
    this.#tell();
  }

  #inside(): void {
    this.#outside = undefined;
    this.#tell();
  }

  /** Says what keeps it from reading, or that nothing does. */
  #tell(): void {
    this.#events.trouble(this.#outside ?? this.#fetchFault ?? missingTopic(this.#gone));
  }

  #reconcile(): void {
    const now = new Map<string, TopicPartition>();
    for (const { topic, partitions } of this.#member.assignments ?? [])
      for (const partition of partitions) now.set(nameOf({ topic, partition }), { topic, partition });
    for (const [name, gone] of this.#owned) if (!now.has(name)) this.#revoke(gone);
    for (const [name, partition] of now) {
      if (this.#owned.has(name)) continue;
      this.#owned.set(name, partition);
      this.#assign(partition);
    }
    void this.#place();
  }

  #assign(partition: TopicPartition): void {
    const goOn = this.#events.assigned(partition);
    if (goOn === undefined) this.#unplaced.set(nameOf(partition), partition);
    else this.#fetcher.add(partition, goOn);
  }

  #revoke(partition: TopicPartition): void {
    this.#owned.delete(nameOf(partition));
    this.#unplaced.delete(nameOf(partition));
    this.#fetcher.remove(partition);
    this.#events.revoked(partition);
  }

  /** What was to be read is not there any more, or the topic is another one with the same name. */
  #outOfRange(partition: TopicPartition, logStart: bigint): void {
    const name = nameOf(partition);
    if (!this.#owned.has(name)) return;
    this.#events.log('warn', 'the next records are gone; reading goes on at the first that is there', {
      partition: name,
      offset: String(logStart),
    });
    this.#revoke(partition);
    this.#owned.set(name, partition);
    this.#events.assigned(partition);
    this.#fetcher.add(partition, logStart < 0n ? 0n : logStart);
  }

  /** Begins to fetch at the committed offset, or where the settings say. */
  async #place(): Promise<void> {
    if (this.#placing) return;
    this.#placing = true;
    while (this.#unplaced.size > 0 && !this.#stopping) {
      try {
        for (const topic of new Set([...this.#unplaced.values()].map((partition) => partition.topic)))
          await this.#placeTopic(topic);
      } catch (error) {
        if (this.#stopping) break;
        this.#events.log('warn', 'the offsets to start at could not be found yet', {
          error: messageOf(plainError(error)),
        });
        await delay(AGAIN_MS);
      }
    }
    this.#placing = false;
  }

  async #placeTopic(topic: string): Promise<void> {
    const wanted = [...this.#unplaced.values()].filter((partition) => partition.topic === topic);
    const partitions = wanted.map(({ partition }) => partition);
    const generation = this.#member.generationId;
    const committed = (await this.#member.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? [];
    const never = partitions.filter((partition) => (committed[partition] ?? NEVER_COMMITTED) === NEVER_COMMITTED);
    const begin = never.length === 0 ? [] : await this.#beginnings(topic, never);
    // Another member may have had it in between, and committed.
    if (generation !== this.#member.generationId) return;
    for (const partition of wanted) {
      const kept = committed[partition.partition] ?? NEVER_COMMITTED;
      const offset = kept === NEVER_COMMITTED ? begin[partition.partition] : kept;
      // The same object: it was not revoked in between.
      if (offset === undefined || this.#unplaced.get(nameOf(partition)) !== partition) continue;
      this.#unplaced.delete(nameOf(partition));
      this.#fetcher.add(partition, offset);
    }
  }

  async #beginnings(topic: string, partitions: number[]): Promise<bigint[]> {
    const { start } = this.#settings;
    const at = async (timestamp: bigint): Promise<bigint[]> =>
      (await this.#offsetsAt(topic, partitions, timestamp)) ?? [];
    if (start === 'earliest') return at(ListOffsetTimestamps.EARLIEST);
    if (start === 'latest') return at(ListOffsetTimestamps.LATEST);
    const found = await at(BigInt(start));
    const none = partitions.filter((partition) => found[partition] === -1n);
    if (none.length === 0) return found;
    // No record is as late: begin at the end.
    const ends = (await this.#offsetsAt(topic, none, ListOffsetTimestamps.LATEST)) ?? [];
    for (const partition of none) found[partition] = ends[partition]!;
    return found;
  }

  async #offsetsAt(topic: string, partitions: number[], timestamp: bigint): Promise<bigint[] | undefined> {
    const offsets = await this.#member.listOffsets({ topics: [topic], partitions: { [topic]: partitions }, timestamp });
    return offsets.get(topic);
  }

  async #notForEver<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(goodbyeUnheard(this.#connection, GOODBYE_MS)), GOODBYE_MS);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const isFenced = (error: unknown): boolean =>
  error !== undefined && error !== null && apiIdOf(error) === 'FENCED_INSTANCE_ID';

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
