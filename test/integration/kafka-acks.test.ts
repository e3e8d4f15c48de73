import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { oldestJdk } from '../servers/jdk.ts';
import { createKafkaCluster, type KafkaCluster } from '../servers/kafka-cluster.ts';
import { KAFKA, NEEDED_JDK } from '../servers/versions.ts';
import { CLIENTS, withAdmin } from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';

// What only its leader has is lost with it. Two replicas have to be in sync and one of them is away: whoever asks all of them
// is refused, and whoever asks the leader alone is told that the message is safe.
describe('messages are acknowledged by all in-sync replicas, not by their leader alone', () => {
  let cluster: KafkaCluster;
  const topic = uniqueName('acks');
  before(async () => {
    const jdk = oldestJdk(NEEDED_JDK[`kafka-${KAFKA}`]!);
    assert.ok(jdk, 'two brokers are started from Maven: apt-get install maven openjdk-21-jdk-headless');
    cluster = await createKafkaCluster(jdk);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
    const replicaAssignment = [{ partition: 0, replicas: [1, 2] }];
    await withAdmin(
      (admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic, replicaAssignment, configEntries }] }),
      cluster.brokers,
    );
    await cluster.nodes[1].stop();
    await until('one replica is in sync', () =>
      withAdmin(async (admin) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return String(topics[0]!.partitions[0]!.isr) === '1';
      }, cluster.brokers),
    );
  });
  after(() => Promise.all(cluster.nodes.map((node) => node.remove())));

  for (const client of CLIENTS)
    test(client, async () => {
      const producer = kafkaClient(kafkaConnectionSchema.parse({ brokers: cluster.brokers, client })).producer();
      await producer.connect();
      try {
        await assert.rejects(producer.send([{ topic, key: null, value: 'x' }]), {
          name: 'KafkaSendError',
          kind: 'retry',
          type: 'NOT_ENOUGH_REPLICAS',
        });
      } finally {
        await producer.close();
      }
    });
});
