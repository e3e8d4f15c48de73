import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import { allHits } from './elasticsearch.ts';
import { committedOffsets, createTopic, testKafka, withAdmin } from './kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './servers.ts';

const PARTITIONS = 4;
const BATCH = 25;

/** Numbered documents that keep coming while a test disturbs what reads them. */
export class Feed {
  readonly topic: string;
  readonly index: string;
  readonly groupId: string;
  readonly #brokers: string;
  readonly #numbered: boolean;
  #sent = 0;
  #running = true;
  readonly #done: Promise<void>;

  static async start(): Promise<Feed> {
    return new Feed(await createTopic('feed', PARTITIONS));
  }

  /**
   * @param topic exists, with four partitions
   * @param numbered `_id`s are the numbers, and one may be sent twice: when kafkajs tries again by itself, it loses what is
   * for a partition that has moved to a broker which has answered already
   */
  constructor(topic: string, address = brokers(), numbered = false) {
    this.topic = topic;
    this.#brokers = address;
    this.#numbered = numbered;
    this.index = uniqueName('index');
    this.groupId = uniqueName('group');
    this.#done = this.#produce();
    this.#done.catch(() => {});
  }

  get sent(): number {
    return this.#sent;
  }

  /** A stream of the feed into its index; the default `_id`s, so that a redelivery overwrites itself. */
  pipeline(changes: { source?: object; sink?: object; [key: string]: unknown } = {}): object {
    const { sink, source, ...others } = changes;
    return {
      name: 'feed',
      source: {
        kafka: {
          brokers: this.#brokers,
          topics: this.topic,
          group_id: this.groupId,
          session_timeout: '10s',
          heartbeat_interval: '1s',
          ...source,
        },
      },
      processors: [{ set: { field: 'seen', value: true } }],
      sink: {
        elasticsearch: {
          nodes: elasticsearchUrl(),
          index: this.index,
          batch: { max_documents: 100 },
          ...(this.#numbered && { id: '{{{n}}}' }),
          ...sink,
        },
      },
      limits: { commit_interval: '200ms' },
      ...others,
    };
  }

  /** Ends the feed and waits until every document is in the index once, and committed. */
  async settle(extra = ''): Promise<void> {
    await this.stop();
    const url = elasticsearchUrl();
    let found = 0;
    await until(
      `${this.#sent} documents in the index`,
      async () => {
        found = (await allHits(url, this.index)).length;
        return found >= this.#sent;
      },
      { seconds: 60, everyMs: 500 },
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${found} are there ${extra}`);
    });
    const numbers = (await allHits(url, this.index)).map(({ _source }) => Number(_source.n)).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: this.#sent }, (_, index) => index),
    );
    const ends = await withAdmin((admin) => admin.fetchTopicOffsets(this.topic), this.#brokers);
    const end = ends.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
    await until(
      'all offsets committed',
      async () => String(await committedOffsets(this.groupId, this.topic, this.#brokers)) === String(end),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #produce(): Promise<void> {
    // Idempotent: what is sent again over a broker's restart must not stand in the topic twice.
    const producer = testKafka(this.#brokers).producer(
      this.#numbered
        ? { retry: { retries: 0 } }
        : { idempotent: true, maxInFlightRequests: 1, retry: { retries: 30, maxRetryTime: 1000 } },
    );
    const send = async (messages: Message[]): Promise<unknown> => {
      for (let tries = 0; ; tries += 1) {
        try {
          return await producer.send({ topic: this.topic, messages });
        } catch (error) {
          if (!this.#numbered || tries === 100) throw error;
          await sleep(200);
        }
      }
    };
    await producer.connect();
    try {
      while (this.#running) {
        const messages = Array.from({ length: BATCH }, (_, index) => ({
          partition: (this.#sent + index) % PARTITIONS,
          value: JSON.stringify({ n: this.#sent + index, text: 'Ein Dokument unter vielen. '.repeat(5) }),
        }));
        await send(messages);
        this.#sent += BATCH;
        await sleep(50);
      }
    } finally {
      await producer.disconnect();
    }
  }
}

/** Lets the feed run on until the workers have written some more of it. */
export const inMidStream = (index: string, documents: number, seconds = 30): Promise<unknown> =>
  until(
    `${documents} documents in ${index}`,
    async () => (await allHits(elasticsearchUrl(), index)).length >= documents,
    { seconds, everyMs: 500 },
  );
