import type { PlainObject } from '../../core/json/values.ts';

/** What the engine runs, by Elasticsearch's names, and the library's pipeline behind each. */
export const TASKS = {
  text_classification: 'text-classification',
  zero_shot_classification: 'zero-shot-classification',
  fill_mask: 'fill-mask',
} as const;
export type TransformersTask = keyof typeof TASKS;

/** What a worker thread gets to start with. */
export interface TransformersSettings {
  readonly folder: string;
  readonly task: TransformersTask;
  readonly dtype: string | undefined;
}

export interface TransformersRequest {
  readonly text: string;
  readonly options: TransformersOptions;
}

/** An `inference_config`, read. Which of them a task takes is said where they are read. */
export interface TransformersOptions {
  readonly results_field: string;
  readonly truncate: 'first' | 'none';
  /** -1 for all. */
  readonly num_top_classes: number;
  readonly classification_labels: readonly string[] | undefined;
  readonly labels: readonly string[];
  readonly multi_label: boolean;
  readonly hypothesis_template: string;
}

export interface TransformersOutput {
  readonly fields: PlainObject;
  readonly tokens: number;
}
