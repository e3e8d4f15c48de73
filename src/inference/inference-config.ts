import { z } from 'zod';
import type { InferenceConfig } from '../core/inference.ts';
import { nearest } from '../core/nearest.ts';
import type { LocalTask, Manifest } from './manifest-schema.ts';
import { LOCAL_TASKS, taskOf } from './tasks/table.ts';
import type { AnyTask } from './tasks/task.ts';

export const TRUNCATIONS = ['first', 'second', 'none', 'balanced'] as const;
/** Which of one text or two is cut where they are too long together. */
export type Truncate = (typeof TRUNCATIONS)[number];

/** `tokenization` of any task, with what Elasticsearch lets a processor change: how long texts are cut. */
export const tokenization = z
  .partialRecord(
    z.enum(['bert', 'bert_ja', 'mpnet', 'roberta', 'xlm_roberta', 'deberta_v2']),
    z.strictObject({
      truncate: z.enum(TRUNCATIONS).optional(),
      span: z.number().int().min(-1).optional(),
    }),
  )
  .refine((tokenizers) => Object.keys(tokenizers).length === 1, 'one tokenizer, the one of the model')
  .optional();

const shared = z.object({ results_field: z.string().min(1).default('predicted_value'), tokenization });

/** What one inference step asks of a local model. */
export interface LocalInferenceOptions {
  readonly task: LocalTask;
  /** The task's own options, read. */
  readonly asked: unknown;
  readonly results_field: string;
  readonly truncate: Truncate;
  /** Tokens that neighbouring windows share; -1 where there is one window. */
  readonly span: number;
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

/** Names of inference endpoints' tasks for the same thing. */
const SAME: Readonly<Record<string, LocalTask>> = { sparse_embedding: 'text_expansion', rerank: 'text_similarity' };

/**
 * Reads an `inference_config`; without one, a model with a single task is asked for that.
 * @throws Error with what is wrong, for the place of the processor
 */
export const readInferenceConfig = (
  config: InferenceConfig | undefined,
  modelId: string,
  manifest: Manifest,
): LocalInferenceOptions => {
  const does = Object.keys(manifest.tasks) as LocalTask[];
  const names = Object.keys(config ?? {});
  if (names.length > 1) throw new Error(`inference_config must have one task only, not [${names.join(', ')}]`);
  const name = names[0] ?? (does.length === 1 ? does[0]! : manifest.task_type);
  if (name === undefined)
    throw new Error(
      `the model [${modelId}] does several tasks: say which in inference_config, one of [${does.join(', ')}]`,
    );
  const task = (Object.hasOwn(SAME, name) ? SAME[name] : name) as LocalTask;
  if (!LOCAL_TASKS.includes(task))
    throw new Error(
      `the task [${name}] is not one of a local model's [${LOCAL_TASKS.join(', ')}]${nearest(name, LOCAL_TASKS)}`,
    );
  if (!does.includes(task)) throw new Error(`the model [${modelId}] does not do [${task}], only [${does.join(', ')}]`);
  const { results_field, tokenization: cut, ...own } = (config?.[name] ?? {}) as Record<string, unknown>;
  const definition = taskOf(task);
  const common = parse(shared, { results_field, tokenization: cut }, task);
  const asked = definition.read(parse(definition.options, own, task), manifest);
  return {
    task,
    asked,
    results_field: common.results_field,
    ...readTokenization(common.tokenization, task, definition),
  };
};

const parse = <T>(schema: z.ZodType<T>, value: unknown, task: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim());
  throw new Error(`inference_config.${task}: ${mistakes.join('; ')}`);
};

/**
 * What becomes of a text that is too long.
 * @throws Error for what the task does not have
 */
export const readTokenization = (
  given: z.output<typeof tokenization>,
  task: string,
  { pairs, span: spans }: Pick<AnyTask, 'pairs' | 'span'> = { span: false },
): { readonly truncate: Truncate; readonly span: number } => {
  const { truncate = 'first', span = -1 } = Object.values(given ?? {})[0] ?? {};
  if (pairs === undefined && (truncate === 'second' || truncate === 'balanced'))
    throw new Error(`[${task}] takes one text: truncate can be first or none, not ${truncate}`);
  if (span === -1) return { truncate, span };
  if (!spans)
    throw new Error(
      `[${task}] does not support windowing long text sequences; configured span [${span}]; for the whole text set long_text on the model`,
    );
  if (truncate !== 'none') throw new Error(`[span] must not be provided when [truncate] is [${truncate}]`);
  return { truncate, span };
};
