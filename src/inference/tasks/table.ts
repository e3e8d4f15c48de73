import { fillMask } from './fill-mask.ts';
import { ner } from './ner.ts';
import { passThrough } from './pass-through.ts';
import { questionAnswering } from './question-answering.ts';
import type { AnyTask } from './task.ts';
import { textClassification } from './text-classification.ts';
import { textEmbedding } from './text-embedding.ts';
import { textExpansion } from './text-expansion.ts';
import { textSimilarity } from './text-similarity.ts';
import { zeroShotClassification } from './zero-shot-classification.ts';

/** Every task that runs in the worker, by Elasticsearch's names. */
export const TASKS = {
  ner,
  text_embedding: textEmbedding,
  text_classification: textClassification,
  zero_shot_classification: zeroShotClassification,
  fill_mask: fillMask,
  question_answering: questionAnswering,
  text_similarity: textSimilarity,
  text_expansion: textExpansion,
  pass_through: passThrough,
};
export type LocalTask = keyof typeof TASKS;
export const LOCAL_TASKS = Object.keys(TASKS) as [LocalTask, ...LocalTask[]];

export const taskOf = (name: LocalTask): AnyTask => TASKS[name];
