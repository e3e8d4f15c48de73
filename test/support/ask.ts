import type { LocalTask, Manifest } from '../../src/inference/manifest-schema.ts';
import type { Ask, InferenceOutput } from '../../src/inference/onnx/protocol.ts';
import type { Entity } from '../../src/inference/tasks/ner.ts';
import { taskOf } from '../../src/inference/tasks/table.ts';

/** Tasks of a model with their default options, as a request asks for them. */
export const asksOf = (manifest: Manifest, ...tasks: readonly LocalTask[]): Ask[] =>
  tasks.map((task) => ({ task, asked: taskOf(task).read(taskOf(task).options.parse({}), manifest) as unknown }));

export const entitiesIn = ({ results }: InferenceOutput): readonly Entity[] => results.ner as readonly Entity[];
export const vectorsIn = ({ results }: InferenceOutput): readonly Float32Array[] =>
  results.text_embedding as readonly Float32Array[];
