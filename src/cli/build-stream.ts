import { dirname } from 'node:path';
import { createCodec } from '../codecs/table.ts';
import { ElasticsearchConnection } from '../connections/elasticsearch/client.ts';
import type { KafkaClient } from '../connections/kafka/client.ts';
import { kafkaClient } from '../connections/kafka/clients.ts';
import { ByteBudget } from '../core/byte-budget.ts';
import { systemClock } from '../core/clock.ts';
import type { Sink, Source } from '../core/contracts.ts';
import type { IngestDocument } from '../core/document.ts';
import { InterruptedError, runInterruptible } from '../painless/regex/interruptible.ts';
import { limitEachMatch } from '../painless/regex/match-limit.ts';
import { PipelineExecution } from '../pipeline/execution.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { Breakers } from '../runtime/breaker.ts';
import type { PipelineRunner } from '../runtime/intake.ts';
import { Stream } from '../runtime/stream.ts';
import type { StreamLog } from '../runtime/stream-options.ts';
import type { DryRunReport } from '../sinks/dry_run/report.ts';
import { dryDeadLetter, drySink } from '../sinks/dry_run/sinks.ts';
import type { ActionTemplates } from '../sinks/elasticsearch/action.ts';
import { elasticsearchDryRun } from '../sinks/elasticsearch/dry-run.ts';
import { inferenceMappings, prepareIndex } from '../sinks/elasticsearch/mappings.ts';
import { elasticsearchSink } from '../sinks/elasticsearch/sink.ts';
import { FileSink } from '../sinks/file/sink.ts';
import { kafkaSink } from '../sinks/kafka/sink.ts';
import { stdoutSink } from '../sinks/stdout.ts';
import type { Selection } from '../sources/selected-source.ts';
import { createSource } from './create-source.ts';
import { inferenceFields } from './inference-fields.ts';
import type { LoadedStream } from './load-stream.ts';
import { selectSource, slowest } from './select-source.ts';
import type { StreamConfig } from './stream-config.ts';
import { currentTracing } from './tracing.ts';

export interface BuildOptions {
  readonly log: StreamLog;
  readonly resume?: boolean;
  readonly selection?: Selection | undefined;
  readonly rate?: number | undefined;
  /** Write nothing, and tell it what would have been written. */
  readonly dryRun?: DryRunReport | undefined;
  /** Files of a dump that are read at once. */
  readonly parallel?: number | undefined;
  readonly allowMixedVectors?: boolean;
  /** In place of the file's source. */
  readonly source?: (() => Source) | undefined;
  /** Adds to a file that is there, instead of putting another in its place. */
  readonly append?: boolean | undefined;
  /** What the streams of a process share; one of its own where absent. */
  readonly shared?: SharedByStreams;
  readonly progress?: (read: number, total: number) => void;
}

export interface SharedByStreams {
  readonly breakers: Breakers;
  /** Absent where there is one stream: its own budget is the process's. */
  readonly budget: ByteBudget | undefined;
}

/** Bytes in flight of all streams of a process, unless one of them asks for more than half of it. */
const PROCESS_BYTES = 256 * 1024 * 1024;

/** @param bytes `--in-flight-bytes` */
export const sharedByStreams = (loaded: readonly LoadedStream[], bytes?: number): SharedByStreams => {
  const largest = Math.max(...loaded.map(({ config }) => config.limits.in_flight_bytes));
  return {
    breakers: new Breakers({ clock: systemClock, random: Math.random }),
    budget:
      bytes === undefined && loaded.length === 1
        ? undefined
        : new ByteBudget(bytes ?? Math.max(PROCESS_BYTES, 2 * largest)),
  };
};

/** True where the source has an end. */
export const endsByItself = ({ source }: StreamConfig): boolean =>
  source.kafka === undefined || source.kafka.range !== undefined;

/** Puts a stream together from its file. Models must be started already. */
export const buildStream = (loaded: LoadedStream, options: BuildOptions): Stream => {
  const { config, name } = loaded;
  const { limits } = config;
  const { breakers, budget } = options.shared ?? sharedByStreams([loaded]);
  const codec = createCodec((config.source.kafka ?? config.source.dump)?.codec ?? 'json', {
    log: options.log,
    clock: systemClock,
    baseDir: dirname(loaded.file),
  });
  return new Stream({
    name,
    source: selectSource(options.source?.() ?? createSource(loaded, options), {
      selection: options.selection,
      rate: slowest(options.rate, limits.documents_per_second),
      codec,
      log: options.log,
    }),
    codec,
    pipeline: runnerOf(loaded),
    sink: createSink(loaded, config.sink, options, false),
    deadLetter: options.dryRun
      ? dryDeadLetter(options.dryRun)
      : config.dead_letter && createSink(loaded, config.dead_letter, options, true),
    clock: systemClock,
    random: Math.random,
    limits: {
      in_flight_bytes: limits.in_flight_bytes,
      commit_interval_ms: limits.commit_interval,
      // All that fails is of interest then.
      dead_letter_ratio: options.dryRun ? 1 : limits.dead_letter_ratio,
      shutdown_timeout_ms: limits.shutdown_timeout,
    },
    tombstones: (config.source.kafka ?? config.source.dump)?.tombstones ?? 'ignore',
    ordered: usesOwnIds(config) || bringsIds(config),
    finite: options.source !== undefined || endsByItself(config),
    breakers,
    processBudget: budget,
    tracing: currentTracing(),
    log: options.log,
  });
};

/** True where two documents may get the same `_id`: it is a template, or a processor may set it. */
const usesOwnIds = ({ sink, processors, on_failure, pipelines }: StreamConfig): boolean => {
  const steps = JSON.stringify([processors, on_failure, pipelines]);
  // A templated field may turn out to be _id.
  return (
    sink.elasticsearch?.id !== undefined ||
    sink.file?.id !== undefined ||
    sink.kafka !== undefined ||
    steps.includes('_id') ||
    /field":"[^"]*\{\{/.test(steps)
  );
};

/** True where the source may name the documents itself. */
const bringsIds = ({ source: { dump, elasticsearch } }: StreamConfig): boolean =>
  elasticsearch !== undefined || (dump !== undefined && ['auto', 'bulk', 'elasticdump'].includes(dump.format));

/** The name that a document has where it comes from, if it has one there. */
const idAtOrigin = ({ origin }: IngestDocument): string | undefined => origin?.fields._id as string | undefined;

/** The pipeline of a file, as the engine runs it. */
export const runnerOf = ({ pipeline, traits }: LoadedStream): PipelineRunner => ({
  start: (document, hooks) => new PipelineExecution(document, pipeline, hooks),
  ...(traits.usesRegex && { guards: { slice: interruptible, eachMatch: limitEachMatch } }),
});

const interruptible = (work: () => void, ms: number): boolean => {
  try {
    runInterruptible(work, ms);
    return true;
  } catch (error) {
    if (error instanceof InterruptedError) return false;
    throw error;
  }
};

const template = (source: string | undefined) => {
  if (source === undefined) return undefined;
  const compiled = compileTemplate(source);
  const { constant } = compiled;
  return constant === undefined ? compiled.render.bind(compiled) : () => constant;
};

const createSink = (
  loaded: LoadedStream,
  target: StreamConfig['sink'],
  options: BuildOptions,
  deadLetter: boolean,
): Sink => {
  const { elasticsearch, kafka, file } = target;
  const { dryRun, ...wet } = options;
  if (dryRun !== undefined && elasticsearch === undefined)
    return drySink(createSink(loaded, target, wet, deadLetter), dryRun);
  if (elasticsearch !== undefined) return createElasticsearchSink(loaded, elasticsearch, options, deadLetter);
  if (kafka !== undefined)
    return kafkaSink({
      client: kafkaClientOf(loaded.config, kafka),
      topic: template(kafka.topic)!,
      key: template(kafka.key),
    });
  if (file !== undefined) {
    const named = deadLetter ? { ...file, format: 'ndjson' as const } : file;
    return new FileSink({
      options: named,
      index: template(file.index),
      id: template(file.id),
      resume: options.resume === true,
      append: deadLetter || options.append === true,
      log: options.log,
    });
  }
  return stdoutSink();
};

/** The sink's own brokers, or the source's connection. */
const kafkaClientOf = (
  { source }: StreamConfig,
  { brokers, topic: _topic, key: _key, ...own }: NonNullable<StreamConfig['sink']['kafka']>,
): KafkaClient => {
  if (brokers !== undefined) return kafkaClient({ ...own, brokers });
  return kafkaClient(source.kafka!);
};

const createElasticsearchSink = (
  loaded: LoadedStream,
  options: NonNullable<StreamConfig['sink']['elasticsearch']>,
  { allowMixedVectors, dryRun, source }: BuildOptions,
  deadLetter: boolean,
): Sink => {
  const connection = new ElasticsearchConnection(options);
  const fields = deadLetter ? [] : inferenceFields(loaded);
  const templates: ActionTemplates = {
    index: template(options.index)!,
    id: template(options.id) ?? (source === undefined && loaded.config.source.kafka ? undefined : idAtOrigin),
    routing: template(options.routing),
    version: template(options.version),
    versionType: options.version_type,
    opType: options.data_stream ? 'create' : options.op_type,
    docAsUpsert: options.doc_as_upsert,
    retryOnConflict: options.retry_on_conflict,
    requireAlias: options.require_alias,
    dynamicTemplates: options.dynamic_templates,
  };
  if (dryRun !== undefined) return elasticsearchDryRun({ templates, connection, clock: systemClock, report: dryRun });
  return elasticsearchSink({
    options,
    connection,
    clock: systemClock,
    templates,
    prepareIndex: () =>
      prepareIndex(connection, {
        index: options.index,
        dataStream: options.data_stream,
        mappings: options.mappings,
        body: deadLetter ? DEAD_LETTER_INDEX : { mappings: inferenceMappings(fields) },
        fields,
        streamName: deadLetter ? `${loaded.name}-dead-letter` : loaded.name,
        allowMixedVectors: allowMixedVectors === true,
      }),
  });
};

/** What failed must not fail again: the document inside is kept, not indexed. */
const DEAD_LETTER_INDEX = {
  mappings: {
    properties: {
      '@timestamp': { type: 'date' },
      document: {
        properties: {
          id: { type: 'keyword' },
          index: { type: 'keyword' },
          routing: { type: 'keyword' },
          source: { type: 'object', enabled: false },
        },
      },
      error: {
        properties: {
          type: { type: 'keyword' },
          message: { type: 'text' },
          pipeline: { type: 'keyword' },
          pipeline_trace: { type: 'keyword' },
          processor_type: { type: 'keyword' },
          processor_tag: { type: 'keyword' },
        },
      },
      origin: {
        properties: {
          topic: { type: 'keyword' },
          stream: { type: 'keyword' },
          source: { type: 'keyword' },
          path: { type: 'keyword' },
          key: { type: 'keyword' },
          headers: { type: 'object', enabled: false },
        },
      },
      raw: {
        properties: {
          base64: { type: 'binary' },
          bytes: { type: 'long' },
          cut: { type: 'boolean' },
          codec: { type: 'object', enabled: false },
        },
      },
    },
  },
};
