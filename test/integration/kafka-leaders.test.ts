import assert from 'node:assert/strict';
import { oldestJdk } from '../servers/jdk.ts';
import { createKafkaCluster, type KafkaCluster } from '../servers/kafka-cluster.ts';
import { KAFKA, NEEDED_JDK } from '../servers/versions.ts';
import { Feed, inMidStream } from './support/feed.ts';
import { CLIENTS, testKafka, withAdmin } from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';
import { scene } from './support/worker.ts';

const leadersOf = ({ brokers }: KafkaCluster, topic: string): Promise<Set<number>> =>
  withAdmin(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return new Set(topics[0]!.partitions.map(({ leader }) => leader));
  }, brokers);

const led = (cluster: KafkaCluster, topic: string, by: number) =>
  until(`broker ${by} leads all partitions`, async () => String([...(await leadersOf(cluster, topic))]) === String(by));

/** Four partitions on both brokers, two led by each. */
const createOnBoth = async (cluster: KafkaCluster, what: string): Promise<string> => {
  const topic = uniqueName(what);
  const replicaAssignment = [0, 1, 2, 3].map((partition) => ({
    partition,
    replicas: partition < 2 ? [2, 1] : [1, 2],
  }));
  await withAdmin(
    (admin) => admin.createTopics({ waitForLeaders: false, topics: [{ topic, replicaAssignment }] }),
    cluster.brokers,
  );
  await until('both brokers lead', async () => String([...(await leadersOf(cluster, topic))].sort()) === '1,2');
  return topic;
};

/** Where the partitions are, the one that leads first. */
const place = ({ brokers }: KafkaCluster, topic: string, replicas: readonly number[]) =>
  withAdmin(
    (admin) =>
      admin.alterPartitionReassignments({
        topics: [
          { topic, partitionAssignment: [0, 1, 2, 3].map((partition) => ({ partition, replicas: [...replicas] })) },
        ],
      }),
    brokers,
  );

/** The numbers of the documents that stand in a topic. */
const numbersIn = async ({ brokers }: KafkaCluster, topic: string): Promise<Set<number>> => {
  const numbers = new Set<number>();
  const kafka = testKafka(brokers);
  const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic), brokers);
  const wanted = ends.reduce((sum, { offset }) => sum + Number(offset), 0);
  const consumer = kafka.consumer({ groupId: uniqueName('reader') });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let read = 0;
  await consumer.run({
    eachMessage: async ({ message }) => {
      read += 1;
      numbers.add((JSON.parse(message.value!.toString()) as { n: number }).n);
    },
  });
  await until(`${wanted} records in ${topic}`, () => read >= wanted, { seconds: 60 });
  await consumer.disconnect();
  return numbers;
};

for (const client of CLIENTS) {
  scene(`${client}: partitions and the group move to another broker in mid-stream, and back`, async ({ run }) => {
    const jdk = oldestJdk(NEEDED_JDK[`kafka-${KAFKA}`]!);
    assert.ok(jdk, 'two brokers are started from Maven: apt-get install maven openjdk-21-jdk-headless');
    const cluster = await createKafkaCluster(jdk);
    try {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      const topic = await createOnBoth(cluster, 'leaders');
      const copy = await createOnBoth(cluster, 'copy');
      const feed = new Feed(topic, cluster.brokers, true);
      const worker = await run(feed.pipeline({ source: { client } }));
      // What goes into Kafka meets the same moves: acknowledged is only what is there.
      const copier = await run({
        ...feed.pipeline({ source: { client, group_id: copy } }),
        sink: { kafka: { topic: copy } },
      });
      await inMidStream(feed.index, 300);

      // The broker leaves in order: its partitions, and its part of the groups, are led by the other one.
      await cluster.nodes[1].stop();
      await led(cluster, topic, 1);
      let before = feed.sent;
      await inMidStream(feed.index, before + 500, 90);

      // Both run, and the one that led so far answers that it leads no longer.
      await cluster.nodes[1].start();
      await place(cluster, topic, [2]);
      await place(cluster, copy, [2]);
      await led(cluster, topic, 2);
      before = feed.sent;
      await inMidStream(feed.index, before + 500, 90);

      await feed.settle();
      assert.equal(await worker.settled('dead_lettered'), 0);
      assert.equal(await worker.end('SIGTERM'), 0);
      await until('all is copied', async () => (await copier.settled('delivered')) >= feed.sent, { seconds: 60 });
      assert.equal(await copier.end('SIGTERM'), 0);
      const copied = await numbersIn(cluster, copy);
      const missing = Array.from({ length: feed.sent }, (_, n) => n).filter((n) => !copied.has(n));
      assert.deepEqual(missing, []);
    } finally {
      await Promise.all(cluster.nodes.map((node) => node.remove()));
    }
  });
}
