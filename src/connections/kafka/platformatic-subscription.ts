import type { Admin, Consumer } from '@platformatic/kafka';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerSettings } from './client.ts';
import { plainError } from './platformatic-errors.ts';
import { matchingTopics, presentTopics } from './topics.ts';

/** Until a topic that was deleted is looked for again. */
const MISSING_MS = 5000;

export interface SubscriptionEvents {
  /** Topics or partitions came or went: the group has to hear of it. */
  changed(): Promise<void>;
  /** It was looked whether all are there. */
  looked(): void;
  log(level: 'info' | 'warn', message: string, fields?: object): void;
}

/** The topics that a member reads: those that match, looked for again and again. */
export class Subscription {
  readonly #member: Consumer;
  readonly #admin: Admin;
  readonly #settings: ConsumerSettings;
  readonly #events: SubscriptionEvents;
  #partitionCounts = '';
  #missing: string | undefined;
  #watch: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(member: Consumer, admin: Admin, settings: ConsumerSettings, events: SubscriptionEvents) {
    this.#member = member;
    this.#admin = admin;
    this.#settings = settings;
    this.#events = events;
  }

  /** One that is not there any more. */
  get missing(): string | undefined {
    return this.#missing;
  }

  get empty(): boolean {
    return this.#member.topics.current.length === 0;
  }

  async list(): Promise<string[]> {
    try {
      return await this.#admin.listTopics({ includeInternals: false });
    } catch (error) {
      throw plainError(error);
    }
  }

  /** @param existing all that there are */
  begin(existing: readonly string[]): void {
    for (const topic of matchingTopics(this.#settings.topics, existing)) this.#member.topics.track(topic);
  }

  watch(): void {
    this.#watch = setInterval(() => this.#look(), this.#settings.metadataMaxAgeMs);
  }

  /** Remembers how many partitions each topic has: whoever leads the group knows only what it has asked for. */
  async count(): Promise<void> {
    this.#partitionCounts = await this.#counted();
  }

  gone(topic: string): void {
    this.#missing = topic;
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watch);
    await this.#looking;
    clearTimeout(this.#soon);
  }

  async #counted(): Promise<string> {
    const topics = [...this.#member.topics.current].sort();
    const { topics: found } = await this.#admin.metadata({ topics: [...topics], forceUpdate: true });
    return topics.map((topic) => `${topic}=${found.get(topic)?.partitionsCount}`).join();
  }

  #look(): void {
    if (this.#looking !== undefined || this.#stopped) return;
    clearTimeout(this.#soon);
    this.#looking = this.#lookForTopics()
      .catch((error: unknown) =>
        this.#events.log('warn', 'topics could not be listed', { error: messageOf(plainError(error)) }),
      )
      .finally(() => {
        this.#looking = undefined;
        // Whoever deleted it by mistake makes it anew soon.
        if (this.#missing !== undefined && !this.#stopped) this.#soon = setTimeout(() => this.#look(), MISSING_MS);
      });
  }

  async #lookForTopics(): Promise<void> {
    const existing = await this.list();
    const { topics } = this.#member;
    const { found: wanted, missing } = presentTopics(this.#settings.topics, existing);
    const before = [...topics.current];
    for (const topic of before) if (!wanted.includes(topic)) topics.untrack(topic);
    for (const topic of wanted) if (!before.includes(topic)) topics.track(topic);
    const changed = before.sort().join() !== wanted.join();
    if (changed) this.#events.log('info', 'topics changed', { topics: wanted });
    this.#missing = missing;
    this.#events.looked();
    if (this.#stopped || (!changed && (await this.#counted()) === this.#partitionCounts)) return;
    await this.#events.changed();
  }
}
