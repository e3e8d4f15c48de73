import { checkCodec } from '../codecs/table.ts';
import type { PathMistake } from '../config/explain.ts';
import { connectionMistakes } from '../connections/elasticsearch/options.ts';
import type { StreamConfig } from './stream-config.ts';

/** Rules between components, which no component can know alone. */
export const checkStream = ({ source, sink, dead_letter }: StreamConfig): PathMistake[] => {
  const mistakes: PathMistake[] = [];
  const elasticsearch = sink.elasticsearch;
  if (elasticsearch?.version !== undefined) {
    const reason = elasticsearch.data_stream
      ? 'a data stream'
      : elasticsearch.op_type === 'update' || elasticsearch.op_type === 'create'
        ? `op_type ${elasticsearch.op_type}`
        : undefined;
    if (reason !== undefined)
      mistakes.push({
        path: ['sink', 'elasticsearch', 'version'],
        message: `an external version does not hold with ${reason}: Elasticsearch refuses or ignores it`,
      });
  }
  if (
    elasticsearch !== undefined &&
    (elasticsearch.op_type === 'update' || elasticsearch.op_type === 'delete') &&
    elasticsearch.id === undefined &&
    source.elasticsearch === undefined &&
    !BRINGS_IDS.includes(source.dump?.format ?? '')
  ) {
    mistakes.push({
      path: ['sink', 'elasticsearch'],
      message: `op_type ${elasticsearch.op_type} needs an id: set [id]`,
    });
  }
  if (source.kafka?.tombstones === 'delete' && elasticsearch !== undefined && elasticsearch.id === undefined) {
    mistakes.push({
      path: ['source', 'kafka', 'tombstones'],
      message:
        'tombstones can only delete what has an id of its own: set sink.elasticsearch.id, e.g. `id: "{{{_kafka.key}}}"`',
    });
  }
  if (source.elasticsearch !== undefined)
    for (const { path, message } of connectionMistakes(source.elasticsearch))
      mistakes.push({ path: ['source', 'elasticsearch', ...path], message });
  for (const [name, target] of [
    ['sink', sink],
    ['dead_letter', dead_letter],
  ] as const) {
    if (target?.elasticsearch !== undefined)
      for (const { path, message } of connectionMistakes(target.elasticsearch))
        mistakes.push({ path: [name, 'elasticsearch', ...path], message });
    if (target?.kafka !== undefined && target.kafka.brokers === undefined && source.kafka === undefined) {
      mistakes.push({
        path: [name, 'kafka'],
        message: '[brokers] is missing, and there is no kafka source to take the connection from',
      });
    }
  }
  return mistakes;
};

/** Formats that keep the `_id` beside each document. */
const BRINGS_IDS = ['bulk', 'elasticdump'];

/** The files that a codec needs must be there and fit. */
export const checkCodecs = ({ source }: StreamConfig, baseDir: string): PathMistake[] =>
  Object.entries(source).flatMap(([name, options]) =>
    options === undefined || !('codec' in options)
      ? []
      : checkCodec(options.codec, baseDir).map(({ path, message }) => ({
          path: ['source', name, 'codec', ...path],
          message,
        })),
  );
