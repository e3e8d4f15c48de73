import type { PlainObject } from '../core/json/values.ts';
import type { LocalInferenceOptions } from './inference-config.ts';
import type { Manifest } from './manifest-schema.ts';
import type { InferenceOutput } from './onnx/protocol.ts';
import { taskOf } from './tasks/table.ts';
import type { LongText } from './windows.ts';

/** The result fields of a task as Elasticsearch writes them; docs/reference/inference.md names the class behind each. */
export const resultFields = (
  text: string,
  { results, windows, truncated }: InferenceOutput,
  { task, asked, results_field }: LocalInferenceOptions,
  manifest: Manifest,
  longText: LongText,
): PlainObject => {
  const fields = taskOf(task).fields(results[task], asked, { text, results_field, manifest, windows, longText });
  return truncated ? { ...fields, is_truncated: true } : fields;
};
