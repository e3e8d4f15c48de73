import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { messageOf, SluiceError } from '../core/errors.ts';

export const POOLINGS = ['none', 'mean', 'cls'] as const;

const taskOutputs = {
  ner: z.strictObject({
    output: z.string().describe('Graph output [batch, sequence, labels].'),
    aggregation: z
      .enum(['average', 'first'])
      .default('average')
      .describe('How the pieces of a word agree on its label: their average, as in Elasticsearch, or the first piece.'),
  }),
  text_embedding: z.strictObject({
    output: z.string().describe('Graph output [batch, dims], or [batch, sequence, dims] with a pooling.'),
    pooling: z.enum(POOLINGS).default('none').describe('none where the graph pools itself.'),
    normalize: z.boolean().default(false).describe('L2-normalise after pooling; false where the graph does.'),
    dims: z.number().int().positive(),
    similarity: z.enum(['cosine', 'dot_product', 'l2_norm', 'max_inner_product']).default('cosine'),
  }),
};

/** What a model does, by Elasticsearch's names. */
export const MODEL_TASKS = [
  'ner',
  'text_embedding',
  'text_classification',
  'zero_shot_classification',
  'fill_mask',
] as const;
export type ModelTask = (typeof MODEL_TASKS)[number];

const modelSource = z.strictObject({
  kind: z.enum(['hugging_face', 'url', 'folder']),
  from: z.string().describe('Repository, address or folder.'),
  requested: z.string().optional().describe('The revision that was asked for, e.g. main.'),
  revision: z.string().optional().describe('The commit that it was.'),
  dtype: z.string().optional().describe('Which weights were taken.'),
});
export type ModelSource = z.output<typeof modelSource>;

/** `sluice.json` in a model's folder: what the files are, and what the graph's outputs mean. */
export const manifestSchema = z.strictObject({
  id: z.string(),
  license: z.string().optional(),
  description: z.string().optional(),
  graph: z.string().default('onnx/model.onnx'),
  sha256: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).default({}),
  tasks: z.strictObject({ ner: taskOutputs.ner.optional(), text_embedding: taskOutputs.text_embedding.optional() }),
  labels: z.array(z.string()).optional().describe('Class names in the order of the logits.'),
  max_sequence_length: z.number().int().min(3).default(512).describe('Tokens the model takes, special ones included.'),
  window: z
    .number()
    .int()
    .min(3)
    .default(128)
    .describe('Tokens of a window of `long_text: sentences`, special ones included.'),
  batching: z.enum(['none', 'equal_length']).default('none'),
  batch_invariant: z.boolean().default(false).describe("True when a text's result does not depend on its batch-mates."),
  task_type: z.enum(MODEL_TASKS).optional().describe('Where transformers_js runs the model: its task.'),
  inference_config: z
    .partialRecord(z.enum(MODEL_TASKS), z.record(z.string(), z.unknown()))
    .optional()
    .describe('Defaults of the inference processor, by task.'),
  version: z.string().optional().describe('In the model store: its version there.'),
  source: modelSource.optional().describe('In the model store: where it came from.'),
  size: z.record(z.string(), z.number().int().min(0)).optional().describe('In the model store: bytes of each file.'),
});

export type Manifest = z.output<typeof manifestSchema>;
export type LocalTask = keyof Manifest['tasks'];

/** A model's folder, looked at but not loaded. */
export interface ModelFiles {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What a pipeline file may say about a model whose folder has no `sluice.json`. */
export interface ModelHints {
  readonly file?: string | undefined;
  readonly pooling?: (typeof POOLINGS)[number] | undefined;
  readonly normalize?: boolean | undefined;
}

const DEFAULT_GRAPHS = ['onnx/model_quantized.onnx', 'onnx/model.onnx', 'model.onnx'];

/**
 * Reads what a model's folder says about itself: `sluice.json`, or the files of the Hugging Face layout.
 * @throws SluiceError SLUICE_MODEL_MISSING, SLUICE_MODEL_INVALID
 */
export const readModel = (folder: string, hints: ModelHints = {}): ModelFiles => {
  checkModelFolder(folder);
  const own = join(folder, 'sluice.json');
  const manifest = existsSync(own) ? parseManifest(own) : deriveManifest(folder, hints);
  const graph = hints.file ?? manifest.graph;
  if (!existsSync(join(folder, graph))) throw missing(folder, `${graph} is missing`);
  return { folder, manifest: { ...manifest, graph } };
};

/** @throws SluiceError SLUICE_MODEL_MISSING where a folder has not what every engine needs */
export const checkModelFolder = (folder: string): void => {
  if (!existsSync(folder)) throw missing(folder, 'the folder does not exist');
  for (const file of ['config.json', 'tokenizer.json'])
    if (!existsSync(join(folder, file))) throw missing(folder, `${file} is missing`);
};

const missing = (folder: string, why: string) =>
  new SluiceError('SLUICE_MODEL_MISSING', `the model cannot be loaded: ${why}`, {
    place: folder,
    hint: 'A model is a folder in the Hugging Face layout: config.json, tokenizer.json and onnx/*.onnx.',
  });

const invalid = (place: string, why: string, cause?: unknown) =>
  new SluiceError('SLUICE_MODEL_INVALID', why, { place, cause });

const readJsonFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalid(path, `not a JSON file: ${messageOf(error)}`, error);
  }
};

const parseManifest = (path: string): Manifest => {
  const parsed = manifestSchema.safeParse(readJsonFile(path));
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error));
  return parsed.data;
};

const hfConfig = z.looseObject({
  architectures: z.array(z.string()).default([]),
  hidden_size: z.number().optional(),
  max_position_embeddings: z.number().default(512),
  id2label: z.record(z.string(), z.string()).optional(),
});

/** Without a manifest the architecture decides: a token classifier gives entities, everything else vectors. */
const deriveManifest = (folder: string, hints: ModelHints): Manifest => {
  const parsed = hfConfig.safeParse(readJsonFile(join(folder, 'config.json')));
  if (!parsed.success) throw invalid(join(folder, 'config.json'), z.prettifyError(parsed.error));
  const { architectures, hidden_size, max_position_embeddings, id2label } = parsed.data;
  const tokenizerConfig = join(folder, 'tokenizer_config.json');
  const tokenizer = existsSync(tokenizerConfig) ? (readJsonFile(tokenizerConfig) as { model_max_length?: number }) : {};
  const length = Math.min(max_position_embeddings, tokenizer.model_max_length ?? max_position_embeddings);
  const graph = hints.file ?? DEFAULT_GRAPHS.find((file) => existsSync(join(folder, file))) ?? DEFAULT_GRAPHS[0]!;
  const classifier = architectures.some((name) => name.endsWith('ForTokenClassification'));
  if (!classifier && hidden_size === undefined) throw invalid(join(folder, 'config.json'), 'hidden_size is missing');
  return manifestSchema.parse({
    id: basename(folder),
    graph,
    max_sequence_length: length,
    window: Math.min(128, length),
    ...(id2label && { labels: Object.keys(id2label).map((_, index) => id2label[String(index)]) }),
    tasks: classifier
      ? { ner: { output: 'logits' } }
      : {
          text_embedding: {
            output: 'last_hidden_state',
            pooling: hints.pooling ?? poolingOf(folder),
            normalize: hints.normalize ?? true,
            dims: hidden_size,
          },
        },
  });
};

/** As sentence-transformers keeps it; mean where it says nothing. */
const poolingOf = (folder: string): 'mean' | 'cls' => {
  const path = join(folder, '1_Pooling/config.json');
  if (!existsSync(path)) return 'mean';
  return (readJsonFile(path) as { pooling_mode_cls_token?: boolean }).pooling_mode_cls_token === true ? 'cls' : 'mean';
};

export const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
};

/** Checks the manifest's checksums; answers with the graph's own. */
export const verifyChecksums = async ({ folder, manifest }: ModelFiles): Promise<string> => {
  for (const [file, wanted] of Object.entries(manifest.sha256)) {
    if (file === manifest.graph) continue;
    if (!existsSync(join(folder, file))) throw missing(folder, `${file} is missing`);
    checkSum(folder, file, wanted, await sha256OfFile(join(folder, file)));
  }
  const graph = await sha256OfFile(join(folder, manifest.graph));
  const wanted = manifest.sha256[manifest.graph];
  if (wanted !== undefined) checkSum(folder, manifest.graph, wanted, graph);
  return graph;
};

const checkSum = (folder: string, file: string, wanted: string, found: string): void => {
  if (found === wanted) return;
  throw new SluiceError('SLUICE_MODEL_INVALID', `the checksum of ${file} is ${found}, and sluice.json says ${wanted}`, {
    place: folder,
    hint: 'The file is damaged or was exchanged. Fetch the model again.',
  });
};
