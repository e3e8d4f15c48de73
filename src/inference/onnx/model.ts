import { hash } from 'node:crypto';
import type { DiskResults } from '../disk/results.ts';
import { LocalModel } from '../local-model.ts';
import { type OnnxDeploymentOptions, onnxDeployment } from './deployment.ts';
import type { InferenceOutput, InferenceRequest } from './protocol.ts';

export interface OnnxModelOptions extends OnnxDeploymentOptions {
  /** Checksum of the graph. */
  readonly sha256: string;
  /** Bytes of results kept in memory. */
  readonly cache_size: number;
  readonly disk: DiskResults<InferenceOutput> | undefined;
}

export type OnnxModel = LocalModel<InferenceRequest, InferenceOutput>;

/** A model that ONNX Runtime runs, as pipelines use it. */
export const onnxModel = ({ sha256, cache_size, disk, ...options }: OnnxModelOptions): OnnxModel =>
  new LocalModel({
    deployment: onnxDeployment(options),
    cache_size,
    disk,
    keyOf: ({ text, tasks, truncate, longText }) =>
      `${sha256.slice(0, 16)} ${[...tasks].sort().join('+')} ${truncate} ${longText} ${hash('sha256', text, 'base64')}`,
    sizeOf: ({ entities, vectors }) =>
      200 + (entities?.length ?? 0) * 200 + (vectors?.reduce((sum, vector) => sum + vector.byteLength + 100, 0) ?? 0),
  });
