import { z } from 'zod';
import type { PlainObject } from '../../core/json/values.ts';
import { Refusal } from '../../core/refusal.ts';
import type { PrefixType } from '../../inference/bound-task.ts';
import type { Deployments } from '../../inference/deployments/deployments.ts';
import type { Cluster } from './cluster.ts';
import {
  configOf,
  ENDPOINT_TASKS,
  type Endpoint,
  type Endpoints,
  type EndpointTask,
  missing,
  SERVICES,
} from './endpoints.ts';
import { booleanOf, isExact, timeOf } from './names.ts';
import { listWithCluster, relay } from './relay.ts';
import { ok, type Route, type RouteRequest } from './route.ts';

const MOST_INPUTS = 10_000;

const inferBody = z.strictObject({
  input: z.union([z.string(), z.array(z.string()).min(1).max(MOST_INPUTS)]),
  query: z.string().optional(),
  top_n: z.number().int().min(1).optional(),
  return_documents: z.boolean().optional(),
  input_type: z
    .enum(['ingest', 'search', 'classification', 'clustering', 'internal_ingest', 'internal_search', 'unspecified'])
    .optional(),
  task_settings: z.strictObject({ return_documents: z.boolean().optional() }).optional(),
});
type InferBody = z.output<typeof inferBody>;

export interface EndpointParts {
  readonly endpoints: Endpoints;
  readonly deployments: Deployments;
  readonly pipelinesUsing: (inference_id: string) => readonly string[];
  readonly cluster: Cluster | undefined;
}

interface EndpointList {
  readonly endpoints: readonly { readonly inference_id: string }[];
}

/** https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-inference */
export const endpointRoutes = (parts: EndpointParts): Route[] => {
  const { endpoints, cluster, pipelinesUsing } = parts;
  const find = (request: RouteRequest): Endpoint | undefined => {
    const { inference_id: id, task_type: task } = request.params as { inference_id: string; task_type?: string };
    const found = endpoints.get(id);
    if (found === undefined) {
      // The cluster may have one of that name.
      if (cluster !== undefined) return undefined;
      throw missing(id);
    }
    if (task !== undefined && task !== found.task_type && task !== '_any')
      throw new Refusal(
        400,
        'status_exception',
        `Requested inference endpoint [${id}] of type [${task}] but the endpoint has type [${found.task_type}]`,
      );
    return found;
  };
  const put = async (request: RouteRequest) => {
    const { inference_id: id, task_type: task } = request.params as { inference_id: string; task_type: string };
    const raw = await request.json();
    if (cluster !== undefined && isForeign(parts, task, raw)) return relay(cluster, request);
    if (!Object.hasOwn(ENDPOINT_TASKS, task))
      throw new Refusal(
        400,
        'status_exception',
        `this server does not do [${task}], only [${Object.keys(ENDPOINT_TASKS).join(', ')}]`,
      );
    return ok(await endpoints.put(id, task as EndpointTask, raw));
  };
  const get = (request: RouteRequest) => {
    const { inference_id: id, task_type: task } = request.params;
    if (isExact(id)) {
      const found = find(request);
      return found && ok({ endpoints: [found] });
    }
    const own = endpoints.list.filter(({ task_type }) => task === undefined || task === '_any' || task === task_type);
    const names = new Set(own.map(({ inference_id }) => inference_id));
    return listWithCluster<EndpointList>(cluster, request, {}, ({ endpoints: theirs = [] }) => ({
      endpoints: [...own, ...theirs.filter(({ inference_id }) => !names.has(inference_id))],
    }));
  };
  const remove = async (request: RouteRequest) => {
    const found = find(request);
    if (found === undefined) return undefined;
    const using = pipelinesUsing(found.inference_id);
    if (using.length > 0 && !booleanOf(request.query, 'force', false))
      throw new Refusal(
        409,
        'status_exception',
        `Inference endpoint ${found.inference_id} is referenced by pipelines: [${using.join(', ')}]. Ensure that no pipelines are using this inference endpoint, or use force to ignore this warning and delete the inference endpoint.`,
      );
    if (!booleanOf(request.query, 'dry_run', false)) await endpoints.delete(found.inference_id);
    return ok({ acknowledged: true, pipelines: using });
  };
  const infer = async (request: RouteRequest) => {
    const found = find(request);
    return found && ok(await inferEndpoint(parts, found, request));
  };
  const stream = (request: RouteRequest) => {
    const found = find(request);
    if (found === undefined) return undefined;
    // Vectors, weights and scores are there all at once: Elasticsearch's own service refuses the same.
    throw new Refusal(
      405,
      'status_exception',
      `Streaming is not allowed for service [${found.service}] and task [${found.task_type}]. Supported tasks: []`,
    );
  };
  const both = (
    method: Route['method'],
    query: readonly string[],
    handle: Route['handle'],
    action: '' | '/_stream' = '',
  ): Route[] =>
    ['/_inference/{inference_id}', '/_inference/{task_type}/{inference_id}'].map((path) => ({
      method,
      path: `${path}${action}`,
      query,
      handle,
    }));
  return [
    { method: 'PUT', path: '/_inference/{task_type}/{inference_id}', query: ['timeout'], handle: put },
    { method: 'GET', path: '/_inference', query: [], handle: get },
    ...both('GET', [], get),
    ...both('DELETE', ['force', 'dry_run'], remove),
    ...both('POST', ['timeout'], infer),
    ...both('POST', ['timeout'], stream, '/_stream'),
  ];
};

/** A task, a service or a model that is not here may be one of the cluster's. */
const isForeign = ({ deployments }: EndpointParts, task: string, raw: Record<string, unknown> | undefined): boolean => {
  const { service, service_settings } = (raw ?? {}) as { service?: unknown; service_settings?: unknown };
  if (service === 'sluice') return false;
  if (!Object.hasOwn(ENDPOINT_TASKS, task) || !(SERVICES as readonly unknown[]).includes(service)) return true;
  const { model_id, deployment_id } = (service_settings ?? {}) as Record<string, unknown>;
  const name = deployment_id ?? model_id;
  return typeof name === 'string' && !deployments.knows(name);
};

const inferEndpoint = async (
  { endpoints, deployments }: EndpointParts,
  endpoint: Endpoint,
  request: RouteRequest,
): Promise<PlainObject> => {
  const parsed = inferBody.safeParse((await request.json()) ?? {});
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    throw new Refusal(400, 'x_content_parse_exception', `[${path.join('.')}] ${message}`);
  }
  const body = parsed.data;
  if (endpoint.task_type === 'rerank' && body.query === undefined)
    throw new Refusal(
      400,
      'action_request_validation_exception',
      'Validation Failed: 1: Field [query] cannot be null for task type [rerank];',
    );
  const texts = [body.input].flat();
  const outcomes = await deployments.infer(endpoints.deploymentOf(endpoint), {
    texts,
    config: configOf(endpoint.task_type, body.query ?? ''),
    prefix: prefixOf(body),
    timeout: timeOf(request.query, 'timeout', 30_000),
    signal: request.signal,
  });
  const fields = outcomes.map((outcome) => {
    if ('error' in outcome) throw outcome.error;
    return outcome.fields;
  });
  return RESULTS[endpoint.task_type](fields, texts, body);
};

const prefixOf = ({ input_type }: InferBody): PrefixType =>
  input_type?.endsWith('search') === true ? 'search' : input_type?.endsWith('ingest') === true ? 'ingest' : undefined;

/** Answers of each task as Elasticsearch shapes them. */
const RESULTS: Readonly<
  Record<EndpointTask, (fields: readonly PlainObject[], texts: readonly string[], body: InferBody) => PlainObject>
> = {
  text_embedding: (fields) => ({
    text_embedding: fields.map(({ predicted_value }) => ({ embedding: predicted_value ?? null })),
  }),
  sparse_embedding: (fields) => ({
    sparse_embedding: fields.map(({ predicted_value, is_truncated }) => ({
      is_truncated: is_truncated === true,
      embedding: predicted_value ?? null,
    })),
  }),
  rerank: (fields, texts, { top_n, return_documents, task_settings }) => {
    const ranked = fields
      .map(({ predicted_value }, index) => ({ index, relevance_score: Number(predicted_value) }))
      .sort((a, b) => b.relevance_score - a.relevance_score)
      .slice(0, top_n);
    const whole = return_documents ?? task_settings?.return_documents ?? true;
    return { rerank: ranked.map((one) => ({ ...one, ...(whole && { text: texts[one.index]! }) })) };
  },
};
