import { setTimeout as delay } from 'node:timers/promises';
import { type Consumer, consumerGroupChannel, consumerHeartbeatChannel } from '@platformatic/kafka';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ConsumerSettings, TopicPartition } from './client.ts';
import { connectionFailure, isRefusal } from './connect.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { apiIdOf, plainError } from './platformatic-errors.ts';

const AGAIN_MS = 2000;

/** What the library publishes on its diagnostic channels. */
interface Traced {
  readonly client?: unknown;
  readonly operation?: string;
  readonly error?: unknown;
}

export interface MembershipEvents {
  /** Before each join. */
  joining(): Promise<void>;
  joined(): void;
  /** Before this member asks to join again: whoever gets what it lost may begin right after that. */
  rebalanced(): void;
  inside(): void;
  /** It is no member at the moment, and tries to be one again. */
  outside(reason: string): void;
  failed(error: SluiceError): void;
  log(level: 'warn', message: string, fields?: object): void;
}

export type CommittedOffset = TopicPartition & { readonly offset: bigint };

/** What a protocol of consumer groups has to do for a member. */
export interface GroupMembership {
  /** What is this member's. */
  readonly assignments: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  /** False where the group may have given this member's partitions to others. */
  holds(): boolean;
  /** @throws SluiceError where trying again cannot help; a join that only takes long goes on in the background */
  begin(): Promise<void>;
  /** From now on, what trying again cannot help ends the member by `failed`. */
  begun(): void;
  /** Topics or partitions came or went. */
  joinAgain(): Promise<void>;
  /** @param select what is to be committed, asked at the moment at which it is known as which member */
  commit(select: () => readonly CommittedOffset[]): Promise<void>;
  /** Does not join again; what it has it keeps. */
  stop(): void;
  leave(): Promise<void>;
  close(): void;
}

/** A member by the classic protocol: joins again where it has to, and knows for how long it surely is a member. */
export class ClassicMembership implements GroupMembership {
  readonly #member: Consumer;
  readonly #settings: ConsumerSettings;
  readonly #connection: KafkaConnectionOptions;
  readonly #events: MembershipEvents;
  /** When the request was sent whose answer said that this is a member; milliseconds on the monotonic clock. */
  #memberSince = Number.NEGATIVE_INFINITY;
  #asked = Number.NEGATIVE_INFINITY;
  #again: NodeJS.Timeout | undefined;
  #begun = false;
  #stopped = false;

  constructor(
    member: Consumer,
    settings: ConsumerSettings,
    connection: KafkaConnectionOptions,
    events: MembershipEvents,
  ) {
    this.#member = member;
    this.#settings = settings;
    this.#connection = connection;
    this.#events = events;
    consumerGroupChannel.start.subscribe(this.#asks);
    consumerHeartbeatChannel.error.subscribe(this.#heartbeatFailed);
    this.#listen();
  }

  get assignments(): GroupMembership['assignments'] {
    return this.#member.assignments ?? [];
  }

  holds(): boolean {
    return performance.now() - this.#memberSince < this.#settings.sessionTimeoutMs;
  }

  async begin(): Promise<void> {
    const joined = this.#join().catch((error: unknown) => {
      if (isRefusal(plainError(error)) || isFenced(error))
        throw connectionFailure(plainError(error), this.#connection, 'source');
      this.#joinLater(error);
    });
    await Promise.race([joined, delay(this.#connection.connect_timeout, undefined, { ref: false })]);
  }

  begun(): void {
    this.#begun = true;
  }

  async joinAgain(): Promise<void> {
    await this.#join().catch((error: unknown) => this.#joinLater(error));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#again);
  }

  async commit(select: () => readonly CommittedOffset[]): Promise<void> {
    if (this.#member.memberId === null) throw new Error('the consumer is not a member of the group at the moment');
    // First, so that the generation that the commit carries is the one for which the partitions are looked up here.
    await this.#member.metadata({ topics: this.#member.topics.current });
    const offsets = select().map(({ topic, partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 }));
    if (offsets.length > 0) await this.#member.commit({ offsets });
  }

  /** The library leaves when it is closed. A static member does not: its partitions wait until the session is over. */
  async leave(): Promise<void> {
    if (this.#settings.groupInstanceId !== undefined) this.#forget();
  }

  close(): void {
    consumerGroupChannel.start.unsubscribe(this.#asks);
    consumerHeartbeatChannel.error.unsubscribe(this.#heartbeatFailed);
  }

  #listen(): void {
    this.#member.on('consumer:heartbeat:start', () => {
      this.#asked = performance.now();
    });
    this.#member.on('consumer:heartbeat:end', () => {
      this.#memberSince = this.#asked;
      this.#events.inside();
    });
    this.#member.on('consumer:heartbeat:error', ({ error }) => {
      if (!this.holds()) this.#events.outside(messageOf(plainError(error)));
    });
    this.#member.on('consumer:group:rebalance', () => this.#events.rebalanced());
    this.#member.on('consumer:group:join', () => {
      this.#memberSince = this.#asked;
      this.#events.joined();
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
    if (client === this.#member && isFenced(error) && !this.#stopped) this.#fail(error);
  };

  async #join(): Promise<void> {
    await this.#member.metadata({ topics: this.#member.topics.current, forceUpdate: true });
    await this.#events.joining();
    await this.#member.joinGroup({});
  }

  #joinLater(error: unknown): void {
    if (this.#stopped) return;
    const plain = plainError(error);
    if (this.#begun && (plain.name === 'CredentialsError' || isFenced(error))) return this.#fail(error);
    this.#events.outside(plain.message);
    this.#events.log('warn', 'the consumer stopped and starts again', { error: plain.message });
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.joinAgain(), AGAIN_MS);
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#memberSince = Number.NEGATIVE_INFINITY;
    if (!isFenced(error)) return this.#events.failed(connectionFailure(plainError(error), this.#connection, 'source'));
    // Joining again would drive out the other one, which would join again, and so on.
    this.#forget();
    this.#events.failed(twin(this.#settings, error));
  }

  /** Without a word to the group. The library does not join again either. */
  #forget(): void {
    this.#member.memberId = null;
    this.#member.leaveGroup(false, () => {});
  }
}

export const isFenced = (error: unknown): boolean =>
  error !== undefined && error !== null && apiIdOf(error) === 'FENCED_INSTANCE_ID';

export const twin = ({ groupInstanceId }: ConsumerSettings, cause: unknown): SluiceError =>
  new SluiceError(
    'SLUICE_SOURCE_FAILED',
    `another member of the group has the group_instance_id [${groupInstanceId}]`,
    { hint: 'Give each worker a group_instance_id of its own.', cause },
  );
