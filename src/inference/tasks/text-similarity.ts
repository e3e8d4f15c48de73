import { z } from 'zod';
import { finite, type Task } from './task.ts';

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, 1] of a cross-encoder.'),
  activation: z.enum(['none', 'sigmoid']).default('none').describe('none as in Elasticsearch: the score is the logit.'),
});
const options = z.strictObject({
  text: z.string({
    error: 'please provide configuration update for text_similarity task including the desired [text]',
  }),
  span_score_combination_function: z.enum(['max', 'mean']).default('max'),
});
export interface Asked {
  readonly text: string;
  readonly combine: 'max' | 'mean';
}

/** How well a text fits another one, e.g. a query: [TextSimilarityInferenceResults]. */
export const textSimilarity: Task<z.output<typeof graph>, z.output<typeof options>, Asked, number, number> = {
  graph,
  options,
  windows: false,
  span: true,
  prefix: false,
  read: ({ text, span_score_combination_function }) => ({ text, combine: span_score_combination_function }),
  outputs: ({ output }) => [output],
  pairs: (text, asked) => [{ first: asked.text, second: text, document: 'second' }],
  part: ({ rows: [row] }, { activation }) => {
    if (row!.data.length !== 1)
      throw new Error(`Expected exactly [1] value in text_similarity result; got [${row!.data.length}]`);
    finite(row!.data);
    const logit = row!.data[0]!;
    return activation === 'sigmoid' ? 1 / (1 + Math.exp(-logit)) : logit;
  },
  whole: (scores, _graph, { combine }) =>
    combine === 'max' ? Math.max(...scores) : scores.reduce((sum, score) => sum + score, 0) / scores.length,
  size: () => 16,
  fields: (score, _asked, { results_field }) => ({ [results_field]: score }),
};
