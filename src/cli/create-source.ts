import { kafkaClient } from '../connections/kafka/clients.ts';
import { systemClock } from '../core/clock.ts';
import type { Source } from '../core/contracts.ts';
import { SluiceError } from '../core/errors.ts';
import { DumpSource } from '../sources/dump/source.ts';
import { ElasticsearchSource } from '../sources/elasticsearch/source.ts';
import { KafkaRangeSource } from '../sources/kafka/range.ts';
import { KafkaSource } from '../sources/kafka/source.ts';
import { selectionText } from '../sources/selected-source.ts';
import type { BuildOptions } from './build-stream.ts';
import type { LoadedStream } from './load-stream.ts';

/** The source that a pipeline file names. */
export const createSource = (
  { config, name }: LoadedStream,
  { log, resume, selection, parallel, progress }: BuildOptions,
): Source => {
  const { kafka, dump, elasticsearch: index } = config.source;
  if (kafka?.range !== undefined)
    return new KafkaRangeSource({
      options: kafka,
      client: kafkaClient,
      stream: name,
      budget: config.limits.in_flight_bytes,
      clock: systemClock,
      resume: resume === true,
      log,
    });
  if (kafka !== undefined)
    return new KafkaSource({
      options: kafka,
      client: kafkaClient(kafka),
      budget: config.limits.in_flight_bytes,
      log,
    });
  if (dump !== undefined) {
    const { elasticsearch, file } = config.sink;
    // Counting equal records takes memory for each: only where the ids are written.
    const defaultIds =
      (elasticsearch !== undefined && elasticsearch.id === undefined) ||
      (file?.format === 'bulk' && file.id === undefined);
    return new DumpSource({
      options: dump,
      stream: name,
      resume: resume === true,
      selection: selectionText(selection ?? {}),
      parallel,
      defaultIds,
      ...(progress && { progress }),
    });
  }
  if (index !== undefined)
    return new ElasticsearchSource({
      options: index,
      stream: name,
      clock: systemClock,
      resume: resume === true,
      selection: selectionText(selection ?? {}),
      parallel,
      changed: index.changed ?? (config.sink.elasticsearch?.op_type === 'update' ? 'skip' : 'read'),
      ...(progress && { progress }),
    });
  throw new SluiceError('SLUICE_INTERNAL', 'the stream has no source');
};
