import { z } from 'zod';
import { classificationFields, ranked, softmax } from './classes.ts';
import { finite, shaped, type Task } from './task.ts';

const graph = z.strictObject({ output: z.string().describe('Graph output [batch, labels] of an NLI model.') });
const options = z.strictObject({
  labels: z.array(z.string()).min(1, 'zero_shot_classification requires non-empty [labels]'),
  multi_label: z.boolean().default(false),
  hypothesis_template: z.string().includes('{}').default('This example is {}.'),
  classification_labels: z.array(z.string()).optional(),
});
type Options = z.output<typeof options>;
export interface Asked {
  readonly labels: readonly string[];
  readonly multi: boolean;
  readonly template: string;
  /** Places of the logits. */
  readonly entailment: number;
  readonly contradiction: number;
}

/** Labels of the caller's, by a model that tells whether one sentence follows from another. */
export const zeroShotClassification: Task<z.output<typeof graph>, Options, Asked, Float32Array, number[]> = {
  graph,
  options,
  windows: false,
  span: false,
  prefix: false,
  read: ({ labels, multi_label, hypothesis_template, classification_labels }, manifest) => {
    const own = (classification_labels ?? manifest.labels ?? []).map((label) => label.toLowerCase());
    const entailment = own.indexOf('entailment');
    const contradiction = own.findIndex((label) => label === 'contradiction' || label === 'not_entailment');
    if (entailment < 0 || contradiction < 0)
      throw new Error('zero_shot_classification requires [entailment] and [contradiction] in classification_labels');
    return { labels, multi: multi_label, template: hypothesis_template, entailment, contradiction };
  },
  outputs: ({ output }) => [output],
  pairs: (text, { labels, template }) =>
    labels.map((label) => ({ first: text, second: template.replace('{}', () => label), document: 'first' })),
  part: ({ rows: [row] }, _graph, { entailment, contradiction }) => {
    shaped(row!, 'labels');
    finite(row!.data);
    return Float32Array.of(row!.data[entailment]!, row!.data[contradiction]!);
  },
  whole: (logits, _graph, { multi }) =>
    multi ? logits.map((pair) => softmax(pair)[0]!) : softmax(logits.map(([entails]) => entails!)),
  size: (probabilities) => 8 * probabilities.length,
  fields: (probabilities, { labels }, told) => classificationFields(ranked(labels, probabilities), told, -1),
};
