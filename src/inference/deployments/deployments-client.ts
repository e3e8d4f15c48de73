import { ProcessorError } from '../../core/errors.ts';
import type { InferenceClient, InferenceConfig, InferenceStep } from '../../core/inference.ts';
import { Refusal } from '../../core/refusal.ts';
import type { BoundTask } from '../bound-task.ts';
import type { BoundEngine } from '../client.ts';
import { inferFor } from '../infer-for.ts';
import type { Deployments } from './deployments.ts';
import type { ServedDeployment } from './served-deployment.ts';

/** What an inference endpoint's name means. */
export interface NamedTask {
  readonly deployment: string;
  readonly config: InferenceConfig;
}

/**
 * The models of a server's pipelines: found by name when a document comes, since they may be started, stopped and
 * exchanged after the pipeline was put, as in Elasticsearch.
 */
export const deploymentsClient = (
  deployments: () => Deployments,
  named: (name: string) => NamedTask | undefined = () => undefined,
  builtIn: ReadonlyMap<string, BoundEngine> = new Map(),
): InferenceClient => ({
  bind: (modelId, asked): InferenceStep => {
    const engine = builtIn.get(modelId);
    if (engine !== undefined) return engine.bind(asked);
    let bound: { readonly deployment: ServedDeployment; readonly folder: string; readonly task: BoundTask } | undefined;
    const taskFor = (deployment: ServedDeployment, config: InferenceConfig | undefined): BoundTask => {
      const { folder } = deployment.deployable.files;
      if (bound?.deployment !== deployment || bound.folder !== folder)
        bound = { deployment, folder, task: deployments().bind(deployment, config, 'ingest') };
      return bound.task;
    };
    return {
      infer: (document, text, done) => {
        try {
          const endpoint = named(modelId);
          const deployment = deployments().pick(endpoint?.deployment ?? modelId);
          const task = taskFor(deployment, asked ?? endpoint?.config);
          inferFor(document, deployment.model, task.request(text), (error, output) =>
            output === undefined
              ? done(error ?? new Error('the model answered nothing'))
              : done(undefined, task.fields(text, output)),
          );
        } catch (error) {
          done(error instanceof Refusal ? new ProcessorError(error.type, error.message) : (error as Error));
        }
      },
    };
  },
});
