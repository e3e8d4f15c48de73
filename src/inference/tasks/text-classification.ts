import { z } from 'zod';
import { classificationFields, ranked, sigmoid, softmax } from './classes.ts';
import { finite, shaped, type Task } from './task.ts';

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, labels].'),
  activation: z
    .enum(['softmax', 'sigmoid', 'none'])
    .default('softmax')
    .describe('What makes probabilities of the logits; none where the graph does.'),
});
const options = z.strictObject({
  num_top_classes: z.number().int().min(-1).default(0),
  classification_labels: z.array(z.string()).min(1).optional(),
});
type Graph = z.output<typeof graph>;
export interface Asked {
  readonly labels: readonly string[];
  readonly count: number;
}

const ACTIVATIONS = { softmax, sigmoid, none: (logits: ArrayLike<number>) => Array.from(logits) };

/** Classes of a text: [NlpClassificationInferenceResults]. Of a text in windows the first one decides, as there. */
export const textClassification: Task<Graph, z.output<typeof options>, Asked, Float32Array, number[]> = {
  graph,
  options,
  windows: false,
  span: true,
  prefix: false,
  read: ({ num_top_classes, classification_labels: given }, { labels: own = [] }) => {
    if (given !== undefined && own.length > 0 && given.length !== own.length)
      throw new Error(`the model has ${own.length} classes, and classification_labels names ${given.length}`);
    return { labels: given ?? own, count: num_top_classes };
  },
  outputs: ({ output }) => [output],
  part: ({ rows: [row] }) => {
    shaped(row!, 'labels');
    return row!.data;
  },
  whole: ([logits], { activation }, { labels }) => {
    if (logits!.length !== labels.length)
      throw new Error(
        `Expected exactly [${labels.length}] values in text classification result; got [${logits!.length}]`,
      );
    finite(logits!);
    return ACTIVATIONS[activation](logits!);
  },
  size: (probabilities) => 8 * probabilities.length,
  fields: (probabilities, { labels, count }, told) => classificationFields(ranked(labels, probabilities), told, count),
};
