import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, SluiceError } from '../core/errors.ts';
import { type Manifest, type ModelTask, manifestSchema } from './manifest-schema.ts';
import type { EmbeddingGraph, POOLINGS } from './tasks/text-embedding.ts';

/** What a pipeline file may say about a model whose folder has no `sluice.json`. */
export interface ModelHints {
  readonly file?: string | undefined;
  readonly pooling?: (typeof POOLINGS)[number] | undefined;
  readonly normalize?: boolean | undefined;
  /** In place of what the files say. */
  readonly task_type?: ModelTask | undefined;
  readonly dimensions?: number | undefined;
  readonly element_type?: EmbeddingGraph['element_type'] | undefined;
}

const hfConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  hidden_size: z.number().optional(),
  dim: z.number().optional(),
  max_position_embeddings: z.number().default(512),
  model_type: z.string().optional(),
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z.string().nullish(),
});
type HfConfig = z.output<typeof hfConfig>;

const DEFAULT_GRAPHS = ['onnx/model_quantized.onnx', 'onnx/model.onnx', 'model.onnx'];

/** Tables of positions that begin behind the padding's: two of them are none. */
const OFFSET_POSITIONS = /^(roberta|xlm-roberta|camembert|mpnet|longformer)$/;

/** Without a manifest the files of the Hugging Face layout decide. @throws SluiceError SLUICE_MODEL_INVALID */
export const deriveManifest = (folder: string, hints: ModelHints): Manifest => {
  const config = readConfig(folder);
  const tokenizer = tokenizerConfig(folder);
  const positions = config.max_position_embeddings - (OFFSET_POSITIONS.test(config.model_type ?? '') ? 2 : 0);
  const length = Math.min(positions, tokenizer.model_max_length ?? positions);
  const graph = hints.file ?? DEFAULT_GRAPHS.find((file) => existsSync(join(folder, file))) ?? DEFAULT_GRAPHS[0]!;
  const { id2label } = config;
  return manifestSchema.parse({
    id: basename(folder),
    graph,
    max_sequence_length: length,
    window: Math.min(128, length),
    ...(id2label && { labels: Object.keys(id2label).map((_, index) => id2label[String(index)]) }),
    tasks: deriveTasks(folder, hints.task_type ?? taskOf(folder, config), hints, config),
  });
};

/** What the graph of a task's usual export gives. @throws SluiceError SLUICE_MODEL_INVALID */
export const deriveTasks = (
  folder: string,
  task: ModelTask,
  hints: ModelHints,
  config: HfConfig = readConfig(folder),
): Record<string, unknown> => {
  const output = 'logits';
  const mask_token = tokenizerConfig(folder).mask_token ?? '[MASK]';
  switch (task) {
    case 'text_embedding':
      return { text_embedding: embeddingGraph(folder, hints, config) };
    case 'text_classification':
      return {
        text_classification: {
          output,
          activation: config.problem_type === 'multi_label_classification' ? 'sigmoid' : 'softmax',
        },
      };
    case 'zero_shot_classification':
      return { zero_shot_classification: { output }, text_classification: { output } };
    case 'fill_mask':
      return { fill_mask: { output, mask_token } };
    case 'question_answering':
      return { question_answering: {} };
    case 'text_expansion':
      return { text_expansion: { output, expansion_type: 'splade' } };
    default:
      return { [task]: { output } };
  }
};

const embeddingGraph = (folder: string, hints: ModelHints, { hidden_size, dim }: HfConfig): object => {
  const dims = hidden_size ?? dim;
  if (dims === undefined) throw invalid(join(folder, 'config.json'), 'hidden_size is missing');
  return {
    output: 'last_hidden_state',
    pooling: hints.pooling ?? poolingOf(folder),
    normalize: hints.normalize ?? true,
    dims,
  };
};

/** What the head of a model's class is for. */
const BY_ARCHITECTURE: readonly (readonly [string, ModelTask])[] = [
  ['ForTokenClassification', 'ner'],
  ['ForSequenceClassification', 'text_classification'],
  ['ForMaskedLM', 'fill_mask'],
  ['ForQuestionAnswering', 'question_answering'],
];

/** @throws SluiceError SLUICE_MODEL_INVALID */
export const taskOf = (folder: string, { architectures, id2label }: HfConfig = readConfig(folder)): ModelTask => {
  // Models of sentence vectors often keep the class that they were trained from.
  if (existsSync(join(folder, '1_Pooling/config.json'))) return 'text_embedding';
  if (existsSync(join(folder, '1_SpladePooling/config.json'))) return 'text_expansion';
  const head = BY_ARCHITECTURE.find(([ending]) => architectures?.some((name) => name.endsWith(ending)))?.[1];
  if (head !== 'text_classification') return head ?? 'text_embedding';
  const labels = Object.values(id2label ?? {});
  // A cross-encoder scores a pair by one number.
  if (labels.length === 1) return 'text_similarity';
  return labels.some((label) => /^entailment$/i.test(label)) ? 'zero_shot_classification' : 'text_classification';
};

/** As sentence-transformers keeps it; mean where it says nothing. */
const poolingOf = (folder: string): (typeof POOLINGS)[number] => {
  const path = join(folder, '1_Pooling/config.json');
  if (!existsSync(path)) return 'mean';
  const config = readJsonFile(path) as Record<string, unknown>;
  if (config.pooling_mode_cls_token === true) return 'cls';
  if (config.pooling_mode_lasttoken === true) return 'last';
  return config.pooling_mode_max_tokens === true ? 'max' : 'mean';
};

const readConfig = (folder: string): HfConfig => {
  const path = join(folder, 'config.json');
  const parsed = hfConfig.safeParse(readJsonFile(path));
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error));
  return parsed.data;
};

const tokenizerConfig = (folder: string): { readonly model_max_length?: number; readonly mask_token?: string } => {
  const path = join(folder, 'tokenizer_config.json');
  if (!existsSync(path)) return {};
  const { model_max_length, mask_token } = readJsonFile(path) as Record<string, unknown>;
  // Older files hold a token as an object.
  const mask = typeof mask_token === 'object' ? (mask_token as { content?: unknown } | null)?.content : mask_token;
  return {
    ...(typeof model_max_length === 'number' && { model_max_length }),
    ...(typeof mask === 'string' && { mask_token: mask }),
  };
};

export const readJsonFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalid(path, `not a JSON file: ${messageOf(error)}`, error);
  }
};

export const invalid = (place: string, why: string, cause?: unknown): SluiceError =>
  new SluiceError('SLUICE_MODEL_INVALID', why, { place, cause });
