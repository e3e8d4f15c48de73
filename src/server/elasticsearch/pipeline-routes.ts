import { Refusal } from '../../core/refusal.ts';
import type { IngestPipelines } from './ingest-pipelines.ts';
import { booleanOf, isExact, matchNames } from './names.ts';
import { ok, type Route } from './route.ts';
import { simulateRoutes } from './simulate-routes.ts';

/** Names of pipelines end up in paths, expressions and templates. */
const NAME = /^[^\s,*?"<>|\\/#%]{1,255}$/u;

/**
 * `_ingest/pipeline`: pipelines that the server holds and runs. One that it does not hold is the cluster's.
 * https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-ingest
 */
export const pipelineRoutes = (pipelines: IngestPipelines, hasCluster: boolean): Route[] => [
  {
    method: 'PUT',
    path: '/_ingest/pipeline/{id}',
    query: ['master_timeout', 'timeout', 'if_version'],
    handle: async (request) => {
      const id = request.params.id!;
      if (!NAME.test(id) || id.startsWith('_'))
        throw new Refusal(400, 'illegal_argument_exception', `[${id}] cannot be the name of a pipeline`);
      const raw = await request.json();
      if (raw === undefined) throw new Refusal(400, 'parse_exception', 'request body is required');
      const version = request.query.get('if_version');
      pipelines.put(id, raw, version === null ? undefined : Number(version));
      return ok({ acknowledged: true });
    },
  },
  ...['/_ingest/pipeline', '/_ingest/pipeline/{id}'].map(
    (path): Route => ({
      method: 'GET',
      path,
      query: ['master_timeout', 'summary'],
      handle: ({ params, query }) => {
        const found = matchNames(params.id, pipelines.all, ([id]) => [id]);
        if (found.length === 0 && params.id !== undefined) {
          if (hasCluster) return undefined;
          return { status: isExact(params.id) ? 404 : 200, body: {} };
        }
        const summary = booleanOf(query, 'summary', false);
        return ok(
          Object.fromEntries(found.map(([id, body]) => [id, summary ? { description: body.description } : body])),
        );
      },
    }),
  ),
  {
    method: 'DELETE',
    path: '/_ingest/pipeline/{id}',
    query: ['master_timeout', 'timeout'],
    handle: ({ params }) => {
      const found = matchNames(params.id, pipelines.all, ([id]) => [id]);
      if (found.length === 0) {
        if (hasCluster) return undefined;
        if (params.id === '*') return ok({ acknowledged: true });
        throw new Refusal(404, 'resource_not_found_exception', `pipeline [${params.id}] is missing`);
      }
      pipelines.delete(found.map(([id]) => id));
      return ok({ acknowledged: true });
    },
  },
  ...simulateRoutes(pipelines, hasCluster),
];
