import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { RequestError } from '../../core/contracts.ts';
import type { JsonObject } from '../../core/json/values.ts';
import type { BulkAction } from './action.ts';

/**
 * Which of some documents a data stream holds already. A conflict tells it for the index that is written to; but one
 * that was written before a rollover lies in an older index, and a redelivery would be indexed a second time. Asked by
 * id with a realtime get in every backing index, so that no refresh is needed.
 * https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-mget
 */
export const alreadyThere = async (
  connection: ElasticsearchConnection,
  actions: readonly BulkAction[],
  signal: AbortSignal,
): Promise<ReadonlySet<BulkAction>> => {
  const there = new Set<BulkAction>();
  const byStream = new Map<string, BulkAction[]>();
  for (const action of actions) {
    const others = byStream.get(action.index);
    if (others === undefined) byStream.set(action.index, [action]);
    else others.push(action);
  }
  for (const [stream, asked] of byStream) {
    for (const index of await backingIndices(connection, stream, signal)) {
      const { body } = await connection.request({
        method: 'POST',
        path: `/${encodeURIComponent(index)}/_mget`,
        query: { _source: false, filter_path: 'docs.found,docs.error.type' },
        body: {
          docs: asked.map(({ id, routing }): JsonObject => ({ _id: id, ...(routing !== undefined && { routing }) })),
        },
        signal,
      });
      const { docs = [] } = body as { docs?: readonly { found?: boolean; error?: { type?: string } }[] };
      // An index whose shards are not back yet says so for each document, under a status of 200: that is no `not found`.
      const unknown = docs.find(({ found }) => found === undefined);
      if (docs.length !== asked.length || unknown !== undefined) {
        const type = unknown?.error?.type ?? 'mget_answer';
        throw new RequestError('retry', { type, reason: `[${index}] cannot say yet which documents it holds` });
      }
      docs.forEach(({ found }, at) => {
        if (found === true) there.add(asked[at]!);
      });
    }
  }
  return there;
};

/** The indices behind a data stream; none where it does not exist yet. */
const backingIndices = async (
  connection: ElasticsearchConnection,
  stream: string,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  try {
    const { body } = await connection.request({
      method: 'GET',
      path: `/${encodeURIComponent(stream)}/_settings/index.uuid`,
      query: { flat_settings: true },
      signal,
    });
    return Object.keys(body as object);
  } catch (error) {
    if (error instanceof ElasticsearchError && error.status === 404) return [];
    throw error;
  }
};
