import { Client } from '@elastic/elasticsearch';
import kafkajs from 'kafkajs';

// The loop a user writes without sluice: JSON.parse, batches of 1,000, four bulks in flight.
const [brokers = '', elasticsearch = '', topic = '', index = '', wanted = '0'] = process.argv.slice(2);
const { Kafka, logLevel } = kafkajs;
const client = new Client({ node: elasticsearch });
const consumer = new Kafka({ clientId: 'bare', brokers: brokers.split(','), logLevel: logLevel.NOTHING }).consumer({
  groupId: `bare-${Date.now()}`,
  maxBytesPerPartition: 4 << 20,
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const inFlight = new Set<Promise<void>>();
let documents = 0;
let started: number | undefined;
await new Promise<void>((done, fail) => {
  void consumer.run({
    partitionsConsumedConcurrently: 2,
    eachBatch: async ({ batch, heartbeat }) => {
      started ??= performance.now();
      for (let at = 0; at < batch.messages.length; at += 1000) {
        const slice = batch.messages.slice(at, at + 1000);
        const operations = slice.flatMap(({ key, value }) => [
          { index: { _index: index, _id: key!.toString() } },
          JSON.parse(value!.toString()) as object,
        ]);
        while (inFlight.size >= 4) await Promise.race(inFlight);
        const request: Promise<void> = client.bulk({ operations }).then((answer) => {
          inFlight.delete(request);
          if (answer.errors) fail(new Error('bulk errors'));
          documents += slice.length;
          if (documents >= Number(wanted)) done();
        }, fail);
        inFlight.add(request);
        await heartbeat();
      }
      await Promise.all(inFlight);
    },
  });
});
console.log(JSON.stringify({ documents_per_second: documents / ((performance.now() - started!) / 1000) }));
await consumer.disconnect();
process.exit(0);
