import type {
  FillMaskPipeline,
  TextClassificationPipeline,
  ZeroShotClassificationOutput,
  ZeroShotClassificationPipeline,
} from '@huggingface/transformers';
import type { PlainObject } from '../../core/json/values.ts';
import { classificationFields, type ScoredClass } from '../tasks/classes.ts';
import { TextFault } from '../tasks/task.ts';
import type { TransformersOptions, TransformersTask } from './protocol.ts';

export type TaskPipeline = TextClassificationPipeline | ZeroShotClassificationPipeline | FillMaskPipeline;

interface Labelled {
  readonly label: string;
  readonly score: number;
}

/** Runs one text through the library's pipeline; answers with Elasticsearch's result fields. */
export const runTask = (
  task: TransformersTask,
  pipeline: TaskPipeline,
  text: string,
  options: TransformersOptions,
): Promise<PlainObject> => RUN[task](pipeline as never, text, options);

const textClassification = async (
  pipeline: TextClassificationPipeline,
  text: string,
  options: TransformersOptions,
): Promise<PlainObject> => {
  const own = labelsOf(pipeline);
  const { classification_labels: given, num_top_classes } = options;
  if (given !== undefined && given.length !== own.length)
    throw new TextFault(`the model has ${own.length} classes, and classification_labels names ${given.length}`);
  const answers = (await pipeline(text, { top_k: own.length })) as Labelled[];
  const ranked = answers.map(
    ({ label, score }): ScoredClass => ({ name: given?.[own.indexOf(label)] ?? label, probability: score }),
  );
  return classificationFields(ranked, options, num_top_classes);
};

const labelsOf = (pipeline: TextClassificationPipeline): string[] =>
  Object.values((pipeline.model.config as unknown as { id2label?: Record<string, string> }).id2label ?? {});

const zeroShotClassification = async (
  pipeline: ZeroShotClassificationPipeline,
  text: string,
  options: TransformersOptions,
): Promise<PlainObject> => {
  const { labels, multi_label, hypothesis_template } = options;
  const answer = (await pipeline(text, [...labels], {
    multi_label,
    hypothesis_template,
  })) as ZeroShotClassificationOutput;
  const ranked = answer.labels.map((name, index): ScoredClass => ({ name, probability: answer.scores[index]! }));
  return classificationFields(ranked, options, -1);
};

const fillMask = async (
  pipeline: FillMaskPipeline,
  text: string,
  options: TransformersOptions,
): Promise<PlainObject> => {
  const mask = pipeline.tokenizer.mask_token ?? '[MASK]';
  const count = text.split(mask).length - 1;
  if (count === 0) throw new TextFault(`no ${mask} token could be found in the input`);
  if (count > 1) throw new TextFault(`only one ${mask} token should exist in the input`);
  const { num_top_classes, results_field } = options;
  // All of a vocabulary is asked for by -1 only; the best one is always needed.
  const top_k = num_top_classes < 0 ? Number.MAX_SAFE_INTEGER : Math.max(1, num_top_classes);
  const answers = (await pipeline(text, { top_k })) as { token_str: string; score: number }[];
  const ranked = answers.map(({ token_str, score }): ScoredClass => ({ name: token_str, probability: score }));
  return {
    ...classificationFields(ranked, options, num_top_classes),
    [`${results_field}_sequence`]: text.replace(mask, () => ranked[0]!.name),
  };
};

const RUN = {
  text_classification: textClassification,
  zero_shot_classification: zeroShotClassification,
  fill_mask: fillMask,
};
