import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';

const { Kafka, logLevel } = kafkajs;

/** What was sent, and what has to become of it: all that the verification knows. */
export type Sent =
  | { readonly topic: 'articles'; readonly id: string; readonly version: number; readonly source: Article }
  | { readonly topic: 'events'; readonly n: number; readonly source: Event }
  /** Ends as a dead letter, with these bytes. */
  | { readonly topic: 'articles' | 'events'; readonly dead: string };

export interface Article {
  readonly id: string;
  readonly version: number;
  readonly title: string;
  readonly value: number;
  readonly body?: string;
}

export interface Event {
  readonly '@timestamp': string;
  readonly n: number;
  readonly message: string;
}

export const PARTITIONS = 6;
/** Versions of so many ids: each is written again and again. */
const IDS = 2000;
const BATCH = 100;
/** Share of documents that must fail, and of articles that get a text for the model. */
const POISON = 0.02;
const TEXTS = 0.04;

const CITIES = ['Lisbon', 'Nairobi', 'Toronto', 'Prague', 'Lima', 'Seoul', 'Cairo', 'Oslo'];
const PEOPLE = ['Maria Santos', 'James Okafor', 'Eva Novak', 'Ana Quispe', 'Min-jun Park', 'Nils Berg'];

/** Sends articles and events at a steady rate, and writes down each batch before it is sent. */
export class Producer {
  readonly #producer: kafkajs.Producer;
  readonly #random: () => number;
  readonly #log: string;
  readonly #versions = new Map<string, number>();
  #next = 0;
  #stopped = false;
  #held = false;
  #sending: Promise<void> = Promise.resolve();
  sent = 0;

  constructor(brokers: string, random: () => number, log: string) {
    this.#producer = new Kafka({
      clientId: 'chaos-producer',
      brokers: [brokers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 30, maxRetryTime: 2000 },
    }).producer({ idempotent: true, allowAutoTopicCreation: false });
    this.#random = random;
    this.#log = log;
  }

  /** Runs until `stop`. @param rate documents a second */
  async run(rate: number): Promise<void> {
    await this.#producer.connect();
    while (!this.#stopped) {
      const began = performance.now();
      if (!this.#held) {
        this.#sending = this.#send();
        await this.#sending;
      }
      await sleep(Math.max(0, (1000 * BATCH) / rate - (performance.now() - began)));
    }
    await this.#producer.disconnect();
  }

  /** Resolves when nothing is under way: what the broker has is then certain, also when it goes away. */
  async hold(): Promise<void> {
    this.#held = true;
    await this.#sending;
  }

  goOn(): void {
    this.#held = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #send(): Promise<void> {
    const batch = Array.from({ length: BATCH }, () => (this.#random() < 0.6 ? this.#article() : this.#event()));
    appendFileSync(this.#log, batch.map(({ sent }) => `${JSON.stringify(sent)}\n`).join(''));
    const topics = (['articles', 'events'] as const).map((topic) => ({
      topic,
      messages: batch.filter(({ sent }) => sent.topic === topic).map(({ key, value }) => ({ key, value })),
    }));
    await this.#producer.sendBatch({ topicMessages: topics });
    this.sent += batch.length;
  }

  #article(): { sent: Sent; key: string; value: string } {
    const n = this.#next++;
    const id = `k${Math.floor(this.#random() * IDS)}`;
    if (this.#random() < POISON) return { ...this.#poison('articles', n, { id, version: 0 }), key: id };
    const version = (this.#versions.get(id) ?? 0) + 1;
    this.#versions.set(id, version);
    const person = PEOPLE[n % PEOPLE.length]!;
    const city = CITIES[n % CITIES.length]!;
    const source: Article = {
      id,
      version,
      title: `Report ${n} from ${city}`,
      value: n,
      ...(this.#random() < TEXTS && { body: `${person} spoke in ${city} about report number ${n}.` }),
    };
    return { sent: { topic: 'articles', id, version, source }, key: id, value: JSON.stringify(source) };
  }

  #event(): { sent: Sent; key: string; value: string } {
    const n = this.#next++;
    if (this.#random() < POISON) return { ...this.#poison('events', n, {}), key: String(n) };
    const source: Event = {
      '@timestamp': new Date().toISOString(),
      n,
      message: `Event number ${n} in ${CITIES[n % CITIES.length]!}`,
    };
    return { sent: { topic: 'events', n, source }, key: String(n), value: JSON.stringify(source) };
  }

  /** Broken, refused by a processor, or refused by the index. */
  #poison(topic: 'articles' | 'events', n: number, fields: object): { sent: Sent; value: string } {
    const common = { ...fields, '@timestamp': new Date().toISOString(), poison: n };
    const value = [
      `{"poison":${n}`,
      JSON.stringify({ ...common, kind: 'fail' }),
      JSON.stringify({ ...common, value: `not a number: ${n}` }),
    ][n % 3]!;
    return { sent: { topic, dead: value }, value };
  }
}
