import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { taskOf } from '../derive-manifest.ts';
import type { ModelTask } from '../manifest-schema.ts';

const BY_HUB: Readonly<Record<string, ModelTask>> = {
  'token-classification': 'ner',
  'feature-extraction': 'text_embedding',
  'sentence-similarity': 'text_embedding',
  'text-classification': 'text_classification',
  'zero-shot-classification': 'zero_shot_classification',
  'fill-mask': 'fill_mask',
  'question-answering': 'question_answering',
  'text-ranking': 'text_similarity',
};

const CLASSIFIERS: readonly ModelTask[] = ['ner', 'text_classification', 'zero_shot_classification'];
/** What a hub's tag cannot know better than the model's own files. */
const OWN: readonly ModelTask[] = ['text_embedding', 'text_expansion', 'text_similarity'];

const configSchema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  label2id: z.record(z.string(), z.union([z.number(), z.string()])).nullish(),
});

/**
 * What a model does, by what its files say; `pipeline_tag` is what the hub says.
 * @throws SluiceError SLUICE_MODEL_INVALID where its labels do not fit each other
 */
export const taskOfFolder = (folder: string, pipeline_tag: string | undefined): ModelTask => {
  const path = join(folder, 'config.json');
  let config: z.output<typeof configSchema>;
  try {
    config = configSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SluiceError('SLUICE_MODEL_INVALID', `not a model's config.json: ${messageOf(error)}`, { place: path });
  }
  const own = taskOf(folder);
  const tag = pipeline_tag === undefined ? undefined : BY_HUB[pipeline_tag];
  // Without a class of its own, a model is what the hub says.
  const task = OWN.includes(own) && (tag === undefined || isOwn(folder, own, config)) ? own : (tag ?? own);
  if (CLASSIFIERS.includes(task)) checkLabels(config, path);
  return task;
};

const isOwn = (folder: string, task: ModelTask, { architectures }: z.output<typeof configSchema>): boolean =>
  task !== 'text_embedding' ||
  existsSync(join(folder, '1_Pooling/config.json')) ||
  architectures?.some((name) => name.endsWith('Model')) === true;

/** Names of classes stand at the index of their logit: one that is missing moves all others. */
const checkLabels = ({ id2label, label2id }: z.output<typeof configSchema>, place: string): void => {
  const invalid = (why: string) =>
    new SluiceError('SLUICE_MODEL_INVALID', `the labels in config.json do not fit: ${why}`, {
      place,
      hint: 'id2label must name every class, from "0" on. Mend the file and take the folder in with `sluice models import`.',
    });
  const ids = Object.keys(id2label ?? {});
  if (id2label === undefined || id2label === null || ids.length === 0) throw invalid('id2label is missing');
  const gap = ids.findIndex((_, index) => id2label[String(index)] === undefined);
  if (gap >= 0) throw invalid(`id2label has ${ids.length} entries, and none for "${gap}"`);
  for (const [label, id] of Object.entries(label2id ?? {}))
    if (id2label[String(id)] !== label)
      throw invalid(`label2id says that [${label}] is ${id}, and id2label says [${id2label[String(id)] ?? 'nothing'}]`);
};
