import type { InferenceConfig } from '../core/inference.ts';
import type { PlainObject } from '../core/json/values.ts';
import { readInferenceConfig, withDefaults } from './inference-config.ts';
import type { LocalTask, Manifest } from './manifest.ts';
import type { InferenceOutput, InferenceRequest } from './onnx/protocol.ts';
import { resultFields } from './results.ts';

/** A task of a model with its options, for any number of texts. */
export interface BoundTask {
  request(text: string): InferenceRequest;
  fields(text: string, output: InferenceOutput): PlainObject;
}

/** @throws Error with what is wrong with the config */
export const bindTask = (manifest: Manifest, modelId: string, config: InferenceConfig | undefined): BoundTask => {
  const { tasks, inference_config } = manifest;
  const asked = withDefaults(config, inference_config as InferenceConfig | undefined);
  const options = readInferenceConfig(asked, modelId, Object.keys(tasks) as LocalTask[]);
  return {
    request: (text) => ({ text, tasks: [options.task], truncate: options.truncate, longText: 'truncate' }),
    fields: (text, output) => resultFields(text, output, options, 'truncate'),
  };
};
