import { randomUUID } from 'node:crypto';
import { type Admin, type Consumer, consumerGroupHeartbeatV1, offsetCommitV9 } from '@platformatic/kafka';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ConsumerSettings } from './client.ts';
import { connectionFailure, isRefusal } from './connect.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { Coordinator } from './platformatic-coordinator.ts';
import { apiIdOf, plainError } from './platformatic-errors.ts';
import {
  type CommittedOffset,
  type GroupMembership,
  isFenced,
  type MembershipEvents,
  twin,
} from './platformatic-membership.ts';
import { topicNames } from './platformatic-topic-names.ts';

/** Wait after a heartbeat that failed. */
const AGAIN_MS = 1000;
const JOINING = 0;
const LEAVING = -1;
/** Of a static member that comes back. */
const PAUSING = -2;
/** How often a commit is sent again because a newer epoch began while it was on its way. */
const MOST_COMMITS = 5;
/** The group goes on without this member: it joins as a new one. */
const LOST: ReadonlySet<string | undefined> = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH']);

type Response = ReturnType<typeof consumerGroupHeartbeatV1.parseResponse>;
type Partitions = NonNullable<Response['assignment']>['topicPartitions'];

export interface HeartbeatParts {
  readonly member: Consumer;
  readonly admin: Admin;
  readonly settings: ConsumerSettings;
  readonly connection: KafkaConnectionOptions;
  readonly events: MembershipEvents;
}

/**
 * A member by Kafka's newer protocol (KIP-848), in which the brokers assign, and one kind of request does everything.
 * The library speaks it for its own streams only: a heartbeat says what this member has, the answer what it should have,
 * and what it gives up is another one's after the next heartbeat.
 */
export class GroupHeartbeats implements GroupMembership {
  readonly #parts: HeartbeatParts;
  readonly #coordinator: Coordinator;
  readonly #memberId = randomUUID();
  #epoch = JOINING;
  #owned: Partitions = [];
  #assignments: { readonly topic: string; readonly partitions: number[] }[] = [];
  /** When the request was sent whose answer said that this is a member; milliseconds on the monotonic clock. */
  #memberSince = Number.NEGATIVE_INFINITY;
  #intervalMs = AGAIN_MS;
  #beating: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #begun = false;
  #stopped = false;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#coordinator = new Coordinator(parts.admin, parts.settings.groupId);
  }

  get assignments(): readonly { readonly topic: string; readonly partitions: number[] }[] {
    return this.#assignments;
  }

  holds(): boolean {
    return performance.now() - this.#memberSince < this.#parts.settings.sessionTimeoutMs;
  }

  async begin(): Promise<void> {
    const { connection, member } = this.#parts;
    const api = (await member.listApis()).find(({ name }) => name === 'ConsumerGroupHeartbeat');
    if (api === undefined || api.maxVersion < 1)
      throw new SluiceError('SLUICE_SOURCE_FAILED', 'the brokers do not know group_protocol: consumer', {
        hint: 'They have to be of Kafka 4.0 or newer; or set `group_protocol: classic`.',
      });
    try {
      await this.#beat();
    } catch (error) {
      if (isRefusal(plainError(error))) throw connectionFailure(plainError(error), connection, 'source');
      this.#failed(error);
    }
  }

  begun(): void {
    this.#begun = true;
  }

  /** A heartbeat names the topics that there are now. */
  async joinAgain(): Promise<void> {
    await this.#parts.events.joining();
    await this.#beatOrTryAgain();
  }

  async commit(select: () => readonly CommittedOffset[]): Promise<void> {
    const { groupId, groupInstanceId = null } = this.#parts.settings;
    for (let sent = 1; ; sent += 1) {
      const coordinator = await this.#coordinator.connect();
      // What is sent is this member's by the epoch that it is sent with.
      const topics = byTopic(select());
      if (topics.length === 0) return;
      if (this.#epoch <= JOINING) throw new Error('the consumer is not a member of the group at the moment');
      try {
        await offsetCommitV9.api.async(coordinator, groupId, this.#epoch, this.#memberId, groupInstanceId, topics);
        return;
      } catch (error) {
        if (apiIdOf(error) !== 'STALE_MEMBER_EPOCH' || sent === MOST_COMMITS) {
          this.#coordinator.forget();
          throw error;
        }
        await this.#beatOrTryAgain();
      }
    }
  }

  /** The membership lasts until it is left: what is in flight is still to be committed. */
  stop(): void {
    this.#stopped = true;
  }

  async leave(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#beating?.catch(() => {});
    clearTimeout(this.#timer);
    if (this.#epoch <= JOINING) return;
    this.#epoch = this.#parts.settings.groupInstanceId === undefined ? LEAVING : PAUSING;
    this.#owned = [];
    await this.#ask();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#memberSince = Number.NEGATIVE_INFINITY;
  }

  #next(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#epoch >= JOINING) this.#timer = setTimeout(() => void this.#beatOrTryAgain(), ms);
  }

  async #beatOrTryAgain(): Promise<void> {
    await this.#beat().catch((error: unknown) => this.#failed(error));
  }

  /** One at a time: an answer holds for what was asked with the epoch before it. */
  #beat(): Promise<void> {
    this.#beating ??= this.#exchange()
      .then(() => this.#next(this.#intervalMs))
      .finally(() => {
        this.#beating = undefined;
      });
    return this.#beating;
  }

  /** Heartbeats until the group has heard that this member has what it should have. */
  async #exchange(): Promise<void> {
    const { events } = this.#parts;
    for (;;) {
      const joining = this.#epoch === JOINING;
      if (joining) await events.joining();
      const asked = performance.now();
      const { memberEpoch, heartbeatIntervalMs, assignment } = await this.#ask();
      this.#epoch = memberEpoch;
      this.#memberSince = asked;
      this.#intervalMs = heartbeatIntervalMs;
      const before = textOf(this.#owned);
      if (assignment !== null) await this.#take(assignment.topicPartitions);
      const changed = textOf(this.#owned) !== before;
      if (changed || joining) events.joined();
      else events.inside();
      if (!changed) return;
    }
  }

  async #ask(): Promise<Response> {
    const { member, settings } = this.#parts;
    return consumerGroupHeartbeatV1.api.async(
      await this.#coordinator.connect(),
      settings.groupId,
      this.#memberId,
      this.#epoch,
      settings.groupInstanceId ?? null,
      null,
      Math.max(settings.rebalanceTimeoutMs, settings.sessionTimeoutMs),
      member.topics.current,
      null,
      null,
      this.#owned,
    );
  }

  /** What the group gives, as far as it is known which topics are meant. */
  async #take(given: Partitions): Promise<void> {
    const { admin, member } = this.#parts;
    const ids = given.map(({ topicId }) => topicId);
    const names = await topicNames(admin, member.topics.current, ids);
    this.#owned = given.filter(({ topicId }) => names.has(topicId));
    this.#assignments = this.#owned.map(({ topicId, partitions }) => ({ topic: names.get(topicId)!, partitions }));
  }

  #failed(error: unknown): void {
    const { events, settings, connection } = this.#parts;
    this.#coordinator.forget();
    if (this.#stopped) return this.#next(AGAIN_MS);
    const plain = plainError(error);
    const hopeless = isFenced(error) || plain.name === 'CredentialsError';
    if (hopeless && this.#begun) {
      this.close();
      return events.failed(isFenced(error) ? twin(settings, error) : connectionFailure(plain, connection, 'source'));
    }
    if (LOST.has(apiIdOf(error))) {
      this.#epoch = JOINING;
      this.#memberSince = Number.NEGATIVE_INFINITY;
      this.#owned = [];
      this.#assignments = [];
      events.rebalanced();
    }
    if (!this.holds()) {
      events.outside(messageOf(plain));
      events.log('warn', 'the consumer is no member of its group and tries again', { error: messageOf(plain) });
    }
    this.#next(AGAIN_MS);
  }
}

const textOf = (partitions: Partitions): string =>
  partitions
    .map(({ topicId, partitions: numbers }) => `${topicId}=${[...numbers].sort().join()}`)
    .sort()
    .join(' ');

const byTopic = (offsets: readonly CommittedOffset[]) => {
  const topics = new Map<string, { partitionIndex: number; committedOffset: bigint; committedLeaderEpoch: number }[]>();
  for (const { topic, partition, offset } of offsets) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1 });
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
};
