import { systemClock } from '../../core/clock.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { notFound } from '../../core/refusal.ts';
import { deploymentStats } from '../../inference/deployments/stats.ts';
import { LANG_IDENT } from '../../inference/lang_ident/protocol.ts';
import type { StoredModel } from '../../inference/store/store.ts';
import { sizeOf } from '../../inference/store/verify.ts';
import { booleanOf, countOf, isExact, matchNames } from './names.ts';
import { listWithCluster } from './relay.ts';
import type { Route, RouteReply, RouteRequest } from './route.ts';
import { LANGUAGE_CONFIG, trainedModelConfig } from './trained-model-config.ts';
import type { ModelParts } from './trained-model-routes.ts';

const QUERY = [
  'allow_no_match',
  'from',
  'size',
  'include',
  'decompress_definition',
  'exclude_generated',
  'tags',
  'include_model_definition',
];

/** A model of the store, or the one that is built in. */
type Listed = StoredModel | typeof LANG_IDENT;
type List<Name extends string> = { readonly [key in Name]: readonly PlainObject[] } & { readonly count: number };

/** `GET _ml/trained_models` and its `_stats`: the models here, and behind them those of the cluster. */
export const trainedModelLists = (parts: ModelParts): Route[] => {
  const list = (request: RouteRequest) => listed(parts, request, 'trained_model_configs', (model) => [configOf(model)]);
  const stats = (request: RouteRequest) =>
    listed(parts, request, 'trained_model_stats', (model) => statsOf(parts, model));
  const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, query: QUERY, handle });
  return [
    get('/_ml/trained_models', list),
    get('/_ml/trained_models/_stats', stats),
    get('/_ml/trained_models/{model_id}', list),
    get('/_ml/trained_models/{model_id}/_stats', stats),
  ];
};

const listed = <Name extends string>(
  { store, deployments, cluster }: ModelParts,
  request: RouteRequest,
  name: Name,
  show: (model: Listed) => readonly PlainObject[],
): Promise<RouteReply> | RouteReply => {
  const { query, params } = request;
  const expression = params.model_id;
  const all: Listed[] = [...store.list().filter((model) => model.current), LANG_IDENT];
  const found = matchNames(expression, all, (model) =>
    model === LANG_IDENT
      ? [model]
      : [model.id, ...model.aliases, ...deployments.of(model.id).map(({ deployment_id }) => deployment_id)],
  );
  const mayBeNone = !isExact(expression) && booleanOf(query, 'allow_no_match', true);
  if (found.length === 0 && !mayBeNone && (cluster === undefined || isExact(expression)))
    throw notFound(`No known trained model with model_id [${expression}]`);
  const from = countOf(query, 'from', 0);
  const size = countOf(query, 'size', 100);
  const here = found.slice(from, from + size);
  const shown = here.flatMap(show);
  const ids = new Set(found.map(idOf));
  // One that is named is here: the cluster is not asked for another of that name.
  const behind = isExact(expression) ? undefined : cluster;
  const page = { from: String(Math.max(0, from - found.length)), size: String(size - here.length) };
  return listWithCluster<List<Name>>(behind, request, page, (theirs) => {
    const others = (theirs[name] ?? []) as readonly PlainObject[];
    const beside = others.filter(({ model_id }) => !ids.has(model_id as string));
    const count = found.length + ((theirs.count as number | undefined) ?? 0) - (others.length - beside.length);
    return { count, [name]: [...shown, ...beside] } as List<Name>;
  });
};

const idOf = (model: Listed): string => (model === LANG_IDENT ? model : model.id);
const configOf = (model: Listed): PlainObject => (model === LANG_IDENT ? LANGUAGE_CONFIG : trainedModelConfig(model));

const statsOf = ({ deployments, node, pipelinesUsing }: ModelParts, model: Listed): PlainObject[] => {
  const model_id = idOf(model);
  const bytes = model === LANG_IDENT ? (LANGUAGE_CONFIG.model_size_bytes as number) : sizeOf(model);
  const base = {
    model_id,
    model_size_stats: { model_size_bytes: bytes, required_native_memory_bytes: 2 * bytes },
    pipeline_count: pipelinesUsing(model_id).length,
  };
  const running = model === LANG_IDENT ? [] : deployments.of(model_id);
  if (running.length === 0) return [base];
  return running.map((deployment) => {
    const counters = deployment.running?.deployment.counters;
    return {
      ...base,
      inference_stats: {
        failure_count: counters?.errors ?? 0,
        inference_count: counters?.inference_count ?? 0,
        cache_miss_count: deployment.running?.cache.misses ?? 0,
        missing_all_fields_count: 0,
        timestamp: systemClock.now(),
      },
      deployment_stats: deploymentStats(deployment, node),
    };
  });
};
