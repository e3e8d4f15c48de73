import kafkajs from 'kafkajs';
import { mendRequestQueue } from '../../src/connections/kafka/request-queue.ts';

mendRequestQueue();

/** The broker answers and may be given topics. */
export const kafkaAnswers = async (address: string): Promise<boolean> => {
  const kafka = new kafkajs.Kafka({
    brokers: [address],
    connectionTimeout: 1000,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).controller !== null;
  } finally {
    await admin.disconnect();
  }
};
