import { z } from 'zod';
import type { InferenceConfig } from '../../core/inference.ts';
import { Refusal } from '../../core/refusal.ts';
import { chunkingSettings } from '../../inference/chunking.ts';
import type { Deployments } from '../../inference/deployments/deployments.ts';
import { adaptiveAllocations, deploymentOptions } from '../../inference/deployments/options.ts';
import type { StateFile } from './state-file.ts';

/** Tasks of inference endpoints that a model here can do, and the task of the model behind each. */
export const ENDPOINT_TASKS = {
  text_embedding: 'text_embedding',
  sparse_embedding: 'text_expansion',
  rerank: 'text_similarity',
} as const;
export type EndpointTask = keyof typeof ENDPOINT_TASKS;

/** Elasticsearch's own, by which clients put endpoints of trained models, and `sluice`: surely here. */
export const SERVICES = ['elasticsearch', 'elser', 'sluice'] as const;

const settings = z.strictObject({
  model_id: z.string().min(1).optional(),
  deployment_id: z.string().min(1).optional(),
  num_allocations: z.number().int().min(1).max(256).optional(),
  num_threads: z.number().int().min(1).max(32).default(1),
  adaptive_allocations: adaptiveAllocations.optional(),
});

export const endpointBody = z.strictObject({
  service: z.enum(SERVICES),
  service_settings: settings.refine(
    ({ model_id, deployment_id }) => model_id !== undefined || deployment_id !== undefined,
    '[service_settings] does not contain the required setting [model_id]',
  ),
  task_settings: z.strictObject({ return_documents: z.boolean().optional() }).optional(),
  chunking_settings: chunkingSettings.optional(),
});

export const endpointSchema = z.strictObject({
  inference_id: z.string(),
  task_type: z.enum(Object.keys(ENDPOINT_TASKS) as [EndpointTask, ...EndpointTask[]]),
  ...endpointBody.shape,
});
export type Endpoint = z.output<typeof endpointSchema>;
export const endpointsSchema = z.array(endpointSchema);

/** `_inference`: a task of a model under a name, as Elasticsearch's `elasticsearch` service has it. */
export class Endpoints {
  readonly #deployments: Deployments;
  readonly #state: StateFile<Endpoint[]> | undefined;
  readonly #all = new Map<string, Endpoint>();

  /** @throws SluiceError SLUICE_STATE */
  constructor(deployments: Deployments, state: StateFile<Endpoint[]> | undefined) {
    this.#deployments = deployments;
    this.#state = state;
    for (const endpoint of state?.read() ?? []) this.#all.set(endpoint.inference_id, endpoint);
  }

  get list(): readonly Endpoint[] {
    return [...this.#all.values()];
  }

  get(inference_id: string): Endpoint | undefined {
    return this.#all.get(inference_id);
  }

  /** Starts the model where it does not run yet. @throws Refusal 400, 404 */
  async put(inference_id: string, task_type: EndpointTask, raw: unknown): Promise<Endpoint> {
    const parsed = endpointBody.safeParse(raw);
    if (!parsed.success) {
      const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
      throw new Refusal(400, 'status_exception', path.length === 0 ? message : `[${path.join('.')}] ${message}`);
    }
    if (this.#all.has(inference_id))
      throw new Refusal(
        400,
        'resource_already_exists_exception',
        `Inference endpoint [${inference_id}] already exists`,
      );
    const endpoint: Endpoint = { inference_id, task_type, ...parsed.data };
    const { model_id, deployment_id, num_allocations, num_threads, adaptive_allocations } = endpoint.service_settings;
    const name = deployment_id ?? inference_id;
    if (this.#deployments.get(name) === undefined)
      await this.#deployments.start(
        deploymentOptions.parse({
          model_id: model_id ?? deployment_id,
          deployment_id: name,
          ...(adaptive_allocations === undefined && { number_of_allocations: num_allocations ?? 1 }),
          threads_per_allocation: num_threads,
          ...(adaptive_allocations && { adaptive_allocations }),
        }),
        'started',
        60_000,
      );
    try {
      this.bind(endpoint);
    } catch (error) {
      if (deployment_id === undefined) await this.#deployments.stop(name);
      throw error;
    }
    this.#all.set(inference_id, endpoint);
    this.#keep();
    return endpoint;
  }

  async delete(inference_id: string): Promise<void> {
    const endpoint = this.#all.get(inference_id);
    if (endpoint === undefined) throw missing(inference_id);
    this.#all.delete(inference_id);
    this.#keep();
    // One of somebody else's is left to run.
    const own = endpoint.service_settings.deployment_id === undefined;
    if (own && this.#deployments.get(inference_id) !== undefined) await this.#deployments.stop(inference_id);
  }

  /** @throws Refusal 400 where the model does not do the task */
  bind(endpoint: Endpoint): void {
    const deployment = this.#deployments.pick(this.deploymentOf(endpoint));
    this.#deployments.bind(deployment, configOf(endpoint.task_type, 'query'));
  }

  /** What the name of an endpoint means in a pipeline. */
  meaning(name: string): { readonly deployment: string; readonly config: InferenceConfig } | undefined {
    const endpoint = this.#all.get(name);
    return endpoint && { deployment: this.deploymentOf(endpoint), config: configOf(endpoint.task_type, '') };
  }

  deploymentOf({ inference_id, service_settings: { deployment_id } }: Endpoint): string {
    return deployment_id ?? inference_id;
  }

  #keep(): void {
    this.#state?.write(this.list as Endpoint[]);
  }
}

export const missing = (inference_id: string): Refusal =>
  new Refusal(404, 'resource_not_found_exception', `Inference endpoint not found [${inference_id}]`);

/** What a model is asked for a task of an endpoint. */
export const configOf = (task: EndpointTask, query: string): InferenceConfig => ({
  [ENDPOINT_TASKS[task]]: task === 'rerank' ? { text: query } : {},
});
