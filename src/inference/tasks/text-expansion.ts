import { z } from 'zod';
import type { PlainObject } from '../../core/json/values.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { finite, type Row, type Task } from './task.ts';
import { toNumbers } from './text-embedding.ts';

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

/** Weights of tokens for a `sparse_vector` field, of each window of a text: [TextExpansionResults]. */
export const textExpansion: Task<Graph, z.output<typeof options>, Asked, Weights, Weights[]> = {
  graph,
  options,
  windows: true,
  span: false,
  prefix: true,
  read: () => ({}),
  outputs: ({ output }) => [output],
  part: ({ rows: [row] }, { expansion_type }, _asked, { tokenizer }) =>
    heaviestFirst(expansion_type === 'elser' ? weightsOf(row!) : splade(row!), tokenizer),
  whole: (windows) => [...windows],
  moved: (windows) => windows.map(({ weights }) => weights.buffer),
  size: (windows) => windows.reduce((sum, { tokens }) => sum + 100 + 40 * tokens.length, 0),
  fields: (windows, _asked, { results_field, windows: places, longText }) => ({
    [results_field]:
      longText === 'truncate'
        ? fieldsOf(windows[0]!)
        : windows.map((window, at) => ({
            text_start: places[at]!.start,
            text_end: places[at]!.end,
            embedding: fieldsOf(window),
          })),
  }),
};

const weightsOf = ({ data, dims }: Row): Float32Array => {
  const weights = data.slice(0, dims.at(-1)!);
  finite(weights);
  return weights;
};

/**
 * A loop over sequence times vocabulary, four tokens at a time: anything slower takes as long as the model. Bits of
 * positive floats rise as they do, and what is not finite is above them all.
 */
const splade = ({ data, dims }: Row): Float32Array => {
  const size = dims.at(-1)!;
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const largest = new Int32Array(size);
  for (let from = 0; from < bits.length; from += 4 * size) {
    // Behind the last one of the sequence the first of the four is looked at again.
    const below = (rows: number): number => (from + rows * size < bits.length ? rows * size : 0);
    const second = below(1);
    const third = below(2);
    const fourth = below(3);
    for (let token = 0; token < size; token += 1) {
      const at = from + token;
      let most = largest[token]!;
      if (bits[at]! > most) most = bits[at]!;
      if (bits[at + second]! > most) most = bits[at + second]!;
      if (bits[at + third]! > most) most = bits[at + third]!;
      if (bits[at + fourth]! > most) most = bits[at + fourth]!;
      largest[token] = most;
    }
  }
  const weights = new Float32Array(largest.buffer);
  finite(weights);
  for (let token = 0; token < size; token += 1) if (weights[token]! > 0) weights[token] = Math.log1p(weights[token]!);
  return weights;
};

/** Room for a token's id below the bits of its weight in the 53 of a double. */
const IDS = 2 ** 21;

const heaviestFirst = (all: Float32Array, tokenizer: Tokenizer): Weights => {
  const bits = new Uint32Array(all.buffer, all.byteOffset, all.length);
  const keys = new Float64Array(all.length);
  let count = 0;
  // Bits of positive floats rise as they do, so that one sort without a comparator does: of equal ones the first id leads.
  for (let id = 0; id < all.length; id += 1) if (all[id]! > 0) keys[count++] = bits[id]! * IDS + (IDS - 1 - id);
  const sorted = keys.subarray(0, count).sort();
  const names = namesOf(tokenizer);
  const tokens: string[] = [];
  const weights = new Float32Array(count);
  for (let at = count - 1; at >= 0; at -= 1) {
    const id = IDS - 1 - (sorted[at]! % IDS);
    const name = (names[id] ??= tokenizer.token(id)?.replaceAll('.', '__') ?? '');
    if (name === '') continue;
    weights[tokens.length] = all[id]!;
    tokens.push(name);
  }
  return { tokens, weights: weights.slice(0, tokens.length) };
};

/** Names of fields by the ids of tokens, as far as they were asked for. */
const known = new WeakMap<Tokenizer, string[]>();
const namesOf = (tokenizer: Tokenizer): string[] => {
  const names = known.get(tokenizer) ?? [];
  known.set(tokenizer, names);
  return names;
};

const fieldsOf = ({ tokens, weights }: Weights): PlainObject => {
  const numbers = toNumbers(weights);
  return Object.fromEntries(tokens.map((token, at) => [token, numbers[at]!]));
};
