import { z } from 'zod';
import { bytes, duration } from '../config/units.ts';
import { modelOptions } from '../inference/options.ts';
import { elasticsearchSinkOptions } from '../sinks/elasticsearch/options.ts';
import { fileSinkOptions } from '../sinks/file/options.ts';
import { kafkaSinkOptions } from '../sinks/kafka/options.ts';
import { stdoutSinkOptions } from '../sinks/stdout.ts';
import { dumpSourceOptions } from '../sources/dump/options.ts';
import { elasticsearchSourceOptions } from '../sources/elasticsearch/options.ts';
import { kafkaSourceOptions } from '../sources/kafka/options.ts';

/** An object with exactly one of these keys: the component and, below it, its options. */
const oneOf = <S extends z.core.$ZodLooseShape>(what: string, shape: S) =>
  z.strictObject(shape).superRefine((value, context) => {
    const named = Object.entries(value).filter(([, options]) => options !== undefined);
    if (named.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `${what} must have exactly one of [${Object.keys(shape).join(', ')}]${named.length === 0 ? '' : `, not [${named.map(([name]) => name).join(', ')}]`}`,
      });
  });

export const SOURCES = {
  kafka: kafkaSourceOptions.optional().describe('Topics of a consumer group.'),
  dump: dumpSourceOptions.optional().describe('Files of documents.'),
  elasticsearch: elasticsearchSourceOptions.optional().describe('The documents of an index or data stream, once.'),
};

export const SINKS = {
  elasticsearch: elasticsearchSinkOptions.optional().describe('Elasticsearch 8 or 9, through the bulk API.'),
  kafka: kafkaSinkOptions.optional().describe('A topic.'),
  file: fileSinkOptions.optional().describe('A file of bulk actions or documents.'),
  stdout: stdoutSinkOptions.nullable().optional().describe('One document a line.'),
};

const processors = z.array(z.unknown());

const ingestPipeline = z.looseObject({
  description: z.string().optional(),
  processors,
  on_failure: processors.optional(),
});

export const limitsSchema = z.strictObject({
  in_flight_bytes: bytes()
    .default(64 * 1024 * 1024)
    .describe('Bytes of documents between source and sink. A larger document travels alone.'),
  documents_per_second: z
    .number()
    .positive()
    .optional()
    .describe('Documents a second that are read, at most; in small steps, not in bursts.'),
  commit_interval: duration().default(1000).describe('How often settled positions are committed.'),
  dead_letter_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('Share of the last 1,000 documents that may be dead letters before the stream stops.'),
  shutdown_timeout: duration().default(30_000).describe('How long a graceful stop waits for documents in flight.'),
});

/** One pipeline file: one stream. */
export const streamSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower case letters, digits and . _ -')
    .optional()
    .describe("The stream's name; default: the file's."),
  description: z.string().optional(),
  version: z.number().int().optional().describe('Taken and ignored, as it comes with a pasted ingest pipeline.'),
  _meta: z.record(z.string(), z.unknown()).optional().describe('Taken and ignored.'),
  source: oneOf('source', SOURCES),
  processors: processors
    .default([])
    .describe('An Elasticsearch ingest pipeline, word for word; ${…} is not filled in here.'),
  on_failure: processors.optional().describe('Runs when a processor fails and does not handle it itself.'),
  pipelines: z
    .record(z.string(), ingestPipeline)
    .default({})
    .describe('Pipelines for the pipeline processor, by name.'),
  models: z.record(z.string(), modelOptions).default({}).describe('Models for the inference processor, by name.'),
  sink: oneOf('sink', SINKS),
  dead_letter: oneOf('dead_letter', SINKS)
    .optional()
    .describe('Where documents go that fail for good. Without it the stream stops rather than lose one.'),
  limits: limitsSchema.prefault({}),
});
export type StreamConfig = z.output<typeof streamSchema>;

/** Below these keys a file is an ingest pipeline: `${…}` there is Painless', a template's or a date format's own. */
export const LITERAL_KEYS = ['processors', 'on_failure', 'pipelines'];
