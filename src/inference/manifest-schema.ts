import { z } from 'zod';
import { LOCAL_TASKS, TASKS } from './tasks/table.ts';

const graphs = {
  ner: TASKS.ner.graph.optional(),
  text_embedding: TASKS.text_embedding.graph.optional(),
  text_classification: TASKS.text_classification.graph.optional(),
  zero_shot_classification: TASKS.zero_shot_classification.graph.optional(),
  fill_mask: TASKS.fill_mask.graph.optional(),
  question_answering: TASKS.question_answering.graph.optional(),
  text_similarity: TASKS.text_similarity.graph.optional(),
  text_expansion: TASKS.text_expansion.graph.optional(),
  pass_through: TASKS.pass_through.graph.optional(),
};

/** What a model does, by Elasticsearch's names. */
export const MODEL_TASKS = LOCAL_TASKS;
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
  tasks: z.strictObject(graphs).describe('Which of the graph’s outputs is what.'),
  labels: z.array(z.string()).optional().describe('Class names in the order of the logits.'),
  prefix_strings: z
    .strictObject({ ingest: z.string().optional(), search: z.string().optional() })
    .optional()
    .describe(
      'What comes before a text that is indexed, and before one that is searched for; text_embedding and text_expansion.',
    ),
  max_sequence_length: z.number().int().min(3).default(512).describe('Tokens the model takes, special ones included.'),
  window: z
    .number()
    .int()
    .min(3)
    .default(128)
    .describe('Tokens of a window of `long_text: sentences`, special ones included.'),
  batching: z.enum(['none', 'equal_length']).default('none'),
  batch_invariant: z.boolean().default(false).describe("True when a text's result does not depend on its batch-mates."),
  task_type: z.enum(MODEL_TASKS).optional().describe('In the model store: the task that it was taken in for.'),
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
