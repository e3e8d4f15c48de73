import { z } from 'zod';
import type { InferenceConfig } from '../core/inference.ts';
import { nearest } from '../core/nearest.ts';
import type { LocalTask } from './manifest.ts';

/** `tokenization` of any task, with what Elasticsearch lets a processor change: how long texts are cut. */
export const tokenization = z
  .partialRecord(
    z.enum(['bert', 'bert_ja', 'mpnet', 'roberta', 'xlm_roberta', 'deberta_v2']),
    z.strictObject({
      truncate: z.enum(['first', 'second', 'none']).optional(),
      span: z.number().int().optional(),
    }),
  )
  .refine((tokenizers) => Object.keys(tokenizers).length === 1, 'one tokenizer, the one of the model')
  .optional();

const shared = { results_field: z.string().min(1).default('predicted_value'), tokenization };

const TASKS = {
  ner: z.strictObject(shared),
  text_embedding: z.strictObject(shared),
} satisfies Record<LocalTask, z.ZodType>;

/** What one inference step asks of a local model. */
export interface LocalInferenceOptions {
  readonly task: LocalTask;
  readonly results_field: string;
  readonly truncate: 'first' | 'none';
}

/** An `inference_config` over the defaults of a model's `sluice.json`, where it says nothing else. */
export const withDefaults = (
  config: InferenceConfig | undefined,
  defaults: InferenceConfig | undefined,
): InferenceConfig | undefined => {
  if (defaults === undefined) return config;
  const names = Object.keys(config ?? defaults);
  if (config === undefined && names.length !== 1) return undefined;
  return Object.fromEntries(names.map((name) => [name, { ...defaults[name], ...config?.[name] }]));
};

/**
 * Reads an `inference_config`; without one, a model with a single task is asked for that.
 * @throws Error with what is wrong, for the place of the processor
 */
export const readInferenceConfig = (
  config: InferenceConfig | undefined,
  modelId: string,
  does: readonly LocalTask[],
): LocalInferenceOptions => {
  const names = Object.keys(config ?? {});
  if (names.length > 1) throw new Error(`inference_config must have one task only, not [${names.join(', ')}]`);
  const name = names[0] ?? (does.length === 1 ? does[0]! : undefined);
  if (name === undefined)
    throw new Error(
      `the model [${modelId}] does several tasks: say which in inference_config, one of [${does.join(', ')}]`,
    );
  if (!Object.hasOwn(TASKS, name))
    throw new Error(
      `the task [${name}] is not one of a local model's [${Object.keys(TASKS).join(', ')}]${nearest(name, Object.keys(TASKS))}`,
    );
  const task = name as LocalTask;
  if (!does.includes(task)) throw new Error(`the model [${modelId}] does not do [${task}], only [${does.join(', ')}]`);
  const parsed = TASKS[task].safeParse(config?.[name] ?? {});
  if (!parsed.success)
    throw new Error(
      `inference_config.${task}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ')}`,
    );
  return { task, results_field: parsed.data.results_field, truncate: readTokenization(parsed.data.tokenization, task) };
};

/**
 * What becomes of a text that is too long.
 * @throws Error for what a task on one text does not have
 */
export const readTokenization = (given: z.output<typeof tokenization>, task: string): 'first' | 'none' => {
  const options = Object.values(given ?? {})[0];
  if (options?.truncate === 'second')
    throw new Error(`[${task}] takes one text: truncate can be first or none, not second`);
  if (options?.span !== undefined && options.span !== -1)
    throw new Error(`[${task}] does not support span; for the whole text set long_text: sentences on the model`);
  return options?.truncate === 'none' ? 'none' : 'first';
};
