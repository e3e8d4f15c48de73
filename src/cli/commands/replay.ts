import { join } from 'node:path';
import { KAFKA_CONNECTION } from '../../connections/kafka/options.ts';
import { SluiceError } from '../../core/errors.ts';
import { DryRunReport } from '../../sinks/dry_run/report.ts';
import type { Override } from '../load-stream.ts';
import { checkpointName, type SelectionOptions, selectionOf } from '../selection-options.ts';
import { type RunOptions, run } from './run.ts';

export interface ReplayOptions extends Omit<RunOptions, 'override' | 'selection' | 'dryRun'>, SelectionOptions {
  readonly from?: readonly string[];
  readonly checkpoint?: string;
  readonly format?: string;
  /** Write ids of their own although a live stream fills the index with others. */
  readonly newIds?: boolean;
  readonly dryRun?: boolean;
  /** Documents that a dry run compares. */
  readonly compare?: number;
  /** Documents whose values a dry run shows. */
  readonly show?: number;
}

const COMPARED = 1000;

/** Runs a pipeline file over a dump: only the source is exchanged. */
export const replay = async (file: string, options: ReplayOptions): Promise<number> => {
  const { dryRun, compare = COMPARED, show = 0, ...others } = options;
  if (dryRun === true && options.resume === true)
    throw new SluiceError('SLUICE_USAGE', 'a dry run settles nothing, so there is nothing to resume', {
      hint: 'Leave one of --dry-run and --resume out.',
    });
  const report = dryRun === true ? new DryRunReport({ compare, show }) : undefined;
  const status = await run([file], {
    ...others,
    selection: selectionOf(options),
    override: exchangeSource(file, options),
    ...(report && { dryRun: report }),
  });
  if (report !== undefined) {
    if (options.json === true) console.log(JSON.stringify(report));
    else console.error(String(report));
  }
  return status;
};

const exchangeSource =
  (file: string, { from, checkpoint, format, ...options }: ReplayOptions): Override =>
  (config) => {
    const source = (config.source ?? {}) as Record<string, Record<string, unknown> | undefined>;
    // A sink or dead letter topic without brokers took the source's connection, which is about to go.
    const connection = pick(source.kafka ?? {}, KAFKA_CONNECTION);
    for (const key of ['sink', 'dead_letter']) {
      const kafka = (config[key] as Record<string, Record<string, unknown>> | undefined)?.kafka;
      if (kafka !== undefined && kafka.brokers === undefined) Object.assign(kafka, connection);
    }
    const name = typeof config.name === 'string' ? config.name : file.replace(/[^a-zA-Z0-9._-]+/g, '-');
    // What is not written is not settled.
    const kept = options.dryRun === true ? undefined : (checkpoint ?? join('.sluice', checkpointName(name, options)));
    if (from === undefined) {
      if (source.elasticsearch === undefined)
        throw new SluiceError('SLUICE_USAGE', 'nothing says what to replay', {
          place: file,
          hint: 'Give --from; without it, the file needs a source [elasticsearch].',
        });
      source.elasticsearch = { ...source.elasticsearch, checkpoint: kept };
      return;
    }
    const range = rangeOf(from, file);
    if (range !== undefined) {
      if (source.kafka === undefined)
        throw new SluiceError('SLUICE_USAGE', 'the file reads no Kafka topic, so none can be replayed', {
          place: file,
        });
      source.kafka = { ...source.kafka, range: { ...range, checkpoint: kept } };
      return;
    }
    if (options.newIds !== true)
      refuseSecondIds(config, { ...source.dump, ...(format !== undefined && { format }) }.format, file);
    config.source = {
      dump: {
        // How the pipeline file reads its own dump holds for this one too.
        ...source.dump,
        paths: [...from],
        checkpoint: kept,
        ...(format !== undefined && { format }),
      },
    };
  };

/** `kafka:START..END`, either of which may be left out. The ids are those of the live stream: nothing is doubled. */
const rangeOf = (from: readonly string[], file: string): { start?: string; end?: string } | undefined => {
  const [only = ''] = from;
  if (!from.some((one) => one.startsWith('kafka:'))) return undefined;
  const match = /^kafka:([^.]*(?:\.\d+Z?)?)\.\.(.*)$/.exec(only);
  if (match === null || from.length > 1)
    throw new SluiceError('SLUICE_USAGE', `--from takes no such range: [${from.join(' ')}]`, {
      place: file,
      hint: 'Write it like kafka:1200..1900 or kafka:2026-01-31T00:00:00Z..2026-02-01T00:00:00Z; kafka:.. is all.',
    });
  const [, start, end] = match;
  return { ...(start && { start }), ...(end && { end }) };
};

/**
 * The ids of a topic's records are their offsets, those of a dump's are hashes: what the live stream has written already
 * would be there twice.
 */
const refuseSecondIds = (config: Record<string, unknown>, format: unknown, file: string): void => {
  const { source, sink, processors, on_failure, pipelines } = config as Record<
    string,
    Record<string, object> | undefined
  >;
  const target = sink?.elasticsearch as Record<string, unknown> | undefined;
  if (source?.kafka === undefined || target === undefined || target.id !== undefined) return;
  if (format === 'bulk' || format === 'elasticdump') return;
  // A processor may name the documents.
  if (/"_id"|field":"[^"]*\{\{/.test(JSON.stringify([processors, on_failure, pipelines]))) return;
  throw new SluiceError(
    'SLUICE_USAGE',
    `the live stream names documents of [${String(target.index)}] by their offsets, and a dump does not know those: what is there already would be there twice`,
    {
      place: file,
      hint: 'Set sink.elasticsearch.id, so that both name a document alike; say --format bulk or elasticdump where the dump keeps ids; or give --new-ids where none of these documents is there.',
    },
  );
};

/** Those of the keys that are there. */
export const pick = (from: Record<string, unknown>, keys: readonly string[]) =>
  Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])));
