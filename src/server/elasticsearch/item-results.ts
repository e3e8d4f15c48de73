import { ProcessorError } from '../../core/errors.ts';
import type { IngestFailure } from '../../pipeline/failure.ts';
import { errorAnswer, errorItem } from './error-body.ts';

const SHARDS = { total: 0, successful: 0, failed: 0 };

/** What Elasticsearch says of a document that its pipeline dropped. */
export const droppedResult = (meta: Readonly<Record<string, unknown>>): object => ({
  _index: meta._index ?? null,
  _id: meta._id ?? null,
  _version: -3,
  result: 'noop',
  _shards: SHARDS,
});

export const droppedItem = (action: string, meta: Readonly<Record<string, unknown>>): object => ({
  [action]: { ...droppedResult(meta), status: 200 },
});

export const failedItem = (action: string, meta: Readonly<Record<string, unknown>>, error: unknown): object => ({
  [action]: {
    _index: meta._index ?? null,
    _id: meta._id ?? null,
    status: errorAnswer(error).status,
    error: {
      type: (errorItem(error) as { type: string }).type,
      reason: (errorItem(error) as { reason: string }).reason,
    },
  },
});

/** A pipeline's failure as the error of a request. */
export const failureOf = ({ type, message }: IngestFailure): ProcessorError => new ProcessorError(type, message);
