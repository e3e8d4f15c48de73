import type kafkajs from 'kafkajs';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerEvents, ConsumerSettings, KafkaConsumer, TopicPartition } from './client.ts';
import { watchClock } from './clock-watch.ts';
import { connectionFailure, connectWithin } from './connect.ts';
import { Goodbye } from './goodbye.ts';
import type { OwnKafka } from './kafkajs.ts';
import { KafkajsMember } from './kafkajs-member.ts';
import { Pauses } from './kafkajs-pauses.ts';
import { KafkajsPlacement } from './kafkajs-placement.ts';
import { recordsOf } from './kafkajs-records.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { nameOf } from './partition-name.ts';
import { StickyAssigner } from './sticky-assigner.ts';
import { matchingTopics, missingTopic, presentTopics } from './topics.ts';

/** Wait before a consumer that kafkajs gave up on is built anew. */
const REBUILD_MS = 2000;

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
  readonly #member: KafkajsMember;
  readonly #placement: KafkajsPlacement;
  readonly #pauses = new Pauses();
  readonly #goodbye: Goodbye;
  #events!: ConsumerEvents;
  #admin: kafkajs.Admin | undefined;
  #topics: string[] = [];
  #missing: string | undefined;
  #stopping = false;
  #watch: NodeJS.Timeout | undefined;
  #unwatchClock = () => {};
  #busy: Promise<void> = Promise.resolve();
  /** Next offsets that were committed. kafkajs hands over nothing below them, unless it had to begin anew. */
  readonly #committed = new Map<string, bigint>();

  constructor({ kafka, sockets }: OwnKafka, settings: ConsumerSettings, connection: KafkaConnectionOptions) {
    this.#kafka = kafka;
    this.#sockets = sockets;
    this.#settings = settings;
    this.#connection = connection;
    this.#goodbye = new Goodbye(connection);
    const log: ConsumerEvents['log'] = (...line) => this.#events.log(...line);
    this.#member = new KafkajsMember({
      kafka,
      settings,
      connection,
      assigner: this.#assigner,
      events: {
        joined: (consumer, assignment) => this.#joined(consumer, assignment),
        batch: ({ batch, resolveOffset }) => {
          if (this.#stopping || this.#placement.has(batch)) return;
          this.#handOver(batch);
          resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset());
        },
        crashed: (error) => {
          if (!this.#stopping) this.#crashed(error);
        },
        trouble: (fault) => this.#events.trouble(fault),
        log,
      },
    });
    this.#placement = new KafkajsPlacement({
      settings,
      current: (consumer) => consumer === this.#member.consumer && !this.#stopping,
      log,
    });
  }

  async start(events: ConsumerEvents): Promise<void> {
    this.#events = events;
    this.#admin = this.#kafka.admin({ retry: { retries: 3 } });
    await connectWithin(this.#connection, 'source', this.#sockets.faults, () => this.#admin!.connect());
    if (this.#stopping) return this.close();
    this.#topics = matchingTopics(this.#settings.topics, await this.#admin.listTopics());
    if (this.#topics.length > 0) await this.#member.join(this.#topics, true);
    // A stop that came in between found nothing to close yet.
    if (this.#stopping) return this.close();
    this.#watch = setInterval(() => this.#enqueue(() => this.#lookForTopics()), this.#settings.metadataMaxAgeMs);
    this.#unwatchClock = watchClock(
      () => this.#enqueue(() => this.#clockSetBack()),
      this.#settings.heartbeatIntervalMs,
    );
  }

  pause(): void {
    this.#pauses.pause(this.#member.consumer, this.#topics);
  }

  resume(): void {
    this.#pauses.resume(this.#member.consumer, this.#topics);
  }

  pausePartition(partition: TopicPartition): void {
    this.#pauses.pausePartition(partition, this.#member.consumer, this.#topics);
  }

  resumePartition(partition: TopicPartition): void {
    this.#pauses.resumePartition(partition, this.#member.consumer);
  }

  holds(): boolean {
    return this.#member.holds();
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void> {
    const mine = offsets.filter((offset) => this.#owned.has(nameOf(offset)));
    if (mine.length === 0) return;
    const { consumer } = this.#member;
    if (consumer === undefined) throw new Error('the consumer is not a member of the group at the moment');
    const committed = consumer.commitOffsets(
      mine.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
    );
    await this.#goodbye.notForEver(committed);
    for (const offset of mine) if (this.#owned.has(nameOf(offset))) this.#committed.set(nameOf(offset), offset.offset);
  }

  /** kafkajs leaves the group when it is stopped, and then cannot commit; so it only stops to hand over. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#goodbye.say();
    clearInterval(this.#watch);
    this.#unwatchClock();
    await this.#busy;
    this.pause();
  }

  async close(): Promise<void> {
    // Where no broker answers, the group finds out by itself.
    await this.#goodbye.notForEver(Promise.all([this.#member.leave(), this.#admin?.disconnect()])).catch(() => {});
    this.#sockets.close();
  }

  /** What kafkajs does not retry by itself is built anew, unless trying again cannot help. */
  #crashed(error: Error): void {
    if (error.name === 'KafkaJSSASLAuthenticationError') {
      this.#events.failed(connectionFailure(error, this.#connection, 'source'));
      return;
    }
    setTimeout(() => {
      this.#enqueue(async () => {
        await this.#member.leave().catch(() => {});
        // A topic that is gone may be why: the others go on without it.
        await this.#joinFor(await this.#present());
      });
    }, REBUILD_MS);
  }

  /** One change of the membership at a time. */
  #enqueue(work: () => Promise<void>): void {
    this.#busy = this.#busy
      .then(() => (this.#stopping ? undefined : work()))
      .catch((error: unknown) => {
        this.#events.log('warn', 'the consumer could not be renewed and tries again', { error: messageOf(error) });
        if (this.#member.consumer === undefined || !this.#stopping) this.#crashed(error as Error);
      });
  }

  async #clockSetBack(): Promise<void> {
    this.#events.log('warn', 'the clock was set back; the consumer joins the group anew', {});
    await this.#member.leave();
    await this.#joinFor(this.#topics);
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
    await this.#member.leave();
    await this.#joinFor(found);
  }

  async #joinFor(topics: string[]): Promise<void> {
    this.#topics = topics;
    if (topics.length > 0) await this.#member.join(topics);
    else this.#joined(undefined, {});
  }

  async #present(): Promise<string[]> {
    const { found, missing } = presentTopics(this.#settings.topics, await this.#admin!.listTopics());
    const changed = this.#missing !== missing;
    this.#missing = missing;
    if (changed) this.#events.trouble(missingTopic(missing));
    return found;
  }

  #joined(consumer: kafkajs.Consumer | undefined, assignment: Record<string, number[]>): void {
    const now = new Map<string, TopicPartition>();
    for (const [topic, partitions] of Object.entries(assignment))
      for (const partition of partitions) now.set(nameOf({ topic, partition }), { topic, partition });
    for (const [name, gone] of this.#owned) {
      if (now.has(name)) continue;
      this.#owned.delete(name);
      this.#placement.remove(gone);
      this.#pauses.revoked(gone, this.#member.consumer);
      this.#committed.delete(name);
      this.#events.revoked(gone);
    }
    for (const [name, partition] of now) {
      this.#owned.set(name, partition);
      const goOn = this.#events.assigned(partition);
      if (goOn !== undefined) consumer?.seek({ ...partition, offset: String(goOn) });
      else this.#placement.add(partition);
    }
    this.#assigner.keep(now.values());
    if (consumer !== undefined) void this.#placement.place(consumer, this.#admin!);
    this.#events.trouble(missingTopic(this.#missing));
    this.#events.log('info', 'joined the group', { partitions: now.size });
    this.#pauses.apply(this.#member.consumer, this.#topics);
  }

  #handOver({ topic, partition, messages, highWatermark }: kafkajs.Batch): void {
    if (!this.#owned.has(nameOf({ topic, partition })) || messages.length === 0) return;
    const records = recordsOf(messages);
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
