import type { PlainObject } from '../../core/json/values.ts';
import { LANG_IDENT } from '../../inference/lang_ident/protocol.ts';
import type { StoredModel } from '../../inference/store/store.ts';
import { sizeOf } from '../../inference/store/verify.ts';

/** A model as `GET _ml/trained_models` shows it. */
export const trainedModelConfig = (model: StoredModel): PlainObject => {
  const { id, version, manifest, problem } = model;
  const tasks = Object.keys(manifest?.tasks ?? {});
  const task = manifest?.task_type ?? tasks[0];
  const defaults = task === undefined ? {} : (manifest?.inference_config?.[task as never] ?? {});
  return {
    model_id: id,
    model_type: 'pytorch',
    created_by: manifest?.source?.from ?? 'sluice',
    ...(version !== undefined && { version }),
    ...(manifest?.description !== undefined && { description: manifest.description }),
    model_size_bytes: sizeOf(model),
    estimated_operations: 0,
    license_level: 'basic',
    tags: tasks,
    input: { field_names: ['text_field'] },
    ...(task !== undefined && {
      inference_config: {
        [task]: {
          results_field: 'predicted_value',
          ...(manifest?.labels !== undefined && { classification_labels: manifest.labels }),
          ...(manifest?.tasks.text_embedding !== undefined &&
            task === 'text_embedding' && { embedding_size: manifest.tasks.text_embedding.dims }),
          ...defaults,
        },
      },
    }),
    ...(manifest?.prefix_strings !== undefined && { prefix_strings: manifest.prefix_strings }),
    fully_defined: problem === undefined,
  } as PlainObject;
};

/** The built-in model for languages, which can be neither stopped nor deleted. */
export const LANGUAGE_CONFIG: PlainObject = {
  model_id: LANG_IDENT,
  model_type: 'lang_ident',
  created_by: 'sluice',
  description: 'Names the language of a text: CLD3.',
  // Of the module that holds the network.
  model_size_bytes: 1_000_000,
  estimated_operations: 0,
  license_level: 'basic',
  tags: ['lang_ident', 'prepackaged'],
  input: { field_names: ['text'] },
  inference_config: {
    classification: { num_top_classes: 0, results_field: 'predicted_value', top_classes_results_field: 'top_classes' },
  },
  fully_defined: true,
};
