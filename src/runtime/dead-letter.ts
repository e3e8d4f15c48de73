import type { SourceRecord, WriteFault } from '../core/contracts.ts';
import { IngestDocument } from '../core/document.ts';
import type { JsonObject, JsonValue, PlainObject } from '../core/json/values.ts';
import { writeJson } from '../core/json/write.ts';
import type { IngestFailure } from '../pipeline/failure.ts';

/** Why a document is a dead letter. */
export interface DeadLetterReason {
  readonly fault: WriteFault;
  /** Set where a processor failed. */
  readonly failure?: IngestFailure;
  /** What the document looked like, where it could be decoded. */
  readonly document?: IngestDocument | undefined;
  readonly stream: string;
  /** Bytes of the raw value, and of the document's JSON, that are kept. */
  readonly keep: number;
}

/** A string in V8 holds some 512 MB, and base64 takes a third more. */
const MOST_KEPT = 256 * 1024 * 1024;
/** What is kept where the destination refused more. */
export const LEAST_KEPT = 16 * 1024;

/** A dead letter has to fit into the place that keeps it: the raw value in base64 and the document. */
export const bytesKept = (maxItemBytes: number | undefined): number =>
  maxItemBytes === undefined ? MOST_KEPT : Math.max(LEAST_KEPT, Math.floor(maxItemBytes / 3));

/**
 * A dead letter in the shape of Elasticsearch's failure store documents, with the origin and the record's raw bytes,
 * so that it can be sent through again.
 * https://www.elastic.co/docs/manage-data/data-store/data-streams/failure-store
 */
export const deadLetterDocument = (record: SourceRecord, reason: DeadLetterReason, now: number): IngestDocument => {
  const { fault, failure, document, keep } = reason;
  const error: JsonObject = { type: fault.type, message: fault.reason };
  if (failure !== undefined) {
    error.pipeline = failure.pipelines.at(-1) ?? reason.stream;
    error.pipeline_trace = [...failure.pipelines];
    error.processor_type = failure.processorType;
    if (failure.processorTag !== undefined) error.processor_tag = failure.processorTag;
  }
  const origin = record.origin();
  const dead: JsonObject = {
    '@timestamp': new Date(now).toISOString(),
    document: documentPart(document, record, keep),
    error,
    origin: { ...origin.fields, source: origin.name.slice(1), stream: reason.stream },
  };
  if (record.value !== null) {
    const cut = record.value.length > keep;
    const raw = cut ? record.value.subarray(0, keep) : record.value;
    dead.raw = {
      base64: Buffer.from(raw).toString('base64'),
      bytes: record.value.length,
      cut,
      ...codecPart(record, keep),
    };
  }
  return new IngestDocument({ source: dead, timestamp: now, record });
};

/** A schema is larger than most documents, and stands in every letter of its file. */
const MOST_OF_CODEC = 256 * 1024;

/** What the record's own codec needs to read the raw bytes again, in what room the bytes and the document leave. */
const codecPart = ({ codec }: SourceRecord, keep: number): PlainObject => {
  if (codec?.description === undefined) return {};
  const bytes = Buffer.byteLength(writeJson(codec.description));
  return bytes > Math.min(keep / 2, MOST_OF_CODEC) ? { codec_left_out: true } : { codec: codec.description };
};

const documentPart = (document: IngestDocument | undefined, record: SourceRecord, keep: number): JsonObject => {
  const part: JsonObject = { id: (document?.meta('_id') ?? record.defaultId()) as JsonValue };
  for (const [name, field] of [
    ['index', '_index'],
    ['routing', '_routing'],
  ] as const) {
    const value = document?.metadata.get(field);
    if (value !== undefined) part[name] = value;
  }
  if (document !== undefined) {
    if (Buffer.byteLength(writeJson(document.source)) > keep) part.source_left_out = true;
    else part.source = document.source;
  }
  return part;
};
