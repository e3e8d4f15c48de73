import { errors } from '@elastic/elasticsearch';
import { ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { type ItemResult, RequestError, type WriteFault } from '../../core/contracts.ts';
import { messageOf } from '../../core/errors.ts';

/** One item of a bulk answer, as far as sluice asks for it. */
export interface BulkItem {
  readonly status: number;
  readonly error?: {
    readonly type?: string;
    readonly reason?: string;
    readonly caused_by?: { readonly type?: string; readonly reason?: string };
  };
}

export interface SentAction {
  readonly action: 'index' | 'create' | 'update' | 'delete';
  /** True when the `_id` is sluice's own, so that a conflict on create means: it is there already. */
  readonly ownId: boolean;
  /** True when the version came with the document: a conflict means that a newer one is there. */
  readonly externalVersion: boolean;
}

/** What the destination, not the document, has to mend; whatever the status code. docs/reference/bulk-errors.md lists them. */
const DESTINATION: ReadonlySet<string> = new Set([
  'security_exception',
  'cluster_block_exception',
  'index_not_found_exception',
  'index_closed_exception',
  'no_such_remote_cluster_exception',
  'alias_not_found_exception',
]);

/**
 * A pipeline that the sink or the index names and the cluster lacks: no document is at fault, though the type is the one
 * of a document's illegal argument, and the dead letter would get them all.
 */
const isMissingPipeline = (reason: string): boolean => /^pipeline with id \[.*\] does not exist/.test(reason);

/** Answered with status 500, and yet a pipeline of the cluster refused this document: sending it again would never end. */
const DOCUMENT: ReadonlySet<string> = new Set(['fail_processor_exception']);

const DELIVERED: ItemResult = { outcome: 'delivered' };
const DUPLICATE: ItemResult = { outcome: 'delivered', duplicate: true };

/** Whose fault an item of a bulk answer is. */
export const classifyItem = (item: BulkItem, sent: SentAction): ItemResult => {
  const { status, error } = item;
  if (error === undefined) {
    // Deleting what is not there: the destination is as it should be.
    return status < 300 || (status === 404 && sent.action === 'delete')
      ? DELIVERED
      : { outcome: 'retry', fault: faultOf(item) };
  }
  const fault = faultOf(item);
  if (error.type === 'version_conflict_engine_exception') {
    if (sent.externalVersion || (sent.action === 'create' && sent.ownId)) return DUPLICATE;
    return sent.action === 'update' ? { outcome: 'retry', fault } : { outcome: 'document', fault };
  }
  if (DESTINATION.has(fault.type) || status === 401 || status === 403 || isMissingPipeline(fault.reason))
    return { outcome: 'destination', fault };
  if (DOCUMENT.has(fault.type)) return { outcome: 'document', fault };
  if (status === 429 || status >= 500) return { outcome: 'retry', fault };
  return { outcome: 'document', fault };
};

const faultOf = ({ status, error }: BulkItem): WriteFault => {
  const cause = error?.caused_by?.reason;
  const reason = error?.reason ?? `status ${status}`;
  return {
    type: error?.type ?? `status_${status}`,
    reason: cause === undefined || reason.includes(cause) ? reason : `${reason}: ${cause}`,
    status,
  };
};

/** Whose fault a request that failed as a whole is. */
export const classifyRequest = (error: unknown): RequestError => {
  if (error instanceof RequestError) return error;
  if (!(error instanceof ElasticsearchError)) {
    const name = error instanceof errors.TimeoutError ? 'timeout' : 'connection_error';
    return new RequestError('retry', { type: name, reason: messageOf(error) }, { cause: error });
  }
  const { status, type, message } = error;
  const fault = { type, reason: message, status };
  // 400 for a whole bulk: one document of it that the cluster cannot even read (elastic/elasticsearch#138445). Halving finds it.
  if (status === 413 || (status === 400 && !DESTINATION.has(type) && !isMissingPipeline(message)))
    return new RequestError('split', fault, { cause: error });
  if (status === 429 || status >= 500) return new RequestError('retry', fault, { cause: error });
  return new RequestError('destination', fault, { cause: error });
};
