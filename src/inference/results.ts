import type { PlainObject } from '../core/json/values.ts';
import type { LocalInferenceOptions } from './inference-config.ts';
import type { InferenceOutput } from './onnx/protocol.ts';
import { annotate } from './tasks/ner.ts';
import { toNumbers } from './tasks/text-embedding.ts';
import type { LongText } from './windows.ts';

/**
 * The result fields of a task as Elasticsearch writes them (docs/reference/inference.md names the class behind each);
 * with `long_text: sentences` a vector becomes one object for each window, for a nested mapping.
 */
export const resultFields = (
  text: string,
  output: InferenceOutput,
  { task, results_field }: LocalInferenceOptions,
  longText: LongText,
): PlainObject => {
  const fields: PlainObject = {};
  if (task === 'ner') {
    const entities = output.entities ?? [];
    fields[results_field] = annotate(text, entities);
    fields.entities = entities.map((entity) => ({ ...entity }));
  } else {
    const vectors = output.vectors ?? [];
    fields[results_field] =
      longText === 'sentences'
        ? vectors.map((vector, index) => ({
            text_start: output.windows[index]!.start,
            text_end: output.windows[index]!.end,
            embedding: toNumbers(vector),
          }))
        : toNumbers(vectors[0]!);
  }
  if (output.truncated) fields.is_truncated = true;
  return fields;
};
