import { z } from 'zod';
import type { InferenceConfig } from '../../core/inference.ts';
import { nearest } from '../../core/nearest.ts';
import { readTokenization, tokenization } from '../inference-config.ts';
import { TASKS, type TransformersOptions, type TransformersTask } from './protocol.ts';

const shared = { results_field: z.string().min(1).default('predicted_value'), tokenization };
const classes = (count: number) => z.number().int().min(-1).default(count);

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-ml-put-trained-model, inference_config */
const OPTIONS = {
  text_classification: z.strictObject({
    ...shared,
    num_top_classes: classes(0),
    classification_labels: z.array(z.string()).min(1).optional(),
  }),
  zero_shot_classification: z.strictObject({
    ...shared,
    labels: z.array(z.string()).min(1),
    multi_label: z.boolean().default(false),
    hypothesis_template: z.string().includes('{}').default('This example is {}.'),
  }),
  fill_mask: z.strictObject({ ...shared, num_top_classes: classes(5) }),
} satisfies Record<TransformersTask, z.ZodType>;

/**
 * Reads an `inference_config`; without one the model's own task is meant.
 * @throws Error with what is wrong, for the place of the processor
 */
export const readTransformersConfig = (
  config: InferenceConfig | undefined,
  task: TransformersTask,
): TransformersOptions => {
  const names = Object.keys(config ?? {});
  if (names.length > 1) throw new Error(`inference_config must have one task only, not [${names.join(', ')}]`);
  const name = names[0] ?? task;
  if (!Object.hasOwn(TASKS, name))
    throw new Error(`transformers_js does not run [${name}]${nearest(name, Object.keys(TASKS))}`);
  if (name !== task) throw new Error(`the model's task_type is [${task}], not [${name}]`);
  const parsed = OPTIONS[task].safeParse(config?.[name] ?? {});
  if (!parsed.success)
    throw new Error(
      `inference_config.${task}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ')}`,
    );
  const { results_field, tokenization: how, ...own } = parsed.data;
  return {
    results_field,
    truncate: readTokenization(how, task).truncate === 'none' ? 'none' : 'first',
    num_top_classes: -1,
    classification_labels: undefined,
    labels: [],
    multi_label: false,
    hypothesis_template: '',
    ...own,
  };
};
