import { z } from 'zod';
import { bytes, duration } from '../config/units.ts';
import { elasticsearchConnection, node } from '../connections/elasticsearch/options.ts';
import { chunkingSettings } from './chunking.ts';
import { MODEL_TASKS } from './manifest-schema.ts';
import { EXECUTION_PROVIDERS } from './onnx/provider.ts';
import { SEMANTIC_CHUNKS, semanticTextOptions } from './semantic-text.ts';
import { ELEMENT_TYPES, POOLINGS } from './tasks/text-embedding.ts';
import { TASKS, type TransformersTask } from './transformers_js/protocol.ts';
import type { LongText } from './windows.ts';

/** Kinds of weights, by the names of the library. */
export const DTYPES = ['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'bnb4', 'q4f16'] as const;
export type Dtype = (typeof DTYPES)[number];

export const TASK_TYPES = Object.keys(TASKS) as [TransformersTask, ...TransformersTask[]];

export const diskCacheOptions = z.strictObject({
  path: z.string().min(1).describe('Folder of the results, made where it is missing; from the working folder.'),
  max_size: bytes()
    .default(1024 ** 3)
    .refine((size) => size >= 1024 ** 2, 'at least 1mb')
    .describe('What its files may take together; what was of use longest ago goes first. At least 1mb.'),
});
export type DiskCacheOptions = z.output<typeof diskCacheOptions>;

const localModelShape = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The model's folder: found from the working folder, beside the pipeline file, or among the bundled models.",
    ),
  model_id: z
    .string()
    .min(1)
    .optional()
    .describe('In place of path: id, alias or id@version in the model store, see `sluice models list`.'),
  engine: z
    .enum(['onnx', 'transformers_js'])
    .optional()
    .describe(
      'transformers_js runs text_classification, zero_shot_classification and fill_mask through @huggingface/transformers; default onnx.',
    ),
  task_type: z
    .enum(MODEL_TASKS)
    .optional()
    .describe('What the model does, where its files do not say it or say another thing.'),
  dtype: z.enum(DTYPES).optional().describe('transformers_js: which weights; q8 by default.'),
  number_of_allocations: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Worker threads, each with its own session. Default: one for each core.'),
  threads_per_allocation: z.number().int().min(1).max(32).default(1),
  execution_provider: z
    .enum(EXECUTION_PROVIDERS)
    .optional()
    .describe(
      'Where the graph runs: cpu (default), cuda, webgpu, coreml, dml; on the processor, with a warning, where the machine or the build of onnxruntime-node has it not.',
    ),
  queue_capacity: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(1024)
    .describe('Requests that may wait before the stream does.'),
  timeout: duration().default(300_000).describe('How long one text may run before its worker is replaced.'),
  cache_size: bytes()
    .default(16 * 1024 * 1024)
    .describe('Results kept in memory; 0 keeps none.'),
  disk_cache: diskCacheOptions
    .optional()
    .describe(
      'Results kept on disk as well, for later runs and other processes: a text is inferred once. Whoever may read the folder may read entities of the texts.',
    ),
  long_text: z
    .union([z.enum(['truncate', 'sentences']), chunkingSettings])
    .optional()
    .describe(
      "truncate (default): the head of a long text, as Elasticsearch. sentences: the whole text in windows of the model's. Or chunking settings as an inference endpoint has them: { strategy: word | sentence | recursive | none, max_chunk_size, … }. A vector, and the weights of text_expansion, become [{text_start, text_end, embedding}].",
    ),
  semantic_text: semanticTextOptions
    .optional()
    .describe(
      'Vectors and weights that `input_output` writes become `semantic_text` fields, as the cluster would have written them; long_text is then the chunking settings that such a field has by default.',
    ),
  file: z
    .string()
    .optional()
    .describe('Graph inside the folder; default onnx/model_quantized.onnx, then onnx/model.onnx.'),
  pooling: z.enum(POOLINGS).optional().describe('For embedding models whose folder does not say.'),
  normalize: z.boolean().optional(),
  dimensions: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Only the first numbers of a vector, for models that were trained for it (Matryoshka).'),
  element_type: z
    .enum(ELEMENT_TYPES)
    .optional()
    .describe('Of vectors, as dense_vector has it: float, byte or bit; default float.'),
});

export const localModelOptions = localModelShape.refine(
  ({ path, model_id }) => (path === undefined) !== (model_id === undefined),
  // Else a union would take this kind for the one that was meant, whatever key names another.
  { message: 'either path or model_id', abort: true },
);
export type LocalModelOptions = z.output<typeof localModelOptions>;

/** What becomes of long texts of a model. */
export const longTextOf = ({ long_text, semantic_text }: Partial<LocalModelOptions>): LongText =>
  long_text ?? (semantic_text === undefined ? 'truncate' : SEMANTIC_CHUNKS);

/** How much is sent at a time to a model that runs elsewhere. */
const remote = {
  timeout: duration().default(30_000).describe('`timeout` of each request.'),
  max_batch: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .describe('Most documents a request; sluice starts at 8 and follows the answers.'),
  cache_size: bytes()
    .default(0)
    .describe('Results kept in memory; 0, the default, keeps none: a model there may change without a sign.'),
  max_in_flight: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Requests at the same time, to each node of sluice.'),
};

export const elasticsearchModelOptions = z.strictObject({
  elasticsearch: z
    .strictObject({
      ...elasticsearchConnection,
      model_id: z.string().optional().describe('Trained model or deployment id: `_ml/trained_models/<id>/_infer`.'),
      inference_id: z
        .string()
        .optional()
        .describe('Inference endpoint id: `_inference/<task>/<id>`, in place of model_id.'),
      task_type: z
        .enum(['text_embedding', 'sparse_embedding', 'rerank', 'completion', 'chat_completion'])
        .optional()
        .describe('Task of the inference endpoint.'),
      ...remote,
    })
    .refine(
      (options) => (options.model_id === undefined) !== (options.inference_id === undefined),
      'either model_id or inference_id',
    ),
});
export type ElasticsearchModelOptions = z.output<typeof elasticsearchModelOptions>;

const { cloud_id: _cloud, nodes: _nodes, ...nodeConnection } = elasticsearchConnection;

export const nodesModelOptions = z.strictObject({
  sluice: z.strictObject({
    nodes: z
      .union([node, z.array(node).min(1).max(64)])
      .describe(
        'Processes of `sluice serve`. Each text goes to the one with the least before it; one that fails is left alone until it answers again.',
      ),
    ...nodeConnection,
    model_id: z.string().describe('Deployment or model there.'),
    ...remote,
  }),
});
export type NodesModelOptions = z.output<typeof nodesModelOptions>;

/** Tells the kinds apart by their key, so that mistakes are reported against the kind that was meant. */
export const modelOptions = z.union([elasticsearchModelOptions, nodesModelOptions, localModelOptions]);
export type ModelOptions = z.output<typeof modelOptions>;
