import { Admin, ConnectionPool, Consumer } from '@platformatic/kafka';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ConsumerEvents, ConsumerSettings, KafkaConsumer, TopicPartition } from './client.ts';
import { connectWithin } from './connect.ts';
import { Goodbye } from './goodbye.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { nameOf } from './partition-name.ts';
import { cooperativeAssigner } from './platformatic-assigner.ts';
import { boundDecompression } from './platformatic-compression.ts';
import { plainError } from './platformatic-errors.ts';
import { ConnectionFaults } from './platformatic-faults.ts';
import { Fetcher } from './platformatic-fetcher.ts';
import { GroupHeartbeats } from './platformatic-heartbeats.ts';
import { ClassicMembership, type GroupMembership, type MembershipEvents } from './platformatic-membership.ts';
import { connectionOptions, nameServers } from './platformatic-options.ts';
import { Placement } from './platformatic-placement.ts';
import { Subscription } from './platformatic-subscription.ts';
import { missingTopic } from './topics.ts';

type Fault = Exclude<Parameters<ConsumerEvents['trouble']>[0], undefined>;

/**
 * A member of a consumer group on @platformatic/kafka, which keeps the membership (cooperative rebalances, heartbeats
 * by a timer); fetching is sluice's own, because the library's streams know no pause of a single partition and hand
 * over records of some aborted transactions.
 */
export class PlatformaticConsumer implements KafkaConsumer {
  readonly #connection: KafkaConnectionOptions;
  readonly #faults = new ConnectionFaults();
  readonly #goodbye: Goodbye;
  readonly #member: Consumer;
  readonly #admin: Admin;
  readonly #pool: ConnectionPool;
  readonly #membership: GroupMembership;
  readonly #subscription: Subscription;
  readonly #placement: Placement;
  readonly #fetcher: Fetcher;
  readonly #owned = new Map<string, TopicPartition>();
  #events!: ConsumerEvents;
  /** Why this is no member at the moment, and why nothing can be fetched. */
  #outside: Fault | undefined;
  #fetchFault: Fault | undefined;
  #stopping = false;
  #closed = false;

  constructor(settings: ConsumerSettings, connection: KafkaConnectionOptions) {
    boundDecompression();
    this.#connection = connection;
    this.#goodbye = new Goodbye(connection);
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
    const log: ConsumerEvents['log'] = (...line) => this.#events.log(...line);
    this.#subscription = new Subscription(this.#member, this.#admin, settings, {
      changed: () => this.#topicsChanged(),
      looked: () => this.#tell(),
      log,
    });
    const events: MembershipEvents = {
      joining: () => this.#subscription.count(),
      joined: () => {
        this.#reconcile();
        this.#setOutside(undefined);
        log('info', 'joined the group', { partitions: this.#owned.size });
      },
      rebalanced: () => this.#reconcile(),
      inside: () => this.#setOutside(undefined),
      outside: (reason) => this.#setOutside({ type: 'consumer_stopped', reason }),
      failed: (error) => {
        void this.#halt();
        this.#events.failed(error);
      },
      log,
    };
    const [member, admin] = [this.#member, this.#admin];
    this.#membership =
      settings.groupProtocol === 'consumer'
        ? new GroupHeartbeats({ member, admin, settings, connection, events })
        : new ClassicMembership(member, settings, connection, events);
    this.#placement = new Placement(this.#member, settings.start, {
      placed: (partition, offset) => this.#fetcher.add(partition, offset),
      log,
    });
    this.#fetcher = new Fetcher({
      consumer: this.#member,
      pool: this.#pool,
      settings,
      events: {
        records: (partition, records, end) => {
          if (this.#owned.has(nameOf(partition))) this.#events.records(partition, records, end);
        },
        outOfRange: (partition, logStart) => this.#outOfRange(partition, logStart),
        gone: (topic) => this.#subscription.gone(topic),
        trouble: (error) => this.#setFetchFault({ type: 'fetch_failed', reason: messageOf(plainError(error)) }),
        recovered: () => this.#setFetchFault(undefined),
      },
    });
  }

  async start(events: ConsumerEvents): Promise<void> {
    this.#events = events;
    let topics: string[] = [];
    await connectWithin(this.#connection, 'source', this.#faults, async () => {
      topics = await this.#subscription.list();
    });
    if (this.#stopping) return this.close();
    this.#subscription.begin(topics);
    if (!this.#subscription.empty) await this.#membership.begin();
    this.#membership.begun();
    // A stop that came in between found nothing to close yet.
    if (this.#stopping) return this.close();
    this.#subscription.watch();
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
    return this.#membership.holds();
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void> {
    if (this.#closed) throw new Error('the consumer is not a member of the group at the moment');
    const mine = () => offsets.filter((offset) => this.#owned.has(nameOf(offset)));
    try {
      await this.#goodbye.notForEver(this.#membership.commit(mine));
    } catch (error) {
      throw error instanceof SluiceError ? error : plainError(error);
    }
  }

  stop(): Promise<void> {
    return this.#halt();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.stop();
    const closing = this.#membership
      .leave()
      .catch(() => {})
      .then(() => Promise.allSettled([this.#member.close(true), this.#admin.close(), this.#pool.close()]));
    await this.#goodbye.notForEver(closing).catch(() => {});
    this.#faults.close();
    this.#membership.close();
  }

  /** Nothing is fetched, looked for or joined any more. */
  #halt(): Promise<void> {
    this.#stopping = true;
    this.#goodbye.say();
    this.#membership.stop();
    this.#placement.stop();
    this.#fetcher.stop();
    return this.#subscription.stop();
  }

  async #topicsChanged(): Promise<void> {
    if (!this.#subscription.empty) await this.#membership.joinAgain();
    else for (const partition of this.#owned.values()) this.#revoke(partition);
  }

  #setOutside(fault: Fault | undefined): void {
    this.#outside = fault;
    this.#tell();
  }

  #setFetchFault(fault: Fault | undefined): void {
    this.#fetchFault = fault;
    this.#tell();
  }

  /** Says what keeps it from reading, or that nothing does. */
  #tell(): void {
    this.#events.trouble(this.#outside ?? this.#fetchFault ?? missingTopic(this.#subscription.missing));
  }

  #reconcile(): void {
    const now = new Map<string, TopicPartition>();
    for (const { topic, partitions } of this.#membership.assignments)
      for (const partition of partitions) now.set(nameOf({ topic, partition }), { topic, partition });
    for (const [name, gone] of this.#owned) if (!now.has(name)) this.#revoke(gone);
    for (const [name, partition] of now) {
      if (this.#owned.has(name)) continue;
      this.#owned.set(name, partition);
      this.#assign(partition);
    }
    void this.#placement.place();
  }

  #assign(partition: TopicPartition): void {
    const goOn = this.#events.assigned(partition);
    if (goOn === undefined) this.#placement.add(partition);
    else this.#fetcher.add(partition, goOn);
  }

  #revoke(partition: TopicPartition): void {
    this.#owned.delete(nameOf(partition));
    this.#placement.remove(partition);
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
}
