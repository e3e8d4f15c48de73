import { jsonCodec } from '../../../src/codecs/json.ts';
import { kafkaClient } from '../../../src/connections/kafka/clients.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Sink, WriteItem } from '../../../src/core/contracts.ts';
import { Breakers } from '../../../src/runtime/breaker.ts';
import { Stream } from '../../../src/runtime/stream.ts';
import { kafkaSourceOptions } from '../../../src/sources/kafka/options.ts';
import { KafkaSource } from '../../../src/sources/kafka/source.ts';
import type { ClientName, numbered } from './kafka.ts';
import { brokers } from './servers.ts';

export interface KafkaStreamOptions {
  readonly client?: ClientName;
  readonly topic: string;
  readonly groupId: string;
  readonly sink: Sink;
  readonly budget: number;
  /** Of a partition in a fetch. */
  readonly fetchBytes: number;
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** The engine over a real topic, without a pipeline, into a sink that the test watches. */
export const kafkaStream = ({
  client: name = 'kafkajs',
  topic,
  groupId,
  sink,
  budget,
  fetchBytes,
}: KafkaStreamOptions): Stream => {
  const options = kafkaSourceOptions.parse({
    client: name,
    brokers: brokers(),
    topics: topic,
    group_id: groupId,
    session_timeout: 6000,
    heartbeat_interval: 1000,
  });
  const client = kafkaClient(options);
  // Fetches of a few records: the smallest that the source asks for holds all of a test's.
  const small: typeof client = {
    ...client,
    consumer: (settings) =>
      client.consumer({ ...settings, maxBytes: 2 * fetchBytes, maxBytesPerPartition: fetchBytes }),
  };
  return new Stream({
    name: 'test',
    source: new KafkaSource({ options, client: small, budget, log: quiet }),
    codec: jsonCodec(),
    pipeline: { start: (_, hooks) => ({ run: () => hooks.finished({ outcome: 'done' }) }) },
    sink,
    deadLetter: undefined,
    clock: systemClock,
    random: Math.random,
    limits: { in_flight_bytes: budget, commit_interval_ms: 200, dead_letter_ratio: 0, shutdown_timeout_ms: 5000 },
    tombstones: 'ignore',
    breakers: new Breakers({ clock: systemClock, random: Math.random }),
    ordered: false,
    finite: false,
    log: quiet,
  });
};

/** Takes `partition-offset` of every document, once `gate` lets it. */
export const collectingSink = (taken: string[], gate: () => Promise<void>): Sink<WriteItem & { place: string }> => ({
  type: 'collecting',
  limits: { max_documents: 10, max_bytes: 100_000, max_age_ms: 10, max_in_flight: 2 },
  open: async () => {},
  prepare: (_document, record) => {
    const { partition, offset } = record.origin().fields;
    return { key: undefined, bytes: 10, place: `${partition}-${offset}` };
  },
  write: async (items) => {
    await gate();
    return items.map(({ place }) => {
      taken.push(place);
      return { outcome: 'delivered' };
    });
  },
  close: async () => {},
});

export const asJson = ({ value, ...message }: ReturnType<typeof numbered>[number]) => ({
  ...message,
  value: JSON.stringify({ number: Number(value) }),
});
