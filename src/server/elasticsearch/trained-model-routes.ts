import { badRequest, Refusal } from '../../core/refusal.ts';
import type { Deployments, WaitFor } from '../../inference/deployments/deployments.ts';
import { deploymentChanges, deploymentOptions } from '../../inference/deployments/options.ts';
import { assignmentOf, type NodeIdentity } from '../../inference/deployments/stats.ts';
import type { LangIdentEngine } from '../../inference/lang_ident/engine.ts';
import { LANG_IDENT } from '../../inference/lang_ident/protocol.ts';
import { readAliases } from '../../inference/store/aliases.ts';
import { removeAlias, removeModel, setAlias } from '../../inference/store/changes.ts';
import { isName } from '../../inference/store/names.ts';
import type { ModelStore } from '../../inference/store/store.ts';
import type { Cluster } from './cluster.ts';
import { inferRoutes } from './infer-routes.ts';
import { booleanOf, countOf, isExact, matchNames, timeOf } from './names.ts';
import { parseBody } from './parse-body.ts';
import { ok, type Route } from './route.ts';
import { trainedModelLists } from './trained-model-lists.ts';
import { uploadRoutes } from './upload-routes.ts';
import { Uploads } from './uploads.ts';

export interface ModelParts {
  readonly store: ModelStore;
  readonly deployments: Deployments;
  readonly node: NodeIdentity;
  /** Pipelines that name a model, for the statistics and before it is stopped. */
  readonly pipelinesUsing: (model: string) => readonly string[];
  readonly language: LangIdentEngine;
  readonly cluster: Cluster | undefined;
}

/** https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-ml-trained-model */
export const trainedModelRoutes = (parts: ModelParts): Route[] => {
  const routes = [
    ...trainedModelLists(parts),
    ...deploymentRoutes(parts),
    ...changeRoutes(parts),
    ...uploadRoutes(parts),
    ...inferRoutes(parts),
  ];
  return parts.cluster !== undefined ? routes.map((route) => leavingOthers(route, parts)) : routes;
};

/** A model that is not here may be one of the cluster's. */
const leavingOthers = (route: Route, { store, deployments }: ModelParts): Route => {
  const uploads = new Uploads(store);
  const isHere = (id: string): boolean => {
    if (id === LANG_IDENT || deployments.get(id) !== undefined || uploads.has(id)) return true;
    try {
      return store.find(id) !== undefined;
    } catch {
      return false;
    }
  };
  return {
    ...route,
    handle: (request) => {
      const id = request.params.model_id;
      return route.method === 'PUT' || !isExact(id) || isHere(id) ? route.handle(request) : undefined;
    },
  };
};

const START = [
  'deployment_id',
  'number_of_allocations',
  'threads_per_allocation',
  'queue_capacity',
  'cache_size',
  'priority',
  'timeout',
  'wait_for',
];

const deploymentRoutes = ({ deployments, node, pipelinesUsing }: ModelParts): Route[] => {
  const post = (action: string, query: readonly string[], handle: Route['handle']): Route => ({
    method: 'POST',
    path: `/_ml/trained_models/{model_id}/deployment/${action}`,
    query,
    handle,
  });
  return [
    post('_start', START, async (request) => {
      const { query, params } = request;
      const parameters = parseBody(deploymentOptions, {
        model_id: params.model_id,
        ...given(query, ['deployment_id', 'priority', 'cache_size']),
        ...numbers(query, ['number_of_allocations', 'threads_per_allocation', 'queue_capacity']),
        ...(await request.json()),
      });
      const waitFor = (query.get('wait_for') ?? 'started') as WaitFor;
      if (!['starting', 'started', 'fully_allocated'].includes(waitFor))
        throw new Refusal(400, 'illegal_argument_exception', `invalid [wait_for] state [${waitFor}]`);
      const deployment = await deployments.start(parameters, waitFor, timeOf(query, 'timeout', 30_000));
      return ok({ assignment: assignmentOf(deployment, node) });
    }),
    post('_update', ['number_of_allocations'], async (request) => {
      const changes = parseBody(deploymentChanges, {
        ...numbers(request.query, ['number_of_allocations']),
        ...(await request.json()),
      });
      return ok({ assignment: assignmentOf(await deployments.update(request.params.model_id!, changes), node) });
    }),
    post('_stop', ['allow_no_match', 'force', 'finish_pending_work', 'id', 'timeout'], async (request) => {
      const { query, params } = request;
      const body = (await request.json()) as { force?: boolean; finish_pending_work?: boolean } | undefined;
      const force = booleanOf(query, 'force', body?.force === true);
      const finish = booleanOf(query, 'finish_pending_work', body?.finish_pending_work === true);
      const expression = params.model_id!;
      const found = matchNames(expression, deployments.list, ({ deployment_id }) => [deployment_id]);
      if (found.length === 0 && (isExact(expression) || !booleanOf(query, 'allow_no_match', true)))
        throw new Refusal(404, 'resource_not_found_exception', `No known model deployment with id [${expression}]`);
      for (const { deployment_id } of found) {
        const using = pipelinesUsing(deployment_id);
        if (using.length > 0 && !force)
          throw new Refusal(
            409,
            'status_exception',
            `Cannot stop deployment [${deployment_id}] as it is referenced by ingest processors; use force to stop the deployment`,
          );
      }
      for (const { deployment_id } of found) await deployments.stop(deployment_id, finish);
      return ok({ stopped: true });
    }),
    {
      method: 'POST',
      path: '/_ml/trained_models/{model_id}/deployment/cache/_clear',
      query: ['timeout'],
      handle: ({ params }) => {
        const deployment = deployments.get(params.model_id!);
        if (deployment === undefined)
          throw new Refusal(
            404,
            'resource_not_found_exception',
            `No known model deployment with id [${params.model_id}]`,
          );
        deployment.running?.cache.clear();
        return ok({ cleared: true });
      },
    },
  ];
};

const changeRoutes = ({ store, deployments, pipelinesUsing }: ModelParts): Route[] => [
  {
    method: 'DELETE',
    path: '/_ml/trained_models/{model_id}',
    query: ['force', 'timeout'],
    handle: async ({ params, query }) => {
      const id = params.model_id!;
      if (id === LANG_IDENT) throw builtIn();
      const found = store.list().filter((model) => model.id === id);
      if (found.length === 0 && isName(id) && (await new Uploads(store).remove(id))) return ok({ acknowledged: true });
      if (found.length === 0)
        throw new Refusal(404, 'resource_not_found_exception', `Could not find trained model [${id}]`);
      if (!booleanOf(query, 'force', false)) {
        const using = pipelinesUsing(id);
        if (using.length > 0)
          throw new Refusal(
            409,
            'status_exception',
            `Cannot delete model [${id}] as it is still referenced by ingest processors; use force to delete the model`,
          );
        if (deployments.of(id).length > 0)
          throw new Refusal(
            409,
            'status_exception',
            `Cannot delete model [${id}] as it is currently deployed; use force to delete the model`,
          );
      }
      for (const { deployment_id } of deployments.of(id)) await deployments.stop(deployment_id);
      await removeModel(store, id);
      return ok({ acknowledged: true });
    },
  },
  {
    method: 'PUT',
    path: '/_ml/trained_models/{model_id}/model_aliases/{model_alias}',
    query: ['reassign'],
    handle: async ({ params, query }) => {
      const { model_id: id, model_alias: alias } = params as { model_id: string; model_alias: string };
      const before = readAliases(store.folder)[alias];
      if (before !== undefined && before !== id && !booleanOf(query, 'reassign', false))
        throw new Refusal(
          400,
          'status_exception',
          `cannot assign model_alias [${alias}] to model_id [${id}] as model_alias already refers to [${before}]. Set parameter [reassign] to [true] if model_alias should be reassigned.`,
        );
      if (!store.list().some((model) => model.id === id))
        throw new Refusal(404, 'resource_not_found_exception', `Could not find trained model [${id}]`);
      await setAlias(store, alias, id);
      await deployments.refresh();
      return ok({ acknowledged: true });
    },
  },
  {
    method: 'DELETE',
    path: '/_ml/trained_models/{model_id}/model_aliases/{model_alias}',
    query: [],
    handle: async ({ params }) => {
      const { model_id: id, model_alias: alias } = params as { model_id: string; model_alias: string };
      if (readAliases(store.folder)[alias] !== id)
        throw new Refusal(404, 'status_exception', `model_alias [${alias}] could not be found for model [${id}]`);
      await removeAlias(store, alias);
      return ok({ acknowledged: true });
    },
  },
];

const builtIn = () => badRequest(`[${LANG_IDENT}] is built in: it runs always, and cannot be changed`);

const given = (query: URLSearchParams, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (query.has(name) ? [[name, query.get(name)!]] : [])));

const numbers = (query: URLSearchParams, names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.flatMap((name) => (query.has(name) ? [[name, countOf(query, name, 0)]] : [])));
