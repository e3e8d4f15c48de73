import type { InferenceConfig } from '../core/inference.ts';
import type { PlainObject } from '../core/json/values.ts';
import { type LocalInferenceOptions, readInferenceConfig, withDefaults } from './inference-config.ts';
import type { Manifest } from './manifest-schema.ts';
import type { Ask, InferenceOutput, InferenceRequest } from './onnx/protocol.ts';
import { resultFields } from './results.ts';
import { taskOf } from './tasks/table.ts';
import type { LongText } from './windows.ts';

/** Which of a model's `prefix_strings` comes before the texts. */
export type PrefixType = 'ingest' | 'search' | undefined;

/** A task of a model with its options, for any number of texts. */
export interface BoundTask {
  readonly options: LocalInferenceOptions;
  /** Steps with the same shape may go through the model together; undefined where a step goes alone. */
  readonly shape: string | undefined;
  request(text: string, asks?: readonly Ask[]): InferenceRequest;
  fields(text: string, output: InferenceOutput): PlainObject;
}

export interface BindOptions {
  readonly longText?: LongText;
  readonly prefix?: PrefixType;
}

/** @throws Error with what is wrong with the config */
export const bindTask = (
  manifest: Manifest,
  modelId: string,
  config: InferenceConfig | undefined,
  { longText = 'truncate', prefix }: BindOptions = {},
): BoundTask => {
  const options = readInferenceConfig(
    withDefaults(config, manifest.inference_config as InferenceConfig | undefined),
    modelId,
    manifest,
  );
  const definition = taskOf(options.task);
  if (longText !== 'truncate' && !definition.windows)
    throw new Error(`[${options.task}] knows only long_text: truncate; the model [${modelId}] has another`);
  const before = (definition.prefix && prefix && manifest.prefix_strings?.[prefix]) || '';
  const own: readonly Ask[] = [{ task: options.task, asked: options.asked }];
  const { truncate, span } = options;
  return {
    options,
    shape: definition.pairs === undefined ? `${truncate} ${span} ${before}` : undefined,
    request: (text, asks = own) => ({ text: `${before}${text}`, asks, truncate, span, longText }),
    fields: (text, output) => resultFields(text, shifted(output, before.length), options, manifest, longText),
  };
};

/** Positions count from the beginning of the text, not of what was put before it. */
const shifted = (output: InferenceOutput, by: number): InferenceOutput =>
  by === 0
    ? output
    : {
        ...output,
        windows: output.windows.map(({ start, end }) => ({
          start: Math.max(0, start - by),
          end: Math.max(0, end - by),
        })),
      };
