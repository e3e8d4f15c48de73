import type { ElasticsearchConnection } from '../../connections/elasticsearch/client.ts';
import type { Clock } from '../../core/clock.ts';
import { type ItemResult, RequestError, type Sink } from '../../core/contracts.ts';
import { type ActionTemplates, type BulkAction, bulkAction, bulkBody } from './action.ts';
import { alreadyThere } from './backing-indices.ts';
import { type BulkItem, classifyItem, classifyRequest } from './classify.ts';
import type { ElasticsearchSinkOptions } from './options.ts';

export interface ElasticsearchSinkParts {
  readonly options: ElasticsearchSinkOptions;
  readonly templates: ActionTemplates;
  readonly connection: ElasticsearchConnection;
  readonly clock: Clock;
  /** Creates or checks the index; called once the cluster answers. */
  readonly prepareIndex: () => Promise<void>;
}

/** Only what decides about an item: a bulk answer is otherwise ten times as long. */
const FILTER = 'errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason';

/** One `_bulk` request per batch; retries, order and dead letters are the engine's. */
export const elasticsearchSink = ({
  options,
  templates,
  connection,
  clock,
  prepareIndex,
}: ElasticsearchSinkParts): Sink<BulkAction> => {
  const { batch, pipeline } = options;
  const look = async (actions: readonly BulkAction[], signal: AbortSignal): Promise<void> => {
    const asked = actions.filter(({ mayBeThere, ownId, action }) => mayBeThere && ownId && action === 'create');
    if (asked.length === 0) return;
    try {
      for (const action of await alreadyThere(connection, asked, signal)) action.there = true;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw classifyRequest(error);
    }
  };
  /** Whether it was applied is not known: the next request has to look. */
  const uncertain = (actions: readonly BulkAction[]) => {
    for (const action of actions) action.mayBeThere = true;
  };
  const bulk = async (
    actions: readonly BulkAction[],
    signal: AbortSignal,
    traceparent: string | undefined,
  ): Promise<readonly ItemResult[]> => {
    let answer: unknown;
    try {
      const request = { method: 'POST', path: '/_bulk', bulk: bulkBody(actions), signal, traceparent } as const;
      const query = { filter_path: FILTER, ...(pipeline && { pipeline }) };
      answer = (await connection.request({ ...request, query })).body;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failed = classifyRequest(error);
      if (failed.fault.status === undefined || failed.fault.status >= 500) uncertain(actions);
      throw failed;
    }
    const { errors, items } = answer as { errors?: boolean; items?: Record<string, BulkItem>[] };
    if (!Array.isArray(items) || items.length !== actions.length) {
      uncertain(actions);
      throw new RequestError('retry', {
        type: 'bulk_answer',
        reason: `the bulk answer has ${items?.length ?? 'no'} items for ${actions.length} actions`,
      });
    }
    if (errors === false) return actions.map(() => DELIVERED);
    return actions.map((action, index) => {
      const item = Object.values(items[index]!)[0]!;
      if (item.status >= 500) uncertain([action]);
      return classifyItem(item, action);
    });
  };
  return {
    type: 'elasticsearch',
    destination: connection.place,
    limits: {
      max_documents: batch.max_documents,
      max_bytes: batch.max_bytes,
      max_age_ms: batch.max_age,
      max_in_flight: batch.max_in_flight,
      target_latency_ms: batch.target_latency,
    },
    // A third of http.max_content_length as it comes: what cannot be indexed in one piece must fit as a dead letter.
    maxItemBytes: 32 * 1024 * 1024,
    open: async () => {
      await connection.ready(clock);
      await prepareIndex();
    },
    prepare: (document, record, mayBeThere) => bulkAction(document, record, templates, mayBeThere),
    ...(options.data_stream && { look }),
    write: async (actions, signal, traceparent) => {
      const sent = actions.filter(({ there }) => !there);
      const results = sent.length === 0 ? [] : await bulk(sent, signal, traceparent);
      if (sent.length === actions.length) return results;
      let next = 0;
      return actions.map(({ there }) => (there ? DUPLICATE : results[next++]!));
    },
    close: () => connection.close(),
  };
};

const DELIVERED = { outcome: 'delivered' } as const;
const DUPLICATE = { outcome: 'delivered', duplicate: true } as const;
