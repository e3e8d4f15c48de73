import { Deployment, type DeploymentOptions } from '../deployment.ts';
import type { ModelFiles } from '../manifest.ts';
import { scriptBeside } from '../script.ts';
import type { DoneWith } from '../text-request.ts';
import type { InferenceOutput, InferenceRequest, WorkerSettings } from './protocol.ts';
import type { ExecutionProvider } from './provider.ts';

export interface OnnxDeploymentOptions extends Omit<DeploymentOptions, 'threads'> {
  readonly model: ModelFiles;
  /** Threads of each allocation's own ONNX Runtime session. */
  readonly threads_per_allocation: number;
  readonly execution_provider?: ExecutionProvider | undefined;
  /** True where its threads take only the time that others leave. */
  readonly low_priority?: boolean | undefined;
}

export type OnnxDeployment = Deployment<InferenceRequest, InferenceOutput>;
export type InferenceDone = DoneWith<InferenceOutput>;

/** One request runs and the next one is there already, so that a worker never waits for the main thread. */
const PREFETCH = 2;
/** Models that gain from batches of short texts see more of the queue. */
const PREFETCH_BATCHING = 16;

/** A deployment whose allocations run the model's graph in ONNX Runtime. */
export const onnxDeployment = ({
  model,
  threads_per_allocation,
  execution_provider: provider = 'cpu',
  low_priority: low = false,
  ...options
}: OnnxDeploymentOptions): OnnxDeployment => {
  const { folder, manifest } = model;
  return new Deployment({
    ...options,
    threads: {
      id: manifest.id,
      folder,
      script: scriptBeside(import.meta.url, 'worker'),
      settings: { model, threads: threads_per_allocation, provider, low } satisfies WorkerSettings,
      prefetch: manifest.batching === 'equal_length' ? PREFETCH_BATCHING : PREFETCH,
    },
  });
};
