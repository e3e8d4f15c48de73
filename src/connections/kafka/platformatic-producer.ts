import { compatibilityPartitioner, type MessageToProduce, ProduceAcks, Producer } from '@platformatic/kafka';
import type { KafkaMessage, KafkaProducer } from './client.ts';
import { connectWithin } from './connect.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { plainError } from './platformatic-errors.ts';
import { ConnectionFaults } from './platformatic-faults.ts';
import { connectionOptions, nameServers } from './platformatic-options.ts';
import { sendError } from './send-error.ts';

export const platformaticProducer = (options: KafkaConnectionOptions): KafkaProducer => {
  const faults = new ConnectionFaults();
  const reach = connectionOptions(options);
  let turn = 0;
  const producer = new Producer({
    ...reach,
    retries: 0,
    compression: 'gzip',
    autocreateTopics: true,
    // As Java's and kafkajs' do, so that a key keeps its partition whoever writes.
    partitioner: (message, key) => {
      turn += 1;
      return Buffer.isBuffer(key) ? compatibilityPartitioner(message, key) : turn;
    },
  });
  nameServers(producer.connections, reach);
  faults.watch(producer);
  const close = async (): Promise<void> => {
    await producer.close().catch(() => {});
    faults.close();
  };
  return {
    connect: async () => {
      try {
        await connectWithin(options, 'sink', faults, async () => {
          try {
            await producer.metadata({ topics: [], forceUpdate: true });
          } catch (error) {
            throw plainError(error);
          }
        });
      } catch (error) {
        await close();
        throw error;
      }
    },
    send: async (messages) => {
      try {
        // Here, and not among the producer's own options: @platformatic/kafka 2.12 leaves those out and asks the leader alone,
        // and what a leader acknowledged by itself is lost with it.
        await producer.send({ messages: messages.map(toProduce), acks: ProduceAcks.ALL });
      } catch (error) {
        throw sendError(plainError(error));
      }
    },
    close,
  };
};

const toProduce = ({ topic, key, value, headers }: KafkaMessage): MessageToProduce => {
  const message = {
    topic,
    key: asBuffer(key),
    value: asBuffer(value),
    ...(headers && {
      headers: new Map(Object.entries(headers).map(([name, header]) => [Buffer.from(name), Buffer.from(header)])),
    }),
  };
  // The library's types know no tombstones; its protocol does.
  return message as MessageToProduce;
};

const asBuffer = (data: Uint8Array | string | null): Buffer | null =>
  data === null ? null : Buffer.from(data as string);
