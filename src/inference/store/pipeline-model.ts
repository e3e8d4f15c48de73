import type { InferenceConfig } from '../../core/inference.ts';
import { DTYPES, type LocalModelOptions } from '../options.ts';
import { ModelStore, usable } from './store.ts';

/** A model of a pipeline file, with what the store knows about it where the file says nothing. */
export interface PipelineModel {
  readonly options: LocalModelOptions;
  readonly defaults: InferenceConfig | undefined;
}

/** @throws SluiceError */
export const fromStore = (options: LocalModelOptions): PipelineModel => {
  if (options.model_id === undefined) return { options, defaults: undefined };
  const { manifest } = usable(new ModelStore().find(options.model_id));
  const defaults = manifest.inference_config as InferenceConfig | undefined;
  if (options.engine !== 'transformers_js') return { options, defaults };
  return {
    options: {
      ...options,
      task_type: options.task_type ?? manifest.task_type,
      dtype: options.dtype ?? DTYPES.find((dtype) => dtype === manifest.source?.dtype),
    },
    defaults,
  };
};
