import { hash } from 'node:crypto';
import type { DiskResults } from '../disk/results.ts';
import { LocalModel } from '../local-model.ts';
import type { LocalTask } from '../manifest-schema.ts';
import { taskOf } from '../tasks/table.ts';
import { type OnnxDeploymentOptions, onnxDeployment } from './deployment.ts';
import type { Ask, InferenceOutput, InferenceRequest } from './protocol.ts';

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
    keyOf: ({ text, asks, truncate, span, longText }) =>
      `${sha256.slice(0, 16)} ${asksKey(asks)} ${truncate} ${span} ${JSON.stringify(longText)} ${hash('sha256', text, 'base64')}`,
    sizeOf: ({ results }) =>
      Object.entries(results).reduce((sum, [task, result]) => sum + taskOf(task as LocalTask).size(result), 200),
  });

/** Options of a hundred labels are not in the key of every text. */
const keys = new WeakMap<readonly Ask[], string>();
const asksKey = (asks: readonly Ask[]): string => {
  const known = keys.get(asks);
  if (known !== undefined) return known;
  const sorted = [...asks].sort((a, b) => (a.task < b.task ? -1 : 1));
  const key = hash('sha256', JSON.stringify(sorted), 'base64');
  keys.set(asks, key);
  return key;
};
