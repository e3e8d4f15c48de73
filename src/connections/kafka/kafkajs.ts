import kafkajs from 'kafkajs';
import { bearerToken } from './bearer.ts';
import type { ConsumerSettings, KafkaClient, KafkaMessage, KafkaProducer } from './client.ts';
import { installCompression } from './compression.ts';
import { connectWithin } from './connect.ts';
import { KafkajsConsumer } from './kafkajs-consumer.ts';
import { brokerList, type KafkaConnectionOptions } from './options.ts';
import { mendRequestQueue } from './request-queue.ts';
import { sendError } from './send-error.ts';
import { Sockets } from './sockets.ts';
import { tlsOptions } from './tls.ts';

const { Kafka, logLevel } = kafkajs;

/** kafkajs with sockets of its own: one for each consumer and producer, so that each can close what it opened. */
export const kafkajsOf = (options: KafkaConnectionOptions): OwnKafka => {
  installCompression();
  mendRequestQueue();
  const sockets = new Sockets();
  const kafka = new Kafka({
    clientId: options.client_id,
    // Without brokers kafkajs gives up: otherwise it would go on trying after the end, and keep the process alive.
    brokers: () => (sockets.closed ? [] : brokerList(options.brokers)),
    connectionTimeout: Math.min(10_000, options.connect_timeout),
    requestTimeout: options.request_timeout,
    socketFactory: sockets.factory,
    // kafkajs prints whole requests at some levels; what matters reaches sluice's own log through events.
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 200, maxRetryTime: 10_000, retries: 8 },
    ...(options.tls !== undefined &&
      options.tls !== false && { ssl: options.tls === true ? true : tlsOptions(options.tls) }),
    ...(options.sasl && { sasl: saslOf(options.sasl) }),
  });
  return { kafka, sockets };
};

/** KafkaClient on kafkajs 2.2.4. */
export const kafkajsClient = (options: KafkaConnectionOptions): KafkaClient => {
  const create = () => kafkajsOf(options);
  return {
    consumer: (settings: ConsumerSettings) => new KafkajsConsumer(create(), settings, options),
    producer: () => producerOf(create(), options),
  };
};

const saslOf = (sasl: NonNullable<KafkaConnectionOptions['sasl']>): kafkajs.SASLOptions => {
  if ('plain' in sasl) return { mechanism: 'plain', ...sasl.plain };
  if ('scram_sha_256' in sasl) return { mechanism: 'scram-sha-256', ...sasl.scram_sha_256 };
  if ('scram_sha_512' in sasl) return { mechanism: 'scram-sha-512', ...sasl.scram_sha_512 };
  return { mechanism: 'oauthbearer', oauthBearerProvider: bearerToken(sasl) };
};

/** A kafkajs instance with the sockets that are its own. */
export interface OwnKafka {
  readonly kafka: kafkajs.Kafka;
  readonly sockets: Sockets;
}

const producerOf = ({ kafka, sockets }: OwnKafka, options: KafkaConnectionOptions): KafkaProducer => {
  const producer = kafka.producer({
    allowAutoTopicCreation: true,
    idempotent: false,
    maxInFlightRequests: 1,
    // Whoever sends tries again, and all of it. kafkajs' own retries leave out every broker that has answered already, and
    // so lose, without a word, the messages of a partition that such a broker leads by then.
    retry: { retries: 0 },
  });
  return {
    connect: async () => {
      try {
        await connectWithin(options, 'sink', sockets.faults, () => producer.connect());
      } catch (error) {
        // kafkajs goes on trying for a while, and its sockets would keep the process alive.
        sockets.close();
        throw error;
      }
    },
    send: async (messages) => {
      try {
        await producer.sendBatch({
          topicMessages: byTopic(messages),
          acks: -1,
          compression: kafkajs.CompressionTypes.GZIP,
        });
      } catch (error) {
        throw sendError(error);
      }
    },
    close: async () => {
      await producer.disconnect();
      sockets.close();
    },
  };
};

const byTopic = (messages: readonly KafkaMessage[]): kafkajs.TopicMessages[] => {
  const topics = new Map<string, kafkajs.Message[]>();
  for (const { topic, key, value, headers } of messages) {
    const list = topics.get(topic) ?? [];
    list.push({
      key: asBuffer(key),
      value: asBuffer(value),
      ...(headers && {
        headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, Buffer.from(header)])),
      }),
    });
    topics.set(topic, list);
  }
  return [...topics].map(([topic, list]) => ({ topic, messages: list }));
};

const asBuffer = (data: Uint8Array | string | null): Buffer | null =>
  data === null ? null : Buffer.from(data as string);
