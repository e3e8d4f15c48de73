import type { estypes } from '@elastic/elasticsearch';
import {
  type ElasticsearchAnswer,
  type ElasticsearchConnection,
  ElasticsearchError,
} from '../../connections/elasticsearch/client.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { JsonValue, PlainObject } from '../../core/json/values.ts';
import type { ElasticsearchModelOptions } from '../options.ts';

/** One text's answer: result fields, or what was wrong with this text. */
export type TextAnswer = { readonly fields: PlainObject } | { readonly fault: string };

/** What a node of sluice says of itself with each answer: texts that wait or run, and how many run side by side. */
export interface NodeLoad {
  readonly pending: number;
  readonly allocations: number;
}
export const PENDING_HEADER = 'x-sluice-pending';
export const ALLOCATIONS_HEADER = 'x-sluice-allocations';

export interface Answers {
  readonly answers: readonly TextAnswer[];
  /** Undefined from a cluster. */
  readonly load: NodeLoad | undefined;
}

/** How texts are sent to one of the cluster's two inference interfaces. */
export interface InferenceApi {
  readonly name: string;
  /** @throws ElasticsearchError, or the transport's errors */
  infer(texts: readonly string[], config: InferenceConfig | undefined, signal: AbortSignal): Promise<Answers>;
  /** Asks whether the model is there; answers with the texts that its queue takes, where that is known. @throws as infer */
  probe(): Promise<number | undefined>;
}

type Options = ElasticsearchModelOptions['elasticsearch'];

/** `_ml/trained_models/<id>/_infer` or `_inference/<task>/<id>`, as the options say. */
export const inferenceApi = (connection: ElasticsearchConnection, options: Options): InferenceApi =>
  options.model_id === undefined
    ? endpointApi(connection, options.inference_id!, options)
    : trainedModelApi(connection, options.model_id, options);

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-ml-infer-trained-model */
const trainedModelApi = (
  connection: ElasticsearchConnection,
  modelId: string,
  { timeout, request_timeout }: Options,
): InferenceApi => ({
  name: modelId,
  probe: async () => {
    const path = `/_ml/trained_models/${encodeURIComponent(modelId)}`;
    const queues = async () => {
      const { body } = await connection.request({
        method: 'GET',
        path: `${path}/_stats`,
        query: { filter_path: 'count,trained_model_stats.deployment_stats' },
      });
      return queueCapacity(body as Partial<estypes.MlGetTrainedModelsStatsResponse>);
    };
    try {
      await connection.request({ method: 'GET', path, query: { filter_path: 'count' } });
    } catch (error) {
      if (!(error instanceof ElasticsearchError) || error.status !== 404) throw error;
      // The id of a deployment, which only the statistics know by its name.
      return queues();
    }
    // The model is there; how much its queue takes is good to know, and no more than that.
    return queues().catch(() => undefined);
  },
  infer: async (texts, config, signal) => {
    const request = {
      docs: texts.map((text) => ({ text_field: text })),
      ...(config && { inference_config: config }),
    } satisfies Pick<estypes.MlInferTrainedModelRequest, 'docs'>;
    const { body, headers } = await connection.request({
      method: 'POST',
      path: `/_ml/trained_models/${encodeURIComponent(modelId)}/_infer`,
      query: { timeout: `${timeout}ms` },
      body: request as unknown as PlainObject,
      signal,
      // The cluster must be the first to give up: its answer says why.
      timeout_ms: Math.max(request_timeout, timeout + 5000),
    });
    const results = (body as Partial<estypes.MlInferTrainedModelResponse>).inference_results;
    const answers = answersOf(results as readonly Record<string, unknown>[] | undefined, texts.length, (result) => {
      const fault = result.error ?? result.warning;
      return fault === undefined
        ? { fields: result as PlainObject }
        : { fault: typeof fault === 'string' ? fault : JSON.stringify(fault) };
    });
    return { answers, load: loadOf(headers) };
  },
});

const loadOf = (headers: ElasticsearchAnswer['headers']): NodeLoad | undefined => {
  const pending = Number(headers[PENDING_HEADER] ?? Number.NaN);
  const allocations = Number(headers[ALLOCATIONS_HEADER] ?? Number.NaN);
  return pending >= 0 && allocations >= 0 ? { pending, allocations } : undefined;
};

/** The smallest queue of a model's deployments: which of them a request reaches is the cluster's choice. */
const queueCapacity = ({ trained_model_stats = [] }: Partial<estypes.MlGetTrainedModelsStatsResponse>) => {
  const known = trained_model_stats.flatMap(({ deployment_stats }) => deployment_stats?.queue_capacity ?? []);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-inference-inference */
const endpointApi = (
  connection: ElasticsearchConnection,
  id: string,
  { task_type, timeout, request_timeout }: Options,
): InferenceApi => ({
  name: id,
  probe: async () => {
    await connection.request({
      method: 'GET',
      path: endpointPath(id, task_type),
      query: { filter_path: 'endpoints.inference_id' },
    });
    return undefined;
  },
  infer: async (texts, _config, signal) => {
    const request = { input: [...texts] } satisfies Pick<estypes.InferenceInferenceRequest, 'input'>;
    const { body } = await connection.request({
      method: 'POST',
      path: endpointPath(id, task_type),
      query: { timeout: `${timeout}ms` },
      body: request,
      signal,
      timeout_ms: Math.max(request_timeout, timeout + 5000),
    });
    const [task, results] =
      Object.entries(body as Record<string, unknown>).find(([, value]) => Array.isArray(value)) ?? [];
    const answers = answersOf(results as readonly Record<string, unknown>[] | undefined, texts.length, (result) => ({
      fields: endpointFields(task ?? '', result),
    }));
    return { answers, load: undefined };
  },
});

const endpointPath = (id: string, task: Options['task_type']): string =>
  `/_inference/${task === undefined ? '' : `${task}/`}${encodeURIComponent(id)}`;

/** The result fields that the inference processor writes for an endpoint of this task. */
const endpointFields = (task: string, result: Record<string, unknown>): PlainObject => {
  const value = task === 'completion' ? result.result : task === 'rerank' ? result.relevance_score : result.embedding;
  return { predicted_value: (value ?? null) as JsonValue, ...(result.is_truncated === true && { is_truncated: true }) };
};

const answersOf = (
  results: readonly Record<string, unknown>[] | undefined,
  count: number,
  read: (result: Record<string, unknown>) => TextAnswer,
): TextAnswer[] => {
  if (results?.length !== count)
    throw new ElasticsearchError(
      502,
      'inference_answer',
      `the cluster answered ${results?.length ?? 'no'} results for ${count} texts`,
    );
  return results.map(read);
};
