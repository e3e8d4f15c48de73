import type { IngestDocument } from '../core/document.ts';
import { messageOf, ProcessorError } from '../core/errors.ts';
import type { JsonValue } from '../core/json/values.ts';
import { writeJson } from '../core/json/write.ts';
import type { ExecutionResult } from './execution.ts';
import { IngestFailure } from './failure.ts';
import type { StepTrace } from './trace.ts';

/** `error` of a simulated document, as Elasticsearch shows it. */
const errorOf = (error: unknown): object => {
  const type = error instanceof IngestFailure || error instanceof ProcessorError ? error.type : 'exception';
  const told = { type, reason: messageOf(error) };
  return { root_cause: [told], ...told };
};

/** A document in `docs` of a simulation's answer. */
const shownDocument = (document: IngestDocument, withPipeline: boolean): object => {
  const { timestamp, pipeline } = document.ingest as { readonly timestamp?: JsonValue; readonly pipeline?: JsonValue };
  const routing = document.meta('_routing');
  return {
    _index: document.meta('_index') ?? '_index',
    _version: String(document.meta('_version') ?? -3),
    _id: document.meta('_id') ?? '_id',
    ...(routing !== undefined && { _routing: routing }),
    // A copy: the document goes on.
    _source: JSON.parse(writeJson(document.source)) as object,
    _ingest: { ...(withPipeline && pipeline !== undefined && { pipeline }), timestamp: timestamp ?? null },
  };
};

/** What became of a document; null where it was dropped. */
export const simulatedResult = (document: IngestDocument, result: ExecutionResult): object | null => {
  if (result.outcome === 'dropped') return null;
  if (result.outcome === 'failed') return { error: errorOf(result.failure) };
  return { doc: shownDocument(document, false) };
};

/** One of `processor_results`, with `verbose`: SimulateProcessorResult. */
export const processorResult = ({ step, outcome, error }: StepTrace, document: IngestDocument): object => {
  const ignored = outcome === 'failed' && step.ignoreFailure;
  const status = {
    done: 'success',
    called: 'success',
    dropped: 'dropped',
    skipped: 'skipped',
    failed: ignored ? 'error_ignored' : 'error',
  }[outcome];
  return {
    processor_type: step.type,
    status,
    ...(step.description !== undefined && { description: step.description }),
    ...(step.tag !== undefined && { tag: step.tag }),
    ...(step.conditionText !== undefined && { if: { condition: step.conditionText, result: outcome !== 'skipped' } }),
    ...(ignored && { ignored_error: { error: errorOf(error) } }),
    ...(outcome === 'failed' && !ignored && { error: errorOf(error) }),
    ...((outcome === 'done' || ignored) && { doc: shownDocument(document, true) }),
  };
};
