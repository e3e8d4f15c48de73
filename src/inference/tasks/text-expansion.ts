import { z } from 'zod';
import { finite, type Task } from './task.ts';

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, vocabulary], or [batch, sequence, vocabulary] of a SPLADE model.'),
  expansion_type: z
    .enum(['elser', 'splade'])
    .default('elser')
    .describe('elser: the output is the weights. splade: the largest of log(1 + logit) over the tokens is.'),
});
const options = z.strictObject({});
type Graph = z.output<typeof graph>;
export type Asked = Record<string, never>;
export interface Weights {
  /** As they are fields of a document: dots are two underscores. */
  readonly tokens: readonly string[];
  readonly weights: Float32Array;
}

/** Weights of tokens for a `sparse_vector` field: [TextExpansionResults]. */
export const textExpansion: Task<Graph, z.output<typeof options>, Asked, Float32Array, Weights> = {
  graph,
  options,
  windows: false,
  span: false,
  prefix: true,
  read: () => ({}),
  outputs: ({ output }) => [output],
  part: ({ rows: [row] }, { expansion_type }) => {
    finite(row!.data);
    const vocabulary = row!.dims.at(-1)!;
    if (expansion_type === 'elser') return row!.data.slice(0, vocabulary);
    const largest = new Float32Array(vocabulary);
    const { data } = row!;
    for (let from = 0; from < data.length; from += vocabulary)
      for (let token = 0; token < vocabulary; token += 1) {
        const logit = data[from + token]!;
        if (logit > largest[token]!) largest[token] = logit;
      }
    return largest.map((logit) => Math.log1p(logit));
  },
  whole: ([all], _graph, _asked, { tokenizer }) => {
    const ids: number[] = [];
    all!.forEach((weight, id) => {
      if (weight > 0) ids.push(id);
    });
    ids.sort((a, b) => all![b]! - all![a]!);
    const known = ids.filter((id) => tokenizer.token(id) !== undefined);
    return {
      tokens: known.map((id) => tokenizer.token(id)!.replaceAll('.', '__')),
      weights: Float32Array.from(known, (id) => all![id]!),
    };
  },
  moved: ({ weights }) => [weights.buffer],
  size: ({ tokens }) => 40 * tokens.length,
  fields: ({ tokens, weights }, _asked, { results_field }) => ({
    [results_field]: Object.fromEntries(tokens.map((token, at) => [token, Number(weights[at]!.toPrecision(8))])),
  }),
};
