import { Refusal } from '../../core/refusal.ts';
import type { Cluster } from './cluster.ts';
import { ClusterPipelines, type ClusterPipelinesParts } from './cluster-pipelines.ts';
import type { IngestPipelines } from './ingest-pipelines.ts';
import { booleanOf, isExact, matchNames } from './names.ts';
import { listWithCluster, relay } from './relay.ts';
import { ok, type Route } from './route.ts';
import { simulateRoutes } from './simulate-routes.ts';

/** Names of pipelines end up in paths, expressions and templates. */
const NAME = /^[^\s,*?"<>|\\/#%]{1,255}$/u;

export interface PipelineRoutesParts extends Omit<ClusterPipelinesParts, 'cluster'> {
  readonly cluster: Cluster | undefined;
}

/**
 * `_ingest/pipeline`: pipelines that the server holds and runs. One that it does not hold is the cluster's.
 * https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-ingest
 */
export const pipelineRoutes = ({ pipelines, cluster, table, log }: PipelineRoutesParts): Route[] => {
  const elsewhere = cluster && new ClusterPipelines({ cluster, pipelines, table, log });
  return [...oneByOne(pipelines, cluster, elsewhere), ...simulateRoutes(pipelines, cluster, elsewhere)];
};

const oneByOne = (
  pipelines: IngestPipelines,
  cluster: Cluster | undefined,
  elsewhere: ClusterPipelines | undefined,
): Route[] => [
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
      const reason = await elsewhere?.reason(raw, request);
      if (reason !== undefined) return elsewhere!.put(id, reason, request);
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
      handle: (request) => {
        const { params, query } = request;
        const found = matchNames(params.id, pipelines.all, ([id]) => [id]);
        const exact = isExact(params.id);
        if (found.length === 0 && exact) return cluster === undefined ? { status: 404, body: {} } : undefined;
        const summary = booleanOf(query, 'summary', false);
        const own = Object.fromEntries(
          found.map(([id, body]) => [id, summary ? { description: body.description } : body]),
        );
        return listWithCluster(exact ? undefined : cluster, request, {}, (theirs) => ({ ...theirs, ...own }));
      },
    }),
  ),
  {
    method: 'DELETE',
    path: '/_ingest/pipeline/{id}',
    query: ['master_timeout', 'timeout'],
    handle: async (request) => {
      const { id } = request.params;
      const found = matchNames(id, pipelines.all, ([name]) => [name]);
      if (found.length === 0) {
        if (cluster !== undefined) return undefined;
        if (id === '*') return ok({ acknowledged: true });
        throw new Refusal(404, 'resource_not_found_exception', `pipeline [${id}] is missing`);
      }
      pipelines.delete(found.map(([name]) => name));
      if (cluster === undefined || isExact(id)) return ok({ acknowledged: true });
      // An expression means those of the cluster as well; there may be none.
      const reply = await relay(cluster, request);
      return reply.status === 404 ? ok({ acknowledged: true }) : reply;
    },
  },
];
