import type { ElasticsearchConnection } from '../../connections/elasticsearch/client.ts';
import type { Clock } from '../../core/clock.ts';
import { RequestError, type Sink } from '../../core/contracts.ts';
import { type ActionTemplates, type BulkAction, bulkAction, bulkBody } from './action.ts';
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
    prepare: (document, record) => bulkAction(document, record.defaultId, templates),
    write: async (actions, signal) => {
      let answer: unknown;
      try {
        const request = { method: 'POST', path: '/_bulk', bulk: bulkBody(actions), signal } as const;
        const query = { filter_path: FILTER, ...(pipeline && { pipeline }) };
        answer = (await connection.request({ ...request, query })).body;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw classifyRequest(error);
      }
      const { errors, items } = answer as { errors?: boolean; items?: Record<string, BulkItem>[] };
      if (!Array.isArray(items) || items.length !== actions.length) {
        throw new RequestError('retry', {
          type: 'bulk_answer',
          reason: `the bulk answer has ${items?.length ?? 'no'} items for ${actions.length} actions`,
        });
      }
      return actions.map((action, index) => {
        if (errors === false) return DELIVERED;
        const item = items[index]!;
        return classifyItem(Object.values(item)[0]!, action);
      });
    },
    close: () => connection.close(),
  };
};

const DELIVERED = { outcome: 'delivered' } as const;
