import { jsonCodec } from '../codecs/json.ts';
import { elasticsearchConnection } from '../connections/elasticsearch/options.ts';
import { kafkaClient } from '../connections/kafka/clients.ts';
import { KAFKA_CONNECTION } from '../connections/kafka/options.ts';
import { systemClock } from '../core/clock.ts';
import type { Source } from '../core/contracts.ts';
import { SluiceError } from '../core/errors.ts';
import { dumpSourceOptions } from '../sources/dump/options.ts';
import { DumpSource } from '../sources/dump/source.ts';
import { elasticsearchSourceOptions } from '../sources/elasticsearch/options.ts';
import { ElasticsearchSource } from '../sources/elasticsearch/source.ts';
import { kafkaSourceOptions } from '../sources/kafka/options.ts';
import { KafkaRangeSource } from '../sources/kafka/range.ts';
import type { LoadedStream } from './load-stream.ts';
import { selectSource } from './select-source.ts';

const CONNECTION = Object.keys(elasticsearchConnection) as (keyof typeof elasticsearchConnection)[];

const SILENT = { info() {}, warn() {} };

const templated = (what: string, name: string, file: string): SluiceError =>
  new SluiceError('SLUICE_USAGE', `the ${what} [${name}] of the dead letters is a template`, {
    place: file,
    hint: `Dead letters can only be read where dead_letter names one ${what}.`,
  });

export interface StoreOptions {
  readonly log?: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
  readonly checkpoint?: string | undefined;
  readonly resume?: boolean | undefined;
  readonly rate?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * Reads what a stream's dead letter destination has kept.
 * @throws SluiceError SLUICE_USAGE where the stream has none that can be read
 */
export const deadLetterStore = ({ config, name, file }: LoadedStream, options: StoreOptions = {}): Source => {
  const { file: target, elasticsearch, kafka } = config.dead_letter ?? {};
  const { checkpoint } = options;
  const resume = options.resume === true;
  const selected = (source: Source) =>
    selectSource(source, { selection: { limit: options.limit }, rate: options.rate, codec: jsonCodec() });
  if (kafka !== undefined) {
    const { topic, key: _key, ...connection } = kafka;
    if (topic.includes('{{')) throw templated('topic', topic, file);
    const { brokers = config.source.kafka?.brokers } = connection;
    const own = connection.brokers === undefined ? config.source.kafka : undefined;
    const given = Object.fromEntries(KAFKA_CONNECTION.map((name) => [name, (own ?? connection)[name]]));
    return selected(
      new KafkaRangeSource({
        options: kafkaSourceOptions.parse({
          ...given,
          brokers,
          topics: topic,
          group_id: `sluice-dlq-${name}`,
          range: { ...(checkpoint !== undefined && { checkpoint }) },
        }),
        client: kafkaClient,
        stream: name,
        budget: config.limits.in_flight_bytes,
        clock: systemClock,
        resume,
        log: options.log ?? SILENT,
      }),
    );
  }
  if (elasticsearch !== undefined) {
    const connection = Object.fromEntries(CONNECTION.map((key) => [key, elasticsearch[key]]));
    const { index } = elasticsearch;
    if (index.includes('{{')) throw templated('index', index, file);
    return selected(
      new ElasticsearchSource({
        options: elasticsearchSourceOptions.parse({
          ...connection,
          index,
          ...(checkpoint !== undefined && { checkpoint }),
        }),
        stream: name,
        clock: systemClock,
        resume,
        // A letter that failed again was written again, and is not read twice in one redrive.
        changed: 'skip',
      }),
    );
  }
  if (target !== undefined)
    return selected(
      new DumpSource({
        options: dumpSourceOptions.parse({
          paths: target.path,
          format: 'ndjson',
          ...(checkpoint !== undefined && { checkpoint }),
        }),
        stream: name,
        resume,
        defaultIds: false,
        // What fails again is added to the very file.
        growing: true,
      }),
    );
  throw new SluiceError('SLUICE_USAGE', 'the stream has no dead letters that can be read', {
    place: file,
    hint: 'Configure dead_letter.',
  });
};
