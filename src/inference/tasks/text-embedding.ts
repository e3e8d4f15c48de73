import { z } from 'zod';
import type { JsonValue } from '../../core/json/values.ts';
import { finite, type Row, shaped, type Task } from './task.ts';

export const POOLINGS = ['none', 'mean', 'cls', 'last', 'max'] as const;
export const ELEMENT_TYPES = ['float', 'byte', 'bit'] as const;

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, dims], or [batch, sequence, dims] with a pooling.'),
  pooling: z.enum(POOLINGS).default('none').describe('none where the graph pools itself.'),
  normalize: z.boolean().default(false).describe('L2-normalise after pooling; false where the graph does.'),
  dims: z.number().int().positive().describe('Numbers that the graph gives for a text.'),
  dimensions: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Only the first ones, for models that were trained for it (Matryoshka); normalised again.'),
  element_type: z
    .enum(ELEMENT_TYPES)
    .default('float')
    .describe("As dense_vector's: byte is 127 times the normalised number, bit its sign, eight to a byte."),
  similarity: z.enum(['cosine', 'dot_product', 'l2_norm', 'max_inner_product']).default('cosine'),
});
const options = z.strictObject({
  embedding_size: z.number().int().positive().optional().describe('Refused where it is not what the model gives.'),
});
export type EmbeddingGraph = z.output<typeof graph>;
type Vector = Float32Array | Int8Array;

/** Numbers of a vector as it is written. */
export const sizeOfVector = ({ dims, dimensions = dims }: EmbeddingGraph): number => dimensions;

/** Vectors of a text, one for each window: [MlDenseEmbeddingResults]. */
export const textEmbedding: Task<EmbeddingGraph, z.output<typeof options>, Record<string, never>, Vector, Vector[]> = {
  graph,
  options,
  windows: true,
  span: false,
  prefix: true,
  read: ({ embedding_size }, { tasks }) => {
    const size = sizeOfVector(tasks.text_embedding!);
    if (embedding_size !== undefined && embedding_size !== size)
      throw new Error(`embedding_size is ${embedding_size}, and the model gives ${size} numbers`);
    return {};
  },
  outputs: ({ output }) => [output],
  part: ({ rows: [row] }, { pooling, normalize: normalised, dims, dimensions = dims, element_type }) => {
    if (pooling !== 'none') shaped(row!, 'sequence', 'dims');
    let vector = pooled(row!, pooling);
    finite(vector);
    if (dimensions < dims) vector = vector.slice(0, dimensions);
    if (normalised || dimensions < dims || element_type === 'byte') normalize(vector);
    return element_type === 'float' ? vector : element_type === 'byte' ? toBytes(vector) : toBits(vector);
  },
  whole: (vectors) => [...vectors],
  moved: (vectors) => vectors.map(({ buffer }) => buffer),
  size: (vectors) => vectors.reduce((sum, { byteLength }) => sum + byteLength + 100, 0),
  fields: (vectors, _asked, { results_field, windows, longText }) => ({
    [results_field]:
      longText === 'truncate'
        ? numbersOf(vectors[0]!)
        : vectors.map((vector, index) => ({
            text_start: windows[index]!.start,
            text_end: windows[index]!.end,
            embedding: numbersOf(vector),
          })),
  }),
};

const numbersOf = (vector: Vector): JsonValue => (vector instanceof Int8Array ? Array.from(vector) : toNumbers(vector));

/** One vector of [tokens, dims]; the answer has memory of its own. */
const pooled = (
  { data, dims: [tokens = 1, dims = data.length] }: Row,
  pooling: EmbeddingGraph['pooling'],
): Float32Array => {
  if (pooling === 'none') return data.slice();
  if (pooling === 'cls') return data.slice(0, dims);
  if (pooling === 'last') return data.slice((tokens - 1) * dims, tokens * dims);
  return pooling === 'max' ? maxPool(data, tokens, dims) : meanPool(data, tokens, dims);
};

const maxPool = (hidden: Float32Array, tokens: number, dims: number): Float32Array => {
  const largest = hidden.slice(0, dims);
  for (let token = 1; token < tokens; token += 1)
    for (let dim = 0; dim < dims; dim += 1) largest[dim] = Math.max(largest[dim]!, hidden[token * dims + dim]!);
  return largest;
};

const toBytes = (vector: Float32Array): Int8Array =>
  Int8Array.from(vector, (value) => Math.max(-128, Math.min(127, Math.round(127 * value))));

/** The first number is the highest bit of the first byte. */
const toBits = (vector: Float32Array): Int8Array => {
  const bytes = new Int8Array(Math.ceil(vector.length / 8));
  vector.forEach((value, at) => {
    if (value > 0) bytes[at >> 3]! |= 128 >> (at & 7);
  });
  return bytes;
};

/** Mean of the token vectors. @param hidden [tokens, dims] */
export const meanPool = (hidden: Float32Array, tokens: number, dims: number): Float32Array => {
  const mean = new Float32Array(dims);
  for (let token = 0; token < tokens; token += 1) {
    const row = token * dims;
    for (let dim = 0; dim < dims; dim += 1) mean[dim]! += hidden[row + dim]!;
  }
  for (let dim = 0; dim < dims; dim += 1) mean[dim]! /= tokens;
  return mean;
};

/** L2 normalisation in place; a zero vector stays as it is. */
export const normalize = (vector: Float32Array): Float32Array => {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return vector;
  const scale = 1 / Math.sqrt(square);
  for (let dim = 0; dim < vector.length; dim += 1) vector[dim]! *= scale;
  return vector;
};

/**
 * A vector as JSON numbers. Nine digits after the largest component's leading one hold all that a float has, and are
 * half as long as the double's.
 */
export const toNumbers = (vector: Float32Array): number[] => {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const numbers = new Array<number>(vector.length);
  const scale = largest > 0 && Number.isFinite(largest) ? 10 ** (8 - Math.floor(Math.log10(largest))) : 1;
  for (let dim = 0; dim < vector.length; dim += 1) numbers[dim] = Math.round(vector[dim]! * scale) / scale;
  return numbers;
};
